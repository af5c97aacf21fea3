"""The two files of a report: HTML, and Markdown beside it."""

from collections.abc import Iterable
from pathlib import Path

from flopscape.files.outputs import StrPath, write_text
from flopscape.files.side_outputs import both_files, refuse_both
from flopscape.report import html, markdown
from flopscape.report.blocks import Report

ENDINGS = (".html", ".md")
MARK = "<!-- Written by flopscape. -->"
HTML_OF_REPORTS = "Content-Security-Policy\" content=\"default-src 'none'"
"""What every page by template.html holds, those of version 0.1 too."""


def refuse_report(out: StrPath, inputs: Iterable[StrPath | None]) -> None:
    """Raise FlopscapeError where one of the two files must not be written."""
    refuse_both(out, ENDINGS, inputs, _is_report)


def write_report(report: Report, out: StrPath) -> list[Path]:
    """Write both files of a report, Markdown first; returns the two paths."""
    page, text = both_files(out, ENDINGS)
    # Links are relative to where the file really stands, behind any link to its folder.
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
