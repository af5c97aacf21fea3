"""What a report is made of, as plain data: built once, rendered as Markdown and as HTML."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any, Literal, Self

from flopscape.text.numbers import NOTHING, Writer


@dataclass(frozen=True)
class Paragraph:
    """Running text; `important` sets it apart."""

    text: str
    important: bool = False
    kind: str = "paragraph"


@dataclass(frozen=True)
class Bullets:
    """A list of sentences."""

    items: list[str]
    kind: str = "bullets"


@dataclass(frozen=True)
class Grid:
    """A table: the first column names the rows."""

    head: list[str]
    rows: list[list[str]]
    note: str = ""
    kind: str = "grid"


@dataclass(frozen=True)
class Code:
    """Commands, which are shown letter by letter."""

    text: str
    kind: str = "code"


@dataclass(frozen=True)
class Picture:
    """A figure on disk, and its caption."""

    name: str
    path: Path
    caption: str
    kind: str = "picture"


@dataclass(frozen=True)
class Dot:
    """A number in words, and where it and the ends of its interval lie in per cent of its axis; None for no number."""

    text: str
    at: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Axis:
    """An axis of `Dots`: its title, and its ticks as places in per cent with their labels."""

    title: str
    ticks: list[tuple[float, str]]


@dataclass(frozen=True)
class DotRow:
    """A row of `Dots`: a name, a look, and a dot for each axis."""

    name: str
    look: Literal["claim", "sure", "doubtful"]
    dots: list[Dot]


@dataclass(frozen=True)
class Dots:
    """Numbers with their intervals, one below the other on common axes.

    The page draws them itself, not matplotlib: so they are as wide as the page is, on a phone too, and in its colours.
    Through all rows runs a line at the first claim of each axis.
    """

    title: str
    axes: list[Axis]
    rows: list[DotRow]
    note: str = ""
    kind: str = "dots"

    @property
    def lines(self) -> list[float | None]:
        """Of each axis the place of the first claim."""
        claims = [row.dots for row in self.rows if row.look == "claim"]
        return [next((dots[i].at for dots in claims if dots[i].at is not None), None) for i in range(len(self.axes))]


@dataclass(frozen=True)
class Links:
    """Other pages: what each is called, and its address relative to the folder of this one."""

    items: list[tuple[str, str]]
    kind: str = "links"


@dataclass(frozen=True)
class Chart:
    """A picture that a page draws itself, whose points can be pointed at, as a specification of Vega-Lite.

    `instead` is a drawing of the same for where no program runs; None where there is none.
    """

    name: str
    spec: Mapping[str, Any]
    caption: str
    instead: Picture | None = None
    kind: str = "chart"


@dataclass(frozen=True)
class Cell:
    """A cell of a table that can be sorted: what it shows, what it is sorted by, and where it leads."""

    text: str
    order: float | str
    address: str = ""

    @classmethod
    def number(cls, value: float | None, write: Writer) -> Self:
        """A number as it is written; one that is missing stands below all others."""
        missing = value is None or math.isnan(value)
        return cls(NOTHING if missing else write(value), -math.inf if value is None or missing else value)


@dataclass(frozen=True)
class SortableTable:
    """A long table whose rows a reader may order by a column. Markdown leaves it out, for a file has it."""

    head: list[str]
    rows: list[list[Cell]]
    note: str = ""
    kind: str = "sortable"


Block = Paragraph | Bullets | Grid | Code | Picture | Dots | Links | Chart | SortableTable


@dataclass(frozen=True)
class Section:
    """A titled part; left out where it has no blocks.

    Sections that follow each other in one `group` are folded on a page under its name; one of no group is always open.
    """

    title: str
    blocks: list[Block]
    group: str = ""


@dataclass(frozen=True)
class Report:
    """Title, the answer in a sentence, sections, and the stamp of what all of it was made from."""

    title: str
    simulated: bool
    answer: list[Block]
    sections: list[Section] = field(default_factory=list)
    made_from: str = ""

    @property
    def has_program(self) -> bool:
        """Whether a page of it needs the program that draws charts and sorts tables."""
        sections = [block for section in self.sections for block in section.blocks]
        return any(isinstance(block, Chart | SortableTable) for block in [*self.answer, *sections])

    @property
    def groups(self) -> list[tuple[str, list[Section]]]:
        """The sections in their order, those of one group together; each section of none stands alone, under ""."""
        parts = [(group, list(members)) for group, members in groupby(self.sections, lambda section: section.group)]
        return [(group, part) for group, members in parts for part in ([members] if group else [[m] for m in members])]
