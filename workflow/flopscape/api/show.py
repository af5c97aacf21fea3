"""How results show themselves: as a table of a notebook, and in axes that are given or new."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from flopscape.text.visible import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH, HEIGHT = 6.4, 4.2
"""Inches of new axes."""
MOST_ROWS = 12
"""Rows of a notebook's table; how many more there are stands below."""
TABLE = "border-collapse:collapse;margin:.3em 0"
CELL = "padding:.15em .8em .15em 0;text-align:left;border-bottom:1px solid currentColor"
QUIET = "opacity:.75;margin:.2em 0"
"""No colour but the text's own is named anywhere, so that a dark notebook shows light text on its own ground."""


def page(title: str, head: Sequence[str], rows: Sequence[Sequence[str]], notes: Sequence[str] = ()) -> str:
    """A title, a table and sentences below it, as HTML; all of it may be anyone's text.

    >>> print(page("<a>", ["N"], [["1 k"]]))  # doctest: +ELLIPSIS
    <div><strong>&lt;a&gt;</strong><table style="...">...<td style="...">1 k</td></tr></tbody></table></div>
    """
    shown = [*rows[:MOST_ROWS]]
    more = [f"and {len(rows) - len(shown)} rows more"] if len(rows) > len(shown) else []
    said = "".join(f'<p style="{QUIET}">{_text(note)}</p>' for note in (*more, *notes))
    return f"<div><strong>{_text(title)}</strong>{_table(head, shown) if shown else ''}{said}</div>"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    top = "".join(f'<th style="{CELL}">{_text(cell)}</th>' for cell in head)
    body = "".join("<tr>" + "".join(f'<td style="{CELL}">{_text(cell)}</td>' for cell in row) + "</tr>" for row in rows)
    return f'<table style="{TABLE}"><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>'


def _text(text: str) -> str:
    return escape(visible(text))


@contextmanager
def drawn(ax: "Axes | None") -> Iterator["Axes"]:
    """Axes to draw into: those given, in whatever style they have, or those of a new figure in the package's."""
    if ax is not None:
        yield ax
        return
    import matplotlib
    import matplotlib.pyplot as plt

    from flopscape.figures.style import RC

    with matplotlib.rc_context(RC):
        yield plt.subplots(figsize=(WIDTH, HEIGHT), layout="constrained")[1]


def flat(values: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers of a row by the names of columns: an estimate under its own, the ends under the name with _low and _high.

    >>> flat({"n_params": {"estimate": 1e6, "low": 9e5, "high": None}, "flops": 1e18})
    {'n_params': 1000000.0, 'n_params_low': 900000.0, 'n_params_high': None, 'flops': 1e+18}
    """
    found: dict[str, Any] = {}
    for name, value in values.items():
        ends = asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
        if isinstance(ends, Mapping):
            found |= {name if end == "estimate" else f"{name}_{end}": number for end, number in ends.items()}
        else:
            found[name] = value
    return found
