"""What a report is made of, as plain data: built once, rendered as Markdown and as HTML."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal


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


Block = Paragraph | Bullets | Grid | Code | Picture | Dots | Links


@dataclass(frozen=True)
class Section:
    """A titled part; left out where it has no blocks."""

    title: str
    blocks: list[Block]


@dataclass(frozen=True)
class Report:
    """Title, the answer in a sentence, sections, and the stamp of what all of it was made from."""

    title: str
    simulated: bool
    answer: list[Block]
    sections: list[Section] = field(default_factory=list)
    made_from: str = ""
