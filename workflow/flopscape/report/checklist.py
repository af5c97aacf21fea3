"""The reporting checklist of a study: a section of its report, and the page `checklist.md` for people to fill in."""

from flopscape.checklist.items import TITLE, Entry, Filled
from flopscape.errors import joined
from flopscape.report.blocks import Block, Bullets, Paragraph
from flopscape.report.markdown import inline

INTRODUCTION = (
    f"After the checklist of {TITLE}, in words of our own; § is its section, and what is quoted the column of the sheet"
    " that it publishes. Ticked is what the workflow knows from this study's files. The rest is for people: replace the"
    " line by what is true in a copy of this page, for this one is made again with its study."
)


def page_text(title: str, page: Filled) -> str:
    """The page as Markdown: a box for each item, ticked where something is told."""
    parts = [f"# Reporting checklist: {inline(title)}", summary(page), inline(INTRODUCTION)]
    number = 0
    for heading, entries in page.parts.items():
        lines = []
        for number, entry in enumerate(entries, number + 1):  # noqa: B020  (numbers go on from part to part)
            lines.append(_box(number, entry))
        parts += [f"## {heading}", "\n".join(lines)]
    return "\n\n".join(parts) + "\n"


def _box(number: int, entry: Entry) -> str:
    question = f"{number}. **{inline(entry.item.question)}** ({inline(entry.item.source)})"
    if entry.is_open:
        return f"- [ ] {question}\\\n  *Open: {entry.item.who} can tell.*"
    return f"- [x] {question}\\\n  {inline(entry.told)}"


def summary(page: Filled) -> str:
    """How much is told, in a sentence, and who can tell the rest."""
    total, n_open = len(page.entries), page.n_open
    if not n_open:
        return f"All {total} items are told."
    who = joined(dict.fromkeys(entry.item.who for entry in page.entries if entry.is_open))
    are = "is" if n_open == 1 else "are"
    return f"{total - n_open} of {total} items are told; {n_open} {are} open, for {who} to tell."


def blocks(page: Filled | None) -> list[Block]:
    """The section of the report: a line for each item; nothing where no checklist was filled in."""
    if page is None:
        return []
    items = [f"{entry.item.question} {entry.told or f'☐ Open: {entry.item.who} can tell.'}" for entry in page.entries]
    return [Paragraph(f"After the checklist of {TITLE}. {summary(page)}"), Bullets(items)]
