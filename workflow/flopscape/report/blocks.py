"""What a report is made of, as plain data: built once, rendered as Markdown and as HTML."""

from dataclasses import dataclass, field
from pathlib import Path


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


Block = Paragraph | Bullets | Grid | Code | Picture


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
