"""Which approach fits a design: the path of the decision guide, what it recommends, and what to do next."""

from flopscape.guide.walk import Walk
from flopscape.report.blocks import Block, Bullets, Grid, Paragraph

PATH = "The path through the decision guide (docs/guide.md), which flopscape guide prints for any study or table:"
ERRORS = "Errors are root mean squares, of N* as parts of it; simulated: on copies of laws possible after the runs."


def blocks(path: Walk | None) -> list[Block]:
    """The approach and why, the errors of the others, the path as a table, and what to do next."""
    if path is None:
        return []
    approach = path.approach
    steps = [f"{step.question} {step.fact} So: {step.answer}." for step in path.steps]
    rows = path.measured.rows
    to_do: list[Block] = [Paragraph("What to do next:"), Bullets(path.next)] if path.next else []
    return [
        Paragraph(f"Fit {approach.words} ({', '.join(approach.methods)}). {approach.why}"),
        *([Grid(rows[0], rows[1:], ERRORS)] if rows else []),
        *map(Paragraph, path.measured.sentences),
        Paragraph(PATH),
        Bullets(steps),
        *to_do,
    ]
