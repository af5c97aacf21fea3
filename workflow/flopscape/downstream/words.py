"""What `flopscape downstream` found, for a terminal."""

from flopscape.downstream.results import Downstream, Refused, Target
from flopscape.records.fit_result import Estimate
from flopscape.text import numbers
from flopscape.text.numbers import plural
from flopscape.text.terminal import aligned


def text(found: Downstream | Refused) -> str:
    """The answer at each target, the curve behind it, and what to doubt; or why there is none."""
    if isinstance(found, Refused):
        return f"{found.accuracy} refused: {found.refused}"
    table = aligned([head(found), *targets(found)], right=range(4))
    return "\n\n".join([summary(found), table, curve(found), *found.warnings])


def share(value: float | None) -> str:
    """An accuracy as a share.

    >>> share(0.25), share(1.0), share(None)
    ('0.250', '1.000', '–')
    """
    return numbers.NOTHING if value is None else f"{value:.3f}"


def summary(found: Downstream) -> str:
    """What was done, with which runs, and which chance level."""
    known = [
        plural(found.n_runs, "run"),
        "" if found.chance is None else f"chance {found.chance:g}",
        "" if found.items is None else f"{found.items:,.0f} items",
    ]
    simulated = "SIMULATED. " if found.simulated else ""
    return (
        f"{simulated}{found.accuracy} in two steps: {found.loss} by the fit {found.fit}, accuracy as a sigmoid of it "
        f"({', '.join(filter(None, known))}). Intervals are of 95 % and have the errors of both steps."
    )


def head(found: Downstream) -> list[str]:
    """The head of the table of predictions; a star marks an optimum."""
    return ["C", "N", "D", "D/N", f"loss, {found.loss_unit}", "accuracy"]


def targets(found: Downstream) -> list[list[str]]:
    """A row a prediction."""
    return [_line(target) for target in found.targets]


def _line(target: Target) -> list[str]:
    star = "" if target.given else "*"
    n, d = target.n_params, target.n_tokens
    names = [numbers.NOTHING if value is None else f"{numbers.count(value)}{star}" for value in (n, d)]
    ratio = numbers.ratio(d / n) if n and d else numbers.NOTHING
    loss, accuracy = numbers.interval(target.loss, numbers.loss), numbers.interval(target.accuracy, share)
    return [numbers.flops(target.flops), *names, ratio, loss, accuracy]


def curve(found: Downstream) -> str:
    """The four numbers of the curve, and how far runs scatter about it."""
    ceiling = found.ceiling if found.tells_ceiling else Estimate(1.0, found.ceiling.low, 1.0)
    scatter = f"Runs scatter about it by {share(found.sigma)}"
    if found.items_sigma is not None:
        scatter += f", where the luck of {found.items:,.0f} items alone is {share(found.items_sigma)}"
    return (
        f"Curve: from {numbers.interval(found.floor, share)} to {numbers.interval(ceiling, share)}, halfway at a loss "
        f"of {numbers.interval(found.middle, numbers.loss)}, k = {numbers.interval(found.steepness, numbers.ratio)} "
        f"a unit of loss. {scatter}."
    )
