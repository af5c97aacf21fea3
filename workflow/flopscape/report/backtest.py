"""How the fits predicted what was hidden from them: the backtest's table and its two sentences."""

from collections.abc import Sequence

from flopscape.answers.backtest.words import HEAD, by_factor, hiding, sentences, table
from flopscape.records.backtest import Forecast
from flopscape.report.blocks import Block, Bullets, Grid

NOTE = (
    "Each fit again without its largest budgets, or costliest runs. Held: 95 % intervals that hold what the hidden runs"
    " show, whose own error counts. high/low: the median interval of N*; width: that of L*, and errors and regret (the"
    " excess loss at the N* that was predicted), as parts of the loss. Log score: mean log density of a hidden run."
)


def blocks(forecasts: Sequence[Forecast] | None) -> list[Block]:
    """Two sentences, a row for each fit, and how often intervals held by how far was extrapolated."""
    if not forecasts:
        return []
    hidden = hiding(forecasts)
    # By how much each fit missed stands with its status, under Fits; the table says whose misses are beyond chance.
    said: list[Block] = [Bullets(sentences(forecasts)[:2])]
    if not hidden:
        return said
    said.append(Grid(HEAD, table(hidden), NOTE))
    if any(line.what == "optimum" and line.is_judged for line in hidden):
        head, *rows = by_factor(hidden)
        said.append(Grid(head, rows))
    return said
