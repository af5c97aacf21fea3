"""Prediction against outcome: what the fits had said of the runs that stay hidden, whether it held, and by how much."""

from collections.abc import Sequence

from flopscape.answers.backtest.words import HEAD as SCORES_HEAD
from flopscape.answers.backtest.words import table as scores_table
from flopscape.answers.earlier import HEAD as EARLIER_HEAD
from flopscape.answers.earlier import headline, rows, why_earlier
from flopscape.answers.outcomes import HEAD, bearing, judged, missed, of_run, sentences, shown, table
from flopscape.records.backtest import Outcome
from flopscape.records.fit_result import Estimate
from flopscape.report.blocks import Axis, Block, Bullets, Dot, DotRow, Dots, Grid, Paragraph
from flopscape.report.evidence import Evidence
from flopscape.text import numbers

MOST_ROWS = 30
"""Of the picture and of the table: with more of them the recommended fit alone is shown."""
NOTE = (
    "No fit has seen these runs, and none was made again. Predicted: with its 95 % interval, which has the noise of a"
    " run in it. Found: ± its standard error. Off: found less predicted, in standard deviations of the prediction. Log"
    " score: the log density of the prediction at what was found; higher is better."
)
PICTURED = "Dots: predicted losses less those found, as parts of these; whiskers: the 95 % intervals."
SCORED = (
    "Held: 95 % intervals that hold what was found. high/low and width: the median intervals; errors are root mean"
    " squares, those of losses and regrets parts of the loss; the log score is a mean."
)


def blocks(evidence: Evidence) -> list[Block]:
    """Whether the recommended fit's predictions held, each prediction beside its outcome, and a score for every fit."""
    # The recommended fit first; of each fit the order of its file stays.
    lines = sorted(evidence.validation or [], key=lambda line: line.fit != evidence.recommended)
    said = sentences(evidence.recommended, evidence.outcomes)
    told = shown(lines)
    if len(table(told)) > MOST_ROWS:
        told = shown(evidence.outcomes)
    first: list[Block] = [Bullets(said)] if said else []
    if not told:
        return [*first, *earlier(evidence)]
    # The last column is the backtest's verdict on optima alone; that on runs too is said above.
    scored = judged(lines)
    scores = [Grid(SCORES_HEAD[:-1], [row[:-1] for row in scores_table(scored)], SCORED)] if scored else []
    # In the picture the answer's own predictions, as far as it has some: the table below has those of all fits.
    own = judged(evidence.outcomes)
    return [
        *first,
        *(_picture(own) or _picture(told)),
        Grid(HEAD, table(told), NOTE),
        *scores,
        *earlier(evidence),
    ]


def earlier(evidence: Evidence) -> list[Block]:
    """What the recommended fit had said before: each prediction with its day; nothing where there is today's alone."""
    said = evidence.said
    note = why_earlier(evidence.recommended, said)
    if len(said) < 2:
        return [Paragraph(note)] if note else []
    return [Grid(EARLIER_HEAD, rows(said), f"{note} {headline(said)}".strip())]


def verdict(evidence: Evidence) -> list[Block]:
    """In a sentence whether the recommended fit's predictions held, for sections that judge it by other means."""
    said = bearing(evidence.recommended, evidence.outcomes)
    return [Paragraph(said)] if said else []


def warning(evidence: Evidence) -> list[Block]:
    """What stands beside the status of a fit whose predictions did not hold, for the status knows nothing of them."""
    why = missed(evidence.outcomes)
    text = f"Runs that stayed hidden speak against it, whatever its status says: {why}."
    return [Paragraph(text, True)] if why else []


def _picture(lines: Sequence[Outcome]) -> list[Block]:
    """Predicted less found loss of each hidden run and optimum on one axis, where what was found is zero."""
    shown = [line for line in lines if line.loss and line.true_loss and line.loss_holds is not None]
    parts = [(end - line.true_loss) / line.true_loss for line in shown for end in _ends(line) if line.true_loss]
    if not parts:
        return []
    reach = 1.1 * max(map(abs, parts)) or 0.01
    ticks = [(_place(part, reach), f"{100 * part:+.2g} %" if part else "0") for part in (-reach / 2, 0.0, reach / 2)]
    is_one_fit = len({line.fit for line in shown}) == 1
    rows = [DotRow("found", "claim", [Dot("0", 50.0)]), *(_row(line, reach, is_one_fit) for line in shown)]
    whose = f"Losses that {shown[0].fit} predicted" if is_one_fit else "Predicted losses"
    return [Dots(f"{whose}, less those found", [Axis("predicted less found, of the loss", ticks)], rows, PICTURED)]


def _ends(line: Outcome) -> list[float]:
    return [end for end in (line.loss, line.loss_low, line.loss_high) if end is not None]


def _row(line: Outcome, reach: float, is_one_fit: bool) -> DotRow:
    what = of_run(line) if line.what == "run" else f"L* at {numbers.flops(line.flops)} FLOPs"
    true, number = line.true_loss or 1.0, Estimate(line.loss or 0.0, line.loss_low, line.loss_high)
    places = [None if end is None else _place((end - true) / true, reach) for end in (number.low, number.high)]
    text = f"{numbers.interval(number, numbers.loss)}; found {numbers.loss(true)}"
    dot = Dot(text, _place((number.estimate - true) / true, reach), *places)
    name = what if is_one_fit else f"{line.fit}, {what}"
    return DotRow(name, "sure" if line.loss_holds else "doubtful", [dot])


def _place(part: float, reach: float) -> float:
    """Where a part of the loss lies on the axis, in per cent of its length."""
    return 50.0 * (1 + part / reach)
