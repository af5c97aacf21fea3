"""The page around a figure's axes: title, notes, the mark of a simulated study; the figure with nothing to show."""

import textwrap
from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from flopscape.errors import joined
from flopscape.records.fit_result import FitResult

MARK = "SIMULATED"
MARK_WIDTH = 1.2
"""Inches that the mark takes from the title."""
LINE = 0.19
"""Height of a line of notes in inches."""


def page(width: float, height: float) -> Figure:
    """An empty page in inches; `finish` puts the header on it."""
    return Figure(figsize=(width, height), layout="constrained")


def finish(figure: Figure, title: str, notes: Sequence[str] = (), simulated: bool = False) -> Figure:
    """Write title and notes above the axes, and the mark SIMULATED beside them; returns the figure.

    The page grows by the header's height, so that the axes keep theirs.
    """
    width = figure.get_figwidth()
    # About 9.2 letters of the title's bold font, and 13.5 of the notes', go on an inch.
    titles = _wrap(title, int((width - MARK_WIDTH * simulated) * 9.2))
    lines = [line for note in notes for line in _wrap(note, int(width * 13.5))]
    # Margins above and below, a quarter of an inch for a line of the title, and the notes.
    header = 0.14 + 0.25 * len(titles) + LINE * len(lines) + 0.08
    height = figure.get_figheight() + header
    figure.set_figheight(height)
    # Only the part below the header is left to the axes; the engine takes it as fractions of the page.
    engine = figure.get_layout_engine()
    if isinstance(engine, ConstrainedLayoutEngine):
        engine.set(rect=(0, 0, 1, 1 - header / height), w_pad=0.06, h_pad=0.06)
    top = height - 0.12
    _text(figure, "\n".join(titles), top, fontsize=12.5, fontweight="bold", linespacing=1.25)
    _text(figure, "\n".join(lines), top - 0.04 - 0.25 * len(titles), fontsize=9, color="0.3", linespacing=1.3)
    if simulated:
        _mark(figure, top)
    return figure


def nothing(title: str, sentence: str, simulated: bool = False) -> Figure:
    """A figure that says in a sentence why there is nothing to draw."""
    figure = page(7.5, 2.2)
    axes = figure.subplots()
    axes.axis("off")
    axes.text(0.5, 0.5, "\n".join(_wrap(sentence, 70)), ha="center", va="center", fontsize=11, color="0.25")
    return finish(figure, title, simulated=simulated)


def refusals(fits: dict[str, FitResult]) -> list[str]:
    """A note for each fit that refused, and one that names those that are weak or sit on a boundary.

    Why these do is a paragraph, which the report has.
    """
    refused = [judged(name, fit.status, fit.reason) for name, fit in fits.items() if fit.status == "refused"]
    doubtful = {status: [name for name, fit in fits.items() if fit.status == status] for status in ("weak", "boundary")}
    named = [f"{joined(names)} {'is' if len(names) == 1 else 'are'} {s}" for s, names in doubtful.items() if names]
    return [*refused, *([f"{joined(named)}."] if named else [])]


def judged(name: str, status: str, reason: str) -> str:
    """A fit's name, status and reason."""
    return f"{name} {'refused' if status == 'refused' else 'is ' + status}: {reason}"


def _text(figure: Figure, text: str, top: float, **style: Any) -> None:
    """Text from the left margin, `top` inches above the bottom; dollar signs are dollar signs."""
    # Matplotlib places text in fractions of the page, of which these are inches.
    x, y = 0.1 / figure.get_figwidth(), top / figure.get_figheight()
    figure.text(x, y, text, va="top", ha="left", parse_math=False, in_layout=False, **style)


def _mark(figure: Figure, top: float) -> None:
    x, y = 1 - 0.14 / figure.get_figwidth(), (top - 0.03) / figure.get_figheight()
    box = {"boxstyle": "round,pad=0.3", "facecolor": "#fff3e0", "edgecolor": "#b34700", "linewidth": 1.2}
    figure.text(x, y, MARK, va="top", ha="right", color="#b34700", fontsize=10, fontweight="bold", bbox=box)


def wrapped(text: str, width: int) -> str:
    """The text in lines of at most `width` characters."""
    return "\n".join(_wrap(text, width))


def _wrap(text: str, width: int) -> list[str]:
    """Lines of at most `width` characters, without the control characters that no SVG may hold."""
    clean = "".join(letter if letter.isprintable() else " " for letter in text)
    return textwrap.wrap(clean, max(width, 20), break_long_words=True)
