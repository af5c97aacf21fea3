"""Which methods a twin judges, by the names that a study has for them, and which of them it may recommend.

Five are fitted to all simulated tables at once (estimates.py). The method answer and methods of a user's own have their
`estimate` alone (one_by_one.py), and get the first tables of each truth.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from flopscape.fitting.methods import ANSWER, chosen_options, described_by_name, reads_curves, shipped_methods
from flopscape.twin.estimates import METHODS
from flopscape.twin.one_by_one import Asked
from flopscape.twin.truths import POSSIBLE

ROWS = ("name", "method", "exclude", "min_flops", "seeds")
"""Keys of a fit that do not change its method: all methods get all simulated runs."""
SAME = {"approach2-parabola": "approach2", "approach3": "approach3-huber", "approach3-lsq": "vpnls"}
"""Other names of fits that a method of estimates.py makes."""
OTHERS = 4
"""The answer gets so many times fewer tables of a truth other than the possible laws."""
FEWEST = 2
"""Tables of which an error has a spread."""
MOST_ROWS = 7_500
"""Rows of all copies of the possible laws that the answer is fitted to: a thousand take it one to ten seconds."""
WITHOUT = (
    "approach1 is left out: the simulated runs have no training curves.",
    "approach3-lad is left out: its cost.",
)
"""What is said of the shipped methods that are in no twin, where nobody asks for any by name."""


class Method(NamedTuple):
    """A method by the name of its fit; `bulk` is its name in estimates.py, or empty for one that is made from `asked`.

    `tables` are those of the possible laws and those of each other truth that it is fitted to, if not all;
    `in_study` says whether it may be recommended.
    """

    name: str
    bulk: str = ""
    asked: Asked | None = None
    tables: tuple[int, int] = (0, 0)
    in_study: bool = True

    @property
    def is_answer(self) -> bool:
        """Whether it is the method answer."""
        return self.asked is not None and self.asked["method"] == ANSWER

    def of(self, scenario: str) -> int:
        """How many tables of a truth it is fitted to."""
        return self.tables[scenario != POSSIBLE]


def judged(
    fits: Sequence[Asked], among_fits: bool, simulations: int, own: int, answers: int, rows: int
) -> tuple[Method, ...]:
    """All methods of a twin: those in bulk, the answer, then the user's own.

    Parameters
    ----------
    fits : sequence of mapping
        A study's fits: `name`, `method` and the method's options.
    among_fits : bool
        Whether no other method may be recommended.
    simulations, own, answers : int
        Tables of a truth for the methods in bulk, a user's own, and the answer.
    rows : int
        Of a table.
    """
    names = {bulk: name_of(fit) for fit in reversed(fits) if (bulk := _bulk_of(fit))}
    found = [Method(names.get(bulk, bulk), bulk, in_study=not among_fits or bulk in names) for bulk in METHODS]
    answer = [fit for fit in fits if fit["method"] == ANSWER]
    most = min(answers, simulations, max(MOST_ROWS // rows, FEWEST))
    if most:
        asked = answer[0] if answer else {"name": ANSWER, "method": ANSWER}
        counts = most, min(most, max(most // OTHERS, FEWEST))
        found.append(Method(name_of(asked), "", asked, counts, bool(answer) or not among_fits))
    few = min(own, simulations)
    found += [Method(name_of(fit), "", fit, (few, few)) for fit in fits if _is_own(fit) and not why_left_out(fit, own)]
    return tuple(found)


def _is_own(fit: Asked) -> bool:
    return fit["method"] not in shipped_methods()


def _bulk_of(fit: Asked) -> str:
    """The method of estimates.py that makes a fit, or nothing."""
    if _is_own(fit):
        return ""
    options = chosen_options(fit["method"], {name: value for name, value in fit.items() if name not in ROWS})
    for bulk in (*METHODS, *SAME):
        described = described_by_name(bulk)
        if described.pop("method") == fit["method"] and options == {k: v for k, v in described.items() if k != "name"}:
            return SAME.get(bulk, bulk)
    return ""


def name_of(fit: Asked) -> str:
    """What the twin calls a fit: its name, with its method where the twin has another method of that name.

    >>> name_of({"name": "ridge", "method": "my_ridge"}), name_of({"name": "vpnls", "method": "my_ridge"})
    ('ridge', 'vpnls (my_ridge)')
    """
    name = str(fit["name"])
    is_of_another = name in (*METHODS, ANSWER) and name != (_bulk_of(fit) or fit["method"])
    return f"{name} ({fit['method']})" if is_of_another else name


def left_out(fits: Sequence[Asked], own: int, answers: int) -> Iterator[str]:
    """Sentences on the fits that are made of no simulated table, and why."""
    if not fits:
        yield from WITHOUT
    if not answers:
        yield f"{ANSWER} is left out: answer_simulations is 0."
    yield from filter(None, (why_left_out(fit, own) for fit in fits))


def why_left_out(fit: Asked, own: int) -> str:
    """Why a fit is not made of any simulated table, or nothing."""
    if fit["method"] == ANSWER or _bulk_of(fit):
        return ""
    if reads_curves(str(fit["method"])):
        return f"{name_of(fit)} is left out: it reads training curves, which the simulated runs do not have."
    if not _is_own(fit):
        return f"{name_of(fit)} is left out: the twin has no code that makes such a fit of many tables at once."
    return "" if own else f"{name_of(fit)} is left out: own_simulations is 0."
