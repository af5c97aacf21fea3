"""Prediction against outcome in words: whether what a fit had said of the runs that stay hidden held."""

from collections.abc import Iterator, Sequence

from flopscape.answers.backtest.scores import by_fit
from flopscape.errors import joined
from flopscape.fitting.backtest.misses import misses_of_outcomes, why_it_misses
from flopscape.records.backtest import Outcome
from flopscape.records.fit_result import Estimate
from flopscape.text import numbers
from flopscape.text.terminal import aligned

LEAST_COST = 1e-4
"""Part of a loss below which no run shows a difference."""
CURE = "Plan some with sweep.validate in the study, or mark rows of a table as true in a column `validate`."
COMING = "to come"
NOTHING = [numbers.NOTHING] * 2
HEAD = ["fit", "hidden", "predicted", "found", "held", "off, SD", "log score"]


def of_fit(lines: Sequence[Outcome] | None, name: str) -> list[Outcome]:
    """The lines of one fit."""
    return [line for line in lines or [] if line.fit == name]


def judged(lines: Sequence[Outcome]) -> list[Outcome]:
    """The lines that have both a prediction and an outcome."""
    return [line for line in lines if line.is_judged]


def shown(lines: Sequence[Outcome]) -> list[Outcome]:
    """The lines that have a prediction, and an outcome or the hope of one."""
    return [line for line in lines if line.is_judged or line.is_awaited]


def missed(lines: Sequence[Outcome]) -> str:
    """Which hidden runs and optima one fit missed by more than chance, and how far; or nothing."""
    return why_it_misses(misses_of_outcomes(lines))


def bearing(name: str, lines: Sequence[Outcome]) -> str:
    """In one sentence whether the predictions of one fit held; empty where nothing can be said.

    Parameters
    ----------
    name : str
        Of the fit.
    lines : sequence of Outcome
        Its own.
    """
    told = judged(lines)
    if not told:
        return ""
    far = max(line.extrapolation for line in told)
    beyond = f", up to a factor {numbers.ratio(far)} beyond those that it saw" if far > 1 else ""
    said = f"Of runs that no fit has seen{beyond}, the 95 % intervals of {name} held {held(told)}"
    if why := missed(told):
        return f"{said}; it missed by more than chance: {why}."
    return f"{said}{_by_chance(told)}."


def held(lines: Sequence[Outcome]) -> str:
    """How many of the intervals of one fit held, of losses, N* and L*; empty where nothing has come."""
    runs = [held for line in lines if line.what == "run" and (held := line.loss_holds) is not None]
    sizes = [held for line in _optima(lines) if (held := line.n_params_holds) is not None]
    losses = [held for line in _optima(lines) if (held := line.loss_holds) is not None]
    shares: dict[str, list[bool]] = {"losses of single runs": runs, "N*": sizes, "L*": losses}
    return joined([f"{sum(held)} of {len(held)} {what}" for what, held in shares.items() if held])


def _by_chance(lines: Sequence[Outcome]) -> str:
    all_held = all(held is not False for line in lines for held in (line.loss_holds, line.n_params_holds))
    return "" if all_held else ", and misses no more than chance does"


def sentences(name: str, lines: Sequence[Outcome]) -> list[str]:
    """Whether the predictions of one fit held, what it said of each hidden optimum, and what tells nothing."""
    return [*filter(None, [bearing(name, lines)]), *map(_of_optimum, _optima(lines)), *_silent(name, lines)]


def _optima(lines: Sequence[Outcome]) -> list[Outcome]:
    return [line for line in lines if line.what == "optimum"]


def _of_optimum(line: Outcome) -> str:
    compute = f"{numbers.flops(line.flops)} FLOPs"
    if line.is_awaited:
        told = [f"{symbol} is predicted as {predicted}" for symbol, predicted, *_ in _numbers_of_optimum(line)]
        return f"At {compute} {joined(told)}; the runs that tell are still to come."
    if line.left_out:
        return f"The hidden runs at {compute} do not tell their own optimum: {line.left_out}."
    parts = [
        f"{symbol} was predicted as {predicted} and is {found}"
        for symbol, predicted, found, holds in _numbers_of_optimum(line)
        if holds is not None
    ]
    regret = ""
    if line.regret is not None and line.true_loss:
        part = line.regret / line.true_loss
        cost = numbers.percent(part) if part >= LEAST_COST else f"less than {numbers.percent(LEAST_COST)}"
        regret = f"; the predicted size costs {cost} of the loss"
    return f"At {compute} {joined(parts) or 'nothing was predicted'}{regret}."


def _numbers_of_optimum(line: Outcome) -> Iterator[tuple[str, str, str, bool | None]]:
    """Symbol, prediction and outcome of N* and of L*, and whether the one holds the other."""
    size, loss = line.true_n_params, line.true_loss
    if line.n_params and (size or line.is_awaited):
        predicted = Estimate(line.n_params, line.n_params_low, line.n_params_high)
        found = f"{numbers.count(size)} ± {numbers.log_error(line.se_log_n_params)}" if size else COMING
        yield "N*", numbers.interval(predicted, numbers.count), found, line.n_params_holds
    if line.loss and (loss or line.is_awaited):
        found = f"{numbers.loss(loss)} ± {numbers.loss(line.se_loss)}" if loss else COMING
        yield "L*", _loss(line), found, line.loss_holds


def _loss(line: Outcome) -> str:
    return numbers.interval(Estimate(line.loss or 0.0, line.loss_low, line.loss_high), numbers.loss)


def _silent(name: str, lines: Sequence[Outcome]) -> Iterator[str]:
    """Why single hidden runs judge nothing."""
    coming = sum(line.what == "run" and line.is_awaited for line in lines)
    if coming:
        yield f"{numbers.plural(coming, 'hidden run')} {'is' if coming == 1 else 'are'} still to come, and predicted."
    others = [line.left_out for line in lines if line.what == "run" and not line.is_awaited]
    for why in dict.fromkeys(filter(None, others)):
        few = sum(line.what == "run" and line.left_out == why for line in lines)
        yield f"{numbers.plural(few, 'hidden run')} {'judges' if few == 1 else 'judge'} {name} by nothing: {why}."


def predicted_and_found(line: Outcome) -> list[str]:
    """What was predicted of a line and what was found: the loss, or N* where a fit tells no loss."""
    if line.what == "optimum":
        return next(([predicted, found] for _, predicted, found, _ in reversed([*_numbers_of_optimum(line)])), NOTHING)
    return [_loss(line), numbers.loss(line.true_loss) if line.true_loss else COMING] if line.loss else NOTHING


def table(lines: Sequence[Outcome]) -> list[list[str]]:
    """A row for each number that was predicted and found, under `HEAD`."""
    return [row for line in lines for row in _rows(line)]


def _rows(line: Outcome) -> Iterator[list[str]]:
    at = f"at {numbers.flops(line.flops)} FLOPs"
    if line.what == "optimum":
        for symbol, predicted, found, holds in _numbers_of_optimum(line):
            yield [line.fit, f"{symbol} {at}", predicted, found, _yes(holds), numbers.NOTHING, numbers.NOTHING]
    elif line.loss and (line.true_loss or line.is_awaited):
        off = numbers.NOTHING if line.deviations is None else f"{line.deviations:+.2f}"
        score = numbers.NOTHING if line.log_score is None else f"{line.log_score:.2f}"
        yield [line.fit, f"{of_run(line)} {at}", *predicted_and_found(line), _yes(line.loss_holds), off, score]


def of_run(line: Outcome) -> str:
    """What tells a hidden run from others: N and D."""
    return f"loss of N = {numbers.count(line.run_n_params)}, D = {numbers.count(line.run_n_tokens)}"


def _yes(holds: bool | None) -> str:
    return numbers.NOTHING if holds is None else "yes" if holds else "no"


def text(lines: Sequence[Outcome]) -> str:
    """All of it for the terminal."""
    if why := next((line.left_out for line in lines if line.what == "nothing"), ""):
        return f"Nothing is scored: {why}. {CURE}"
    said = [sentence for name, own in by_fit(lines).items() for sentence in sentences(name, own)]
    rows = table(lines)
    return "\n\n".join([*([aligned([HEAD, *rows], right=(5, 6))] if rows else []), "\n".join(said)])
