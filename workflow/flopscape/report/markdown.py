"""A report as Markdown, with links to the figures beside it."""

import os
import re
from pathlib import Path

from flopscape.report.blocks import Block, Bullets, Code, Grid, Paragraph, Picture, Report

SPECIAL = re.compile(r"([\\`*|]|\](?=[(:]))")
MARK = "**SIMULATED: the losses come from a formula, nothing was trained.**"


def render(report: Report, folder: Path) -> str:
    """Markdown text; links to figures are relative to `folder`, where the text will stand."""
    parts = [f"# {plain(report.title)}"]
    if report.simulated:
        parts.append(MARK)
    parts += [_block(block, folder) for block in report.answer]
    for section in report.sections:
        parts += [f"## {section.title}", *(_block(block, folder) for block in section.blocks)]
    return "\n\n".join(parts) + "\n"


def plain(text: str) -> str:
    """Text that Markdown shows as it stands: one line, no markup, no HTML."""
    line = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return SPECIAL.sub(r"\\\1", line)


def _block(block: Block, folder: Path) -> str:
    match block:
        case Paragraph(text, important):
            return f"**{plain(text)}**" if important else plain(text)
        case Bullets(items):
            return "\n".join(f"- {plain(item)}" for item in items)
        case Grid():
            return _grid(block)
        case Code(text):
            return f"```sh\n{text}\n```"
        case Picture(name, path, caption):
            return f"![{plain(name)}]({_link(path, folder)})\n\n{plain(caption)}".rstrip()


def _grid(grid: Grid) -> str:
    rule = ["---"] * len(grid.head)
    lines = [grid.head, rule, *grid.rows]
    table = "\n".join(f"| {' | '.join(cell if line is rule else plain(cell) for cell in line)} |" for line in lines)
    return f"{table}\n\n{plain(grid.note)}".rstrip()


def _link(path: Path, folder: Path) -> str:
    return Path(os.path.relpath(path, folder)).as_posix().replace(" ", "%20")
