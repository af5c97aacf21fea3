"""The fitting methods: which there are, how they are named, and why an option does not belong to one.

A shipped method is a module of `fitting/` with a function `estimate`; the import path of any other module with such a
function is a method too. What each can be told is read from its source: see fitting/options.py. Nothing is imported.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from flopscape.errors import joined
from flopscape.fitting.options import REQUIRED, TAKEN, Option, Signature, signature_of
from flopscape.laws.composition import covariates_of
from flopscape.text.written import nearest, shown

ANSWER = "answer"
"""The method, and the name of its fit, that every study has and that a report rests on unless it is told otherwise."""
CURVES = "curves"
"""The option by which a method gets the path of training curves."""
FOLDER = Path(__file__).resolve().parent
METHODS_OF_SENSITIVITY = ("approach2", "approach3", "vpnls")
"""What `flopscape sensitivity` fits with besides the method that it is given; see answers/sensitivity.py."""
RESAMPLES_OF_SENSITIVITY = 400
"""Percentiles of so few are good to a tenth of the interval's width, and `flopscape sensitivity` makes a dozen fits."""
DRAWS_OF_ANSWER = 2048
"""Of the answer, whose numbers are medians of its draws: from fewer of them they are others."""


@cache
def shipped_methods() -> tuple[str, ...]:
    """Names of the shipped methods, in the alphabet's order.

    >>> shipped_methods()
    ('answer', 'approach1', 'approach2', 'approach3', 'law', 'vpnls')
    """
    return tuple(sorted(path.stem for path in FOLDER.glob("*.py") if "\ndef estimate(" in path.read_text("utf-8")))


@cache
def _shipped_signature(method: str) -> Signature:
    return signature_of(module_of(method))


def signature(method: str) -> Signature:
    """What a method can be told; that of a user's own is read anew each time, for its source may change."""
    return _shipped_signature(method) if method in shipped_methods() else signature_of(method)


def options_of(method: str) -> dict[str, Option]:
    """Options of a method by name."""
    return signature(method).options


def owners(name: str) -> list[str]:
    """The shipped methods that have an option of this name."""
    return [method for method in shipped_methods() if name in options_of(method)]


def module_of(method: str) -> str:
    """Import path of a method's module; a name that is none of the shipped ones is the path of a module itself."""
    return f"flopscape.fitting.{method}" if method in shipped_methods() else method


def modules_of_sensitivity(method: str) -> list[str]:
    """Modules that decide a table of sensitivity whose base fit is by this method: their code is its fingerprint."""
    return ["flopscape.answers.sensitivity", *map(module_of, {*METHODS_OF_SENSITIVITY, method})]


def modules_of_twin(methods: Iterable[str]) -> list[str]:
    """Modules that decide a twin of a study with these methods: it imports a user's own by name, and the answer."""
    own = {method for method in methods if method not in shipped_methods()}
    return ["flopscape.twin.run", module_of(ANSWER), *sorted(own)]


def backtested() -> list[str]:
    """Names of the fits that `flopscape backtest` makes unless told otherwise: all that need no training curves."""
    return [*(method for method in shipped_methods() if not reads_curves(method)), "approach2-exact"]


def modules_of_backtest(methods: Iterable[str]) -> list[str]:
    """Modules that decide a backtest of these methods: their code is its fingerprint."""
    return ["flopscape.answers.backtest.run", *map(module_of, sorted(set(methods)))]


def options_in_study(method: str) -> dict[str, Option]:
    """The options that a study may write: not `curves`, which are the study's own and need no mention."""
    return {name: option for name, option in options_of(method).items() if name != CURVES}


def reads_curves(method: str) -> bool:
    """Whether a method has the option `curves`: training curves, which the workflow gives it."""
    return CURVES in options_of(method)


def described_by_name(name: str) -> dict[str, str]:
    """What the name of a fit alone says: its method, and the first of the method's choices after a hyphen.

    >>> described_by_name("approach3-lad")
    {'name': 'approach3-lad', 'method': 'approach3', 'objective': 'lad'}
    """
    method, _, word = name.partition("-")
    choice = next((option.name for option in options_of(method).values() if option.is_choice), None)
    return {"name": name, "method": method} | ({choice: word} if word and choice else {})


def chosen_options(method: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The options that say something: not None, and of a switch not what it is anyway.

    Those that the method declares come first, in its order, however they were given.
    """
    options = options_of(method)
    names = [*(name for name in options if name in given), *(name for name in given if name not in options)]
    return {name: given[name] for name in names if not _says_nothing(options.get(name), given[name])}


def _says_nothing(option: Option | None, value: Any) -> bool:
    return value is None or (isinstance(value, bool) and value is bool(option and option.default is True))


def why_not_its_options(method: str, given: Mapping[str, Any], beside: Iterable[str] = ()) -> str:
    """Why these options do not belong to a method, or nothing. Types are not looked at, words are.

    `beside` are other names that may be meant by one that is unknown.

    >>> why_not_its_options("approach2", {"rule": "hull"})
    'rule: approach2 has none; approach1 has'
    """
    options = options_of(method)
    if taken := [name for name in options if name in TAKEN]:
        return f"{taken[0]}: an option of {method}, and of every fit; give the method's another name"
    for name, value in given.items():
        option = options.get(name)
        if option is None and not signature(method).is_open:
            return f"{name}: {method} has none{_owners(name) or nearest(name, [*options, *beside])}"
        if option and option.is_choice and isinstance(value, str) and value not in option.words:
            return f"{name}: {value!r} is none of {', '.join(option.words)}"
    missing = [name for name, option in options.items() if option.default is REQUIRED and name not in given]
    return f"{missing[0]} is missing: {method} has no default for it" if missing else ""


def _owners(name: str) -> str:
    """The end of a sentence: which shipped methods have an option, if any has."""
    others = owners(name)
    return f"; {joined(others)} {'has' if len(others) == 1 else 'have'}" if others else ""


def why_no_method(method: str) -> str:
    """The sentence for a name that is none of the shipped ones and no module."""
    return f"{shown(method)} is none of {', '.join(shipped_methods())}, and no module of that name can be imported"


def why_each_seed_is_needed(seeds: str | None, method: str, options: Mapping[str, Any]) -> str:
    """Why the seeds of a point cannot be merged into one row for this fit, or nothing."""
    if seeds in (None, "each"):
        return ""
    if others := covariates_of(options.get("law")):
        return f"seeds: {seeds} would merge runs of one N and D that differ in {others[0]}; leave it out"
    if options.get("weights"):
        return f"seeds: {seeds} leaves no scatter between seeds for weights; leave one of them out"
    if reads_curves(method):
        return f"seeds: {seeds} is not for {method}, which follows the curve of each run"
    return ""
