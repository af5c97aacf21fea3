"""Whether backtest, twin and sensitivity agree with the answer, and where they do not, why the answer stands or not.

Each check has its own truth: the backtest hidden runs, the twin a simulated law, the sensitivity other choices. So they
may well say different things. Here they are composed, by a rule: what was seen on hidden runs outweighs what was
simulated, and an interval that holds another answer does not contradict it.
"""

from collections.abc import Iterator

from flopscape.errors import joined
from flopscape.records.backtest import Score
from flopscape.records.fit_result import Estimate, FitResult
from flopscape.report.checks import farthest_choice, first_prediction, held, holds
from flopscape.report.evidence import Evidence
from flopscape.text import numbers


def agreement(evidence: Evidence) -> list[str]:
    """A sentence for each check that does not stand among the doubts; none for a study without an answer."""
    if first_prediction(evidence) is None:
        return []
    return [*_backtest(evidence), *_others(evidence), *_twin(evidence), *_sensitivity(evidence)]


def is_inside(evidence: Evidence, other: FitResult | None) -> bool | None:
    """Whether the answer's interval of N* at the first asked compute holds another fit's; None where one has none."""
    first = first_prediction(evidence)
    theirs = next((p.n_params for p in other.predictions if first and p.flops == first.flops), None) if other else None
    mine = first.n_params if first else None
    if mine is None or theirs is None or other is None or other.status == "refused":
        return None
    return _holds(mine, theirs.estimate)


def _holds(number: Estimate, value: float) -> bool:
    return (number.low is None or number.low <= value) and (number.high is None or value <= number.high)


def _backtest(evidence: Evidence) -> Iterator[str]:
    """That hidden budgets bear the answer out, or have not tested it; that they do not is a doubt."""
    name, score = evidence.recommended, evidence.scores.get(evidence.recommended)
    lines = [line for line in evidence.backtest or [] if line.fit == name]
    if score is None:
        return
    if score.n_n_params + score.n_loss and holds(score):
        far = max(line.extrapolation for line in lines if line.is_judged)
        yield (
            f"Hidden budgets, up to a factor {numbers.count(far)} beyond the runs that were fitted, bear it out: its"
            f" 95 % intervals held {held(score)}."
        )
    elif not score.n_n_params + score.n_loss:
        runs = f"; of single hidden runs' losses it held {score.held_runs} of {score.n_runs}" if score.n_runs else ""
        why = next((line.left_out for line in lines if line.left_out), "")
        yield f"No hidden budget has tested it{f' ({why})' if why else ''}{runs}."


def _others(evidence: Evidence) -> Iterator[str]:
    """The fits that put N* outside the interval, and how they did on hidden budgets; less the twin's choice."""
    outside = [name for name, fit in evidence.fits.items() if is_inside(evidence, fit) is False]
    outside = [name for name in outside if name != _fit_of_twin(evidence)]
    if not outside:
        return
    tested = [f"{name} {held(score)}" for name in outside if (score := _tested(evidence, name))]
    because = f": on hidden budgets their intervals held {'; '.join(tested)}" if tested else ""
    verb = "puts" if len(outside) == 1 else "put"
    yield f"{joined(outside)} {verb} N* outside the interval{because or ', and no hidden budget has tested that'}."


def _tested(evidence: Evidence, name: str | None) -> Score | None:
    """The score of a fit of which hidden budgets say something."""
    score = evidence.scores.get(name or "")
    return score if score and score.n_n_params else None


def _fit_of_twin(evidence: Evidence) -> str | None:
    """The fit of the study that the twin trusts, which names methods; None where it has no such fit."""
    trusted = evidence.twin.verdict.get("trusted") if evidence.twin else None
    names = [name for name, fit in evidence.fits.items() if trusted and trusted in (name, fit.method)]
    return next((name for name in names if name == trusted), next(iter(names), None))


def _twin(evidence: Evidence) -> Iterator[str]:
    """Whether simulated copies lead to another method, and what of that holds on hidden budgets."""
    trusted = evidence.twin.verdict.get("trusted") if evidence.twin else None
    name, mine = _fit_of_twin(evidence), evidence.recommended
    if not trusted:
        return
    if name == mine:
        yield f"The twin trusts {mine} too, on simulated copies of this study."
        return
    start = f"The twin trusts {trusted}, on copies of this study simulated from laws like it"
    theirs, own = _tested(evidence, name), _tested(evidence, mine)
    inside = is_inside(evidence, evidence.fits.get(name or ""))
    place = "" if inside is None else f"its N* lies {'in' if inside else 'outside'} the interval"
    if theirs is None:
        known = f"; {place}, and" if place else ";"
        yield f"{start}{known} no hidden budget has tested it here: the answer, which assumes less, stands."
        return
    score = f"on hidden budgets it held {held(theirs)} and was off by {numbers.log_error(theirs.rms_n_params)} of N*"
    against = f" ({mine}: {numbers.log_error(own.rms_n_params)})" if own else ""
    yield f"{start}; {score}{against}: {_outcome(theirs, own, place)}."


def _outcome(theirs: Score, own: Score | None, place: str) -> str:
    """What follows from how the twin's choice and the answer did on hidden budgets."""
    is_better = holds(theirs) and (own is None or (theirs.rms_n_params or 0.0) < (own.rms_n_params or 0.0))
    if not is_better:
        return "the answer stands"
    return f"it did well there too, and {place or 'gives no N* here'}; set recommend.fit to it if you trust its law"


def _sensitivity(evidence: Evidence) -> Iterator[str]:
    """That no other choice leads out of the interval; where one does, that is a doubt."""
    farthest = farthest_choice(evidence)
    if farthest and farthest.size <= 1:
        yield f"Other choices stay in the interval of D*: of {farthest.n_choices} the farthest, {farthest.text}."
