"""The two files of a report: HTML, and Markdown beside it."""

from collections.abc import Iterable
from pathlib import Path

from flopscape.outputs import StrPath, refuse_a_folder, refuse_output, write_text
from flopscape.report import html, markdown
from flopscape.report.blocks import Report
from flopscape.side_outputs import refuse_side_output, side_output

MARK = "<!-- Written by flopscape. -->"
HTML_OF_REPORTS = "Content-Security-Policy\" content=\"default-src 'none'"
"""What every page by template.html holds, those of version 0.1 too."""


def files(out: StrPath) -> tuple[Path, Path]:
    """HTML and Markdown: `a.b.html` and `a.b.md` for `a.b`, `a.b.html` or `a.b.md`."""
    page, text = (side_output(out, ending, (".html", ".md")) for ending in (".html", ".md"))
    return page, text


def refuse_report(out: StrPath, inputs: Iterable[StrPath | None]) -> None:
    """Raise FlopscapeError where one of the two files must not be written."""
    refuse_a_folder(out)
    (page, text), read = files(out), list(inputs)
    refuse_output(page, read)
    refuse_side_output(text, page, read, lambda path: _is_report(path, page))


def write_report(report: Report, out: StrPath) -> list[Path]:
    """Write both files of a report, Markdown first; returns the two paths."""
    page, text = files(out)
    write_text(text, f"{markdown.render(report, text.resolve().parent)}\n{MARK}\n{_stamp(report)}")
    write_text(page, html.render(report))
    return [text, page]


def _stamp(report: Report) -> str:
    return f"<!-- {report.made_from} -->\n" if report.made_from else ""


def _is_report(text: Path, page: Path) -> bool:
    """Whether Markdown was written by `write_report`; by version 0.1 without a mark, beside its HTML."""
    return any(
        path.is_file() and mark in path.read_text(encoding="utf-8", errors="replace")
        for path, mark in ((text, MARK), (page, HTML_OF_REPORTS))
    )
