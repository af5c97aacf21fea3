"""Parameters that are given and not found: fixed at a number, tied to another parameter, or bounded.

A fixed parameter is no coordinate of the search, a tied one is its leader's, and both are left out where parameters are
counted: standard errors, AICc and F tests are those of what is free. Only parameters without a unit can be tied or
bounded, and the floor E bounded: an amplitude's unit depends on its exponent (A·N^−α is in nats), so that "A = B" or a
range of A would mean something else for every α. What is asked is refused where it contradicts itself: when a study is
read, and so without numpy, and when a table is fitted.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flopscape.errors import FlopscapeError, joined
from flopscape.laws.parameters import HasParameters, Range
from flopscape.text.written import nearest, shown

FLOOR = "E"
"""The parameter that may be zero, and is therefore not a logarithm."""
NO_BOUND: Range = (0.0, float("inf"))


@dataclass(frozen=True)
class Restriction:
    """What is fixed, by name; which parameter each tied one follows; and the bounds that were asked or result."""

    fixed: Mapping[str, float] = field(default_factory=dict)
    tied: Mapping[str, str] = field(default_factory=dict)
    bounds: Mapping[str, Range] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether anything is asked."""
        return bool(self.fixed or self.tied or self.bounds)

    def free(self, law: HasParameters) -> tuple[str, ...]:
        """The parameters of a law that are to be found."""
        return tuple(name for name in law.names if name not in self.fixed and name not in self.tied)

    def bound(self, law: HasParameters, name: str) -> Range | None:
        """The bounds of a parameter; None where it has none."""
        return self.bounds.get(name, law.bounds.get(name))

    def of_simpler(self, law: HasParameters) -> "Restriction | None":
        """The same for a special case of the law; None where that lacks one of the parameters, and is none any more."""
        asked = {*self.fixed, *self.tied, *self.tied.values(), *self.bounds}
        return self if asked <= set(law.names) else None

    def to_json(self) -> dict[str, Any]:
        """For the diagnostics of a fit: only what was asked."""
        bounds = {name: [low, high] for name, (low, high) in self.bounds.items()}
        asked = {"fixed": dict(self.fixed), "tied": dict(self.tied), "bounds": bounds}
        return {name: value for name, value in asked.items() if value}


def restriction_of(
    law: HasParameters,
    fix: Mapping[str, float],
    tie: Sequence[Sequence[str]],
    bound: Mapping[str, Sequence[float]],
    lowest: float = float("inf"),
) -> Restriction:
    """What was asked of a law's parameters.

    Parameters
    ----------
    law : Law, or its Parameters
    fix : mapping
        Values, in the units of the law: nats, parameters, tokens.
    tie : sequence of sequences
        Parameters that have one value.
    bound : mapping
        Low and high.
    lowest : float
        The lowest loss of the runs, in nats, above which no floor can lie.

    Raises
    ------
    FlopscapeError
        An unknown parameter, what is no number or range, a tie or a bound of a parameter with a unit, and whatever
        contradicts itself: see the sentences.

    Examples
    --------
    >>> from flopscape.laws.surface import LAW
    >>> restriction_of(LAW, {"E": 1.6}, [["alpha", "beta"]], {}).free(LAW)
    ('A', 'B', 'alpha')
    """
    if words := [group for group in tie if isinstance(group, str)]:
        raise FlopscapeError(f"tie: {shown(words[0])} is no list of parameters; write [[alpha, beta]]")
    _refuse_unknown(law, {"fix": fix, "bound": bound, "tie": [name for group in tie for name in group]})
    bounds = {name: _range(law, name, given) for name, given in bound.items()}
    fixed = {name: _value(name, value) for name, value in fix.items()}
    tied: dict[str, str] = {}
    for group in _groups(law, tie):
        tied |= dict.fromkeys(group[1:], group[0])
        _share(law, group, fixed, bounds)
    for name, value in fixed.items():
        _refuse_outside(name, value, bounds.get(tied.get(name, name), law.bounds.get(name, NO_BOUND)))
    tied = {name: leader for name, leader in tied.items() if name not in fixed}
    _refuse_floor(fixed.get(FLOOR, bounds.get(FLOOR, NO_BOUND)[0]), lowest)
    restriction = Restriction(fixed, tied, {name: ends for name, ends in bounds.items() if name not in {*fixed, *tied}})
    if not restriction.free(law):
        raise FlopscapeError("fix: every parameter is fixed, and nothing is left to fit")
    return restriction


def _refuse_unknown(law: HasParameters, asked: Mapping[str, Iterable[str]]) -> None:
    for key, names in asked.items():
        for name in names:
            if name not in law.names:
                raise FlopscapeError(
                    f"{key}: {shown(name)} is no parameter of the law {law.name}{nearest(str(name), law.names)}"
                )


def _value(name: str, value: Any) -> float:
    """A number that a parameter can have."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise FlopscapeError(f"fix: {name} is {shown(value)}; write a number")
    if value < 0 or (value == 0 and name != FLOOR):
        raise FlopscapeError(f"fix: {name} = {value:g} must be {'zero or more' if name == FLOOR else 'above zero'}")
    return float(value)


def _range(law: HasParameters, name: str, given: Sequence[float]) -> Range:
    """What is left of a parameter's own range."""
    if name != FLOOR and name not in law.bounds:
        raise FlopscapeError(
            f"bound: {name} has a unit that depends on an exponent, so that a range of it means nothing; fix it, or"
            f" bound {joined([*([FLOOR] if FLOOR in law.names else []), *law.bounds])}"
        )
    ends = given if isinstance(given, list | tuple) else ()
    numbers = [value for value in ends if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) != 2 or len(ends) != 2 or not 0 <= numbers[0] < numbers[1] < math.inf:
        raise FlopscapeError(f"bound: {name} is {shown(given)}; write the lowest and the highest value, as in [0, 1]")
    low, high = law.bounds.get(name, NO_BOUND)
    if not max(low, numbers[0]) < min(high, numbers[1]):
        raise FlopscapeError(
            f"bound: {name} within {numbers[0]:g} to {numbers[1]:g} is not possible: the law has it within"
            f" {low:g} to {high:g}"
        )
    return max(low, float(numbers[0])), min(high, float(numbers[1]))


def _groups(law: HasParameters, tie: Sequence[Sequence[str]]) -> list[list[str]]:
    """Parameters that have one value, each group in the law's order; groups that share a parameter are one."""
    groups: list[set[str]] = []
    for names in map(set, tie):
        if len(names) < 2:
            raise FlopscapeError(f"tie: {shown(sorted(names))} ties nothing; write two parameters, as in [alpha, beta]")
        if with_unit := sorted(name for name in names if name not in law.bounds):
            raise FlopscapeError(
                f"tie: {joined(sorted(names))} cannot be one number: {with_unit[0]} has a unit; of this law"
                f" {joined(law.bounds)} have none"
            )
        apart = [group for group in groups if not group & names]
        groups = [*apart, names.union(*(group for group in groups if group & names))]
    return [sorted(group, key=law.names.index) for group in groups]


def _share(law: HasParameters, group: Sequence[str], fixed: dict[str, float], bounds: dict[str, Range]) -> None:
    """Give all of a tied group the value that one of them is fixed at, and the first of them the range of all."""
    common = _common(law, bounds, group)
    if any(name in bounds for name in group) or common != law.bounds[group[0]]:
        bounds[group[0]] = common
    if given := {name: fixed[name] for name in group if name in fixed}:
        if len(set(given.values())) > 1:
            raise FlopscapeError(f"fix: {_values(given)} contradict the tie of {joined(group)}")
        fixed |= dict.fromkeys(group, next(iter(given.values())))


def _common(law: HasParameters, bounds: Mapping[str, Range], group: Sequence[str]) -> Range:
    """The range that all of a tied group can have."""
    ranges = {name: bounds.get(name, law.bounds[name]) for name in group}
    low, high = max(low for low, _ in ranges.values()), min(high for _, high in ranges.values())
    if not low < high:
        within = ", ".join(f"{name} within {ends[0]:g} to {ends[1]:g}" for name, ends in ranges.items())
        raise FlopscapeError(f"tie: {joined(group)} have no value in common, with {within}")
    return low, high


def _refuse_outside(name: str, value: float, bounds: Range) -> None:
    low, high = bounds
    if not low <= value <= high:
        raise FlopscapeError(f"fix: {name} = {value:g} lies outside its bounds, {low:g} to {high:g}")


def _refuse_floor(floor: float, lowest: float) -> None:
    """Raise FlopscapeError for a floor above what runs have reached."""
    if floor >= lowest:
        raise FlopscapeError(
            f"E of {floor:g} or more is no floor of these runs, whose lowest loss is {lowest:.4g} nats"
        )


def _values(given: Mapping[str, float]) -> str:
    return joined([f"{name} = {value:g}" for name, value in given.items()])
