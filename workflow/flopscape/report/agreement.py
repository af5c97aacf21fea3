"""Whether backtest, twin and sensitivity agree with the answer, and where they do not, why the answer stands or not.

Each check has its own truth: the backtest hidden runs, the twin a simulated law, the sensitivity other choices. So they
may well say different things. Here they are composed, by a rule: what was seen on hidden runs outweighs what was
simulated, and an interval that holds another answer does not contradict it.
"""

from collections.abc import Iterator

from flopscape.answers.outcomes import bearing, missed, of_fit
from flopscape.errors import joined
from flopscape.fitting.methods import ANSWER
from flopscape.records.backtest import Score
from flopscape.report.checks import (
    distance,
    farthest_choice,
    first_prediction,
    fit_of_twin,
    held,
    is_borne_out,
    outside,
    tested,
)
from flopscape.report.evidence import Evidence
from flopscape.text import numbers


def agreement(evidence: Evidence) -> list[str]:
    """A sentence for each check that does not stand among the doubts; none for a study without an answer."""
    if first_prediction(evidence) is None:
        return []
    # Where runs that no fit has seen speak against the answer, nothing else is a reason why it stands.
    stands = [] if missed(evidence.outcomes) else [*_others(evidence), *_twin(evidence)]
    return [*_outcomes(evidence), *_backtest(evidence), *stands, *_sensitivity(evidence)]


def _outcomes(evidence: Evidence) -> Iterator[str]:
    """That runs which no fit has seen bear the answer out; that they do not is a doubt."""
    said = bearing(evidence.recommended, evidence.outcomes)
    if said and not missed(evidence.outcomes):
        yield said


def _backtest(evidence: Evidence) -> Iterator[str]:
    """That hidden budgets bear the answer out, or have not tested it; that they do not is a doubt."""
    name, score = evidence.recommended, evidence.scores.get(evidence.recommended)
    lines = [line for line in evidence.backtest or [] if line.fit == name]
    if score is None:
        return
    if score.n_n_params + score.n_loss and not score.missed:
        far = max(line.extrapolation for line in lines if line.is_judged)
        yield (
            f"Hidden budgets, up to a factor {numbers.ratio(far)} beyond the runs that were fitted, bear the answer"
            f" out: its 95 % intervals held {held(score)}."
        )
    elif not score.n_n_params + score.n_loss:
        runs = f"; of single hidden runs' losses it held {score.held_runs} of {score.n_runs}" if score.n_runs else ""
        why = next((f"{line.cut}: {line.left_out}".removeprefix(": ") for line in lines if line.left_out), "")
        yield f"No hidden budget has tested the answer{f' ({why})' if why else ''}{runs}."


def _others(evidence: Evidence) -> Iterator[str]:
    """The fits outside the interval that hidden budgets speak against; the others are a doubt."""
    names = [name for name in outside(evidence) if is_borne_out(evidence, name) is False]
    if names:
        they = "it" if len(names) == 1 else "them"
        yield (
            f"{joined(names)} {'puts' if len(names) == 1 else 'put'} N* outside the interval, but hidden budgets speak"
            f" against {they}: {'; '.join(_against(evidence, name) for name in names)}. The answer stands."
        )


def _against(evidence: Evidence, name: str) -> str:
    """What hidden budgets have against a fit: its intervals, or else its error."""
    theirs, own = tested(evidence, name), tested(evidence, evidence.recommended)
    if why := missed(of_fit(evidence.validation, name)):
        return f"of runs that no fit has seen, {name} missed more than chance does: {why}"
    if theirs is None:
        return ""
    if theirs.missed:
        return f"the intervals of {name} held {held(theirs)}"
    return f"{name} was {_off(theirs)}{_compared(evidence, own)}"


def _off(score: Score) -> str:
    return f"off by {numbers.log_error(score.rms_n_params)} of N*"


def _compared(evidence: Evidence, own: Score | None) -> str:
    """The error of the recommended fit, beside another's."""
    return f" ({evidence.recommended}: {numbers.log_error(own.rms_n_params)})" if own else ""


def _twin(evidence: Evidence) -> Iterator[str]:
    """Whether simulated copies lead to another method, and what of that holds on hidden budgets."""
    trusted = evidence.twin.verdict.get("trusted") if evidence.twin else None
    name, mine = fit_of_twin(evidence), evidence.recommended
    if not trusted:
        return
    if name == mine:
        yield f"The twin trusts {mine} too, on simulated copies of this study."
        return
    start = f"The twin trusts {trusted}, which did best on copies of this study simulated from known laws"
    theirs, size = tested(evidence, name), distance(evidence, name or "")
    place = "" if size is None else f"its N* lies {'outside' if size else 'in'} the interval"
    if name is None or theirs is None:
        known = f"; {place}, but" if place else ", but"
        yield f"{start}{known} no hidden budget has tested it here: the answer{_assuming(evidence)} stands."
        return
    score = f"on hidden budgets it held {held(theirs)} and was {_off(theirs)}"
    yield f"{start}; {score}{_compared(evidence, tested(evidence, mine))}: {_outcome(evidence, name, place)}."


def _assuming(evidence: Evidence) -> str:
    """Why the method `answer` stands where nothing was tested; another fit stands because the study says so."""
    return ", which assumes less," if evidence.fit.method == ANSWER else ""


def _outcome(evidence: Evidence, name: str, place: str) -> str:
    """What follows from how the twin's choice and the answer did on hidden budgets."""
    if not is_borne_out(evidence, name):
        return "the answer stands"
    return f"it did well there too, and {place or 'gives no N* here'}; set recommend.fit to it if you trust its law"


def _sensitivity(evidence: Evidence) -> Iterator[str]:
    """That no other choice leads out of the interval; where one does, that is a doubt."""
    farthest = farthest_choice(evidence)
    if farthest and not farthest.is_outside:
        tried = f"the farthest of {farthest.n_choices}" if farthest.n_choices > 1 else "the only one"
        yield f"Other choices stay in the interval: {farthest.text}, {tried}."
