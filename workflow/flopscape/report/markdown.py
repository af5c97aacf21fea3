"""A report as Markdown, with links to the figures beside it. Text is escaped here, and only where it has to be."""

import os
import re
from html import unescape
from pathlib import Path
from urllib.parse import quote

from flopscape.report.blocks import (
    Block,
    Bullets,
    Chart,
    Code,
    Dots,
    Grid,
    Links,
    Paragraph,
    Picture,
    Report,
    SortableTable,
)
from flopscape.text.visible import one_line, visible

ANYWHERE = re.compile(
    r"[\\`*|~]"  # escapes, code, emphasis, cells, strikethrough
    r"|(?<![^\W_])_|_(?![^\W_])"  # emphasis, but not within n_params
    r"|\](?=[(:\[])"  # links, images and their definitions
)
AT_THE_START = re.compile(r"^(?:[-+#=](?=[-+#=\s]|$)|\d{1,9}(?=[.)](?:\s|$))|(?=\[[ xX]?\]))")
"""Lists, headings, rules and boxes to tick."""
ESCAPED = re.compile(r"\\([^\w\s])")
ENTITY = re.compile(r"&(?=#?\w+;)")
CLOSING_HASHES = re.compile(r"(#+)$")
MARK = "**SIMULATED: the losses come from a formula, nothing was trained.**"


def render(report: Report, folder: Path) -> str:
    """Markdown text; links to figures are relative to `folder`, where the text will stand."""
    parts = [_heading(1, report.title)]
    if report.simulated:
        parts.append(MARK)
    parts += [_block(block, folder) for block in report.answer]
    for section in report.sections:
        blocks = [_block(block, folder) for block in section.blocks]
        parts += [_heading(2, section.title), *filter(None, blocks)] if any(blocks) else []
    return "\n\n".join(parts) + "\n"


def plain(text: str) -> str:
    """Text that Markdown shows as it stands where a line begins: one line, no markup, no HTML, no formula."""
    return AT_THE_START.sub(_escaped_start, inline(text))


def inline(text: str) -> str:
    """Text that Markdown shows as it stands within a line, where no list can begin."""
    line = ENTITY.sub("&amp;", ANYWHERE.sub(r"\\\g<0>", one_line(text)))
    line = line.replace("<", "&lt;").replace(">", "&gt;")
    # A single dollar sign is no formula anywhere, and money is often written.
    return line.replace("$", r"\$") if line.count("$") > 1 else line


def bullets(text: str, title: str) -> list[str]:
    r"""The items of a section of a report as they were before `plain`, for a terminal; none where there is no such one.

    >>> bullets("# T\n\n## Doubts\n\n- N\\* is &lt; 1.\n\n## More\n\n- two\n", "Doubts")
    ['N* is < 1.']
    """
    section = text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    return [unescape(ESCAPED.sub(r"\1", line[2:])) for line in section.splitlines() if line.startswith("- ")]


def _escaped_start(match: re.Match[str]) -> str:
    """A backslash before the sign, or after the digits, that would begin a list, a heading or a rule."""
    return f"{match[0]}\\" if match[0].isdigit() else f"\\{match[0]}"


def _heading(level: int, title: str) -> str:
    # Hashes at the end of a heading would be taken for its closing ones.
    text = CLOSING_HASHES.sub(r"\\\1", inline(title))
    return f"{'#' * level} {text}"


def _block(block: Block, folder: Path) -> str:
    match block:
        case Paragraph(text, important):
            return f"**{inline(text)}**" if important and text.strip() else plain(text)
        case Bullets(items):
            return "\n".join(f"- {plain(item)}" for item in items)
        case Grid():
            return _grid(block)
        case Code(text):
            return _fenced(visible(text))
        case Picture(name, path, caption):
            return f"![{inline(name)}]({_link(path, folder)})\n\n{plain(caption)}".rstrip()
        case Chart():
            return _block(block.instead, folder) if block.instead else plain(block.caption)
        case SortableTable():
            return ""
        case Dots(title, axes, rows, note):
            cells = [[row.name, *(dot.text for dot in row.dots)] for row in rows]
            return _grid(Grid([title, *(axis.title for axis in axes)], cells, note))
        case Links(items):
            return "\n".join(f"- [{inline(name)}]({quote(address)})" for name, address in items)


def _fenced(text: str) -> str:
    """A code block whose fence is longer than any run of backticks within."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}sh\n{text}\n{fence}"


def _grid(grid: Grid) -> str:
    rule = ["---"] * len(grid.head)
    lines = [grid.head, rule, *grid.rows]
    table = "\n".join(f"| {' | '.join(cell if line is rule else inline(cell) for cell in line)} |" for line in lines)
    return f"{table}\n\n{plain(grid.note)}".rstrip()


def _link(path: Path, folder: Path) -> str:
    return quote(os.fsencode(Path(os.path.relpath(path, folder)).as_posix()))
