"""Writing a figure: SVG for people, PNG beside it, the same bytes for the same figure."""

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter

from flopscape.figures.style import RC
from flopscape.files.outputs import StrPath, replacing
from flopscape.files.side_outputs import both_files, refuse_both
from flopscape.records.stamps import Stamp, text_of
from flopscape.text.visible import cut, identifier, visible

ENDINGS = (".svg", ".png")
# No date and no version: the same figure has the same bytes, which its readers compare.
SVG_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}
PNG_METADATA = {"Software": "flopscape"}
PNG_MARK = b"Software\0flopscape"
SVG_OF_MATPLOTLIB = b'id="figure_1"'
LONGEST_LINE, LONGEST_NAME = 160, 48
"""Letters of a line of text, and of a name beside an axis: one of thousands would leave the axes no room."""
BEGINNING = 4096
"""Bytes of a file among which a mark is looked for."""


def refuse_figure(out: StrPath, inputs: Iterable[StrPath | None]) -> None:
    """Raise FlopscapeError where one of the two files must not be written."""
    refuse_both(out, ENDINGS, inputs, _is_figure)


def save(figure: Figure, out: StrPath, stamp: Stamp | None = None) -> list[Path]:
    """Write both files of a figure, with what they were made from if that is known; returns the two paths."""
    described = {"Description": text_of(stamp)} if stamp else {}
    svg, png = both_files(out, ENDINGS)
    with matplotlib.rc_context(RC):
        _show_all_text(figure)
        with replacing(svg) as temporary:
            figure.savefig(temporary, format="svg", metadata=SVG_METADATA | described)
        with replacing(png) as temporary:
            figure.savefig(temporary, format="png", metadata=PNG_METADATA | described)
    return [svg, png]


def draw_to(out: StrPath, draw: Callable[..., Figure], *content: Any, stamp: Stamp | None = None) -> list[Path]:
    """Draw the content in the package's style, and `save` that.

    The style must be in force already while a figure is drawn: artists take their fonts and sizes when they are made.
    """
    with matplotlib.rc_context(RC):
        return save(draw(*content), out, stamp)


def _show_all_text(figure: Figure) -> None:
    """Every text as it is written: no formula, nothing that XML cannot hold, its lines cut to leave the axes room."""
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        text.set_parse_math(False)
        text.set_text(_shown(text.get_text()))
    # Names of ticks are made while the figure is drawn, by their formatter: that is wrapped, for no text is there yet.
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        if isinstance(names := axis.get_major_formatter(), FuncFormatter):
            axis.set_major_formatter(FuncFormatter(partial(_tick, names)))
    for artist in figure.findobj():
        artist.set_gid(identifier(name) if (name := artist.get_gid()) else None)


def _tick(names: FuncFormatter, value: float, place: int | None) -> str:
    return _shown(names(value, place), LONGEST_NAME)


def _shown(text: str, most: int = LONGEST_LINE) -> str:
    return "\n".join(cut(line, most) for line in visible(text).split("\n"))


def _is_figure(png: Path, svg: Path) -> bool:
    """Whether a PNG was written by `save`; by version 0.1 without a mark, beside an SVG of matplotlib's."""
    return PNG_MARK in _beginning(png) or (svg.is_file() and SVG_OF_MATPLOTLIB in _beginning(svg))


def _beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(BEGINNING)
