"""What is asked of a task, the files in which the answer is kept, and the words of the command that makes them.

Imported while the workflow is planned, and so without numpy.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flopscape.fitting.common.made_from import option
from flopscape.records.metrics import is_accuracy

FEWEST = 6
"""Runs of distinct losses that a curve of up to four numbers is fitted to."""
ENDINGS = (".json", ".svg", ".png")
"""The numbers of a task and its figure, all made at once."""
Options = dict[str, Any]


def files_of(folder: str, tasks: Iterable[str]) -> list[str]:
    """The files of all tasks of the study whose results are in a folder.

    >>> files_of("results/mine", ["quiz"])[:2]
    ['results/mine/downstream/quiz.json', 'results/mine/downstream/quiz.svg']
    """
    return [f"{folder}/downstream/{task}{ending}" for task in tasks for ending in ENDINGS]


def why_not_asked(accuracy: str, chance: float | None, items: float | None) -> str:
    """What is wrong with a task's column, its chance level or its number of questions; empty where nothing is.

    >>> why_not_asked("accuracy@quiz", 25.0, None)
    'chance 25: must be a share from 0 to below 1, such as 0.25 for four answers'
    """
    if not is_accuracy(accuracy):
        return f"accuracy {accuracy}: no accuracy by its name; write it as accuracy@hellaswag"
    if chance is not None and not 0 <= chance < 1:
        return f"chance {chance:g}: must be a share from 0 to below 1, such as 0.25 for four answers"
    if items is not None and not 1 <= items < float("inf"):
        return f"items {items:g}: must be how many questions each accuracy counts, 1 or more"
    return ""


def options_given(
    accuracy: str,
    flops: Sequence[float],
    n_params: Sequence[float],
    n_tokens: Sequence[float],
    *,
    chance: float | None,
    items: float | None,
    exclude: str | None,
    columns: Mapping[Any, str] | None,
    seed: int,
) -> Options:
    """All that decides an answer besides table and fit, in one form however it was written."""
    asked = {"flops": flops, "n-params": n_params, "n-tokens": n_tokens}
    lists = {name: [float(value) for value in values] for name, values in asked.items()}
    known = {"chance": chance, "items": items}
    numbers = {name: None if value is None else float(value) for name, value in known.items()}
    return {"accuracy": accuracy, **numbers, "exclude": exclude, "columns": dict(columns or {}), "seed": seed, **lists}


def words(options: Options) -> str:
    """Options of `options_given` as the words of `flopscape downstream`.

    >>> rest = {"chance": 0.25, "items": None, "exclude": None, "columns": None, "seed": 0}
    >>> words(options_given("accuracy@quiz", [1e22], [], [], **rest))
    '--accuracy accuracy@quiz --chance 0.25 --seed 0 --flops 1e+22'
    """
    listed = [(name, options[name]) for name in ("accuracy", "chance", "items", "exclude")]
    listed += [("column", f"{ours}={theirs}") for ours, theirs in options["columns"].items()]
    listed += [("seed", options["seed"])]
    listed += [(name, value) for name in ("flops", "n-params", "n-tokens") for value in options[name]]
    return " ".join(option(name, value) for name, value in listed if value is not None)
