"""A law as a study writes it: which terms it adds up, and whether it has a floor and a common exponent.

    law: {terms: [n_params, n_tokens, experts], floor: true, coupled: false}

is L = E + A·N^−α + B·D^−β + c_experts·experts^−γ_experts, and `coupled: true` raises the sum of the terms to γ. A term
is an amount (n_params, n_tokens, flops), a column of the table, or an expression over its columns: a covariate. This
file has the words alone, so that a study is read without NumPy; laws/terms.py has the law.
"""

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from flopscape.errors import FlopscapeError
from flopscape.laws.parameters import COUPLING, EXPONENT, NAMED, Parameters
from flopscape.text.expression import parsed
from flopscape.text.written import nearest, shown

PARAMETERS = {"n_params": ("A", "alpha"), "n_tokens": ("B", "beta"), "flops": ("c_flops", "gamma_flops")}
"""Amplitude and exponent of the terms that need no column of their own; N's and D's are those of the surface."""
SYMBOLS = {"n_params": "N", "n_tokens": "D", "flops": "C"}
GREEK = {"alpha": "α", "beta": "β"}
NO_TERMS = {"loss": "the loss is what the law is of", "unique_tokens": "only the law constrained depends on it"}
"""Columns that are no terms, and why."""
OPERATORS = {"**": "to", "//": "over", "+": "plus", "-": "minus", "*": "times", "/": "over", "%": "modulo"}
"""What stands for an operator in the name of a parameter, the longer ones first."""
EXAMPLE = "law: {terms: [n_params, n_tokens, experts], floor: true, coupled: false}"
MIXTURE = "law: {mixture: [web, code, books]}"


@dataclass(frozen=True)
class Composition:
    """The terms in the order of their parameters.

    Examples
    --------
    >>> Composition(("n_params", "width / depth")).formula
    'L(N, width / depth) = E + A·N^−α + c_width_over_depth·(width / depth)^−γ_width_over_depth'
    """

    terms: tuple[str, ...]
    floor: bool = True
    coupled: bool = False

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> Self:
        """The law that a mapping of `terms`, `floor` and `coupled` means; FlopscapeError says what is wrong with it."""
        for key in written:
            if key not in cls.__dataclass_fields__:
                raise FlopscapeError(f"law: unknown key {shown(key)}{nearest(str(key), cls.__dataclass_fields__)}")
        for key in ("floor", "coupled"):
            if not isinstance(written.get(key, True), bool):
                raise FlopscapeError(f"law: {key} is {shown(written[key])}; write true or false")
        terms = written.get("terms")
        if not isinstance(terms, Sequence) or isinstance(terms, str) or not terms:
            raise FlopscapeError(f"law: terms is {shown(terms)}; write a list of columns, as in {EXAMPLE}")
        composition = cls(tuple(map(_term, terms)), written.get("floor", True), written.get("coupled", False))
        if why := composition._why_not():
            raise FlopscapeError(f"law: {why}")
        return composition

    def to_json(self) -> dict[str, Any]:
        """As a study writes it."""
        return asdict(self) | {"terms": list(self.terms)}

    @property
    def covariates(self) -> tuple[str, ...]:
        """The terms that are no amounts."""
        return tuple(term for term in self.terms if term not in PARAMETERS)

    @property
    def name(self) -> str:
        """For people."""
        rest = ", coupled" if self.coupled else ""
        return " + ".join(self.terms) + rest + ("" if self.floor else ", without floor")

    @property
    def formula(self) -> str:
        """For people."""
        words = [_in_formula(term) for term in self.terms]
        total = " + ".join(words)
        total = f"({total})^γ" if self.coupled else total
        arguments = ", ".join(SYMBOLS.get(term, term) for term in self.terms)
        return f"L({arguments}) = {'E + ' if self.floor else ''}{total}"

    @property
    def expression(self) -> str:
        """The right side in the signs of a programming language.

        >>> Composition(("n_params", "1 - sparsity"), coupled=True).expression
        'E + (A*N**-alpha + c_1_minus_sparsity*(1 - sparsity)**-gamma_1_minus_sparsity)**gamma'
        """
        total = " + ".join("{1}*{0}**-{2}".format(_symbol(term), *parameters_of(term)) for term in self.terms)
        total = f"({total})**gamma" if self.coupled else total
        return f"E + {total}" if self.floor else total

    @property
    def parameters(self) -> Parameters:
        """E, the amplitudes, their exponents, the common exponent."""
        amplitudes, exponents = zip(*map(parameters_of, self.terms), strict=True)
        names = *["E"] * self.floor, *amplitudes, *exponents, *["gamma"] * self.coupled
        bounds = dict.fromkeys(exponents, EXPONENT) | ({"gamma": COUPLING} if self.coupled else {})
        return Parameters(self.name, names, bounds)

    def without(self, term: str) -> "Composition":
        """The law without one of its terms; a single one that is left has nothing to be coupled with."""
        rest = tuple(other for other in self.terms if other != term)
        return Composition(rest, self.floor, self.coupled and len(rest) > 1)

    def _why_not(self) -> str:
        """What is wrong with the terms together, or nothing."""
        for i, term in enumerate(self.terms):
            for other in self.terms[:i]:
                if term == other:
                    return f"the term {term} is listed twice"
                if parameters_of(term) == parameters_of(other):
                    return f"the terms {other} and {term} would have parameters of one name; leave one of them out"
        if self.coupled and len(self.terms) == 1:
            return f"coupled: the one term {self.terms[0]} has nothing to be coupled with"
        return ""


COMPOSED = {
    "depth-width": Composition(("n_params", "n_tokens", "depth", "width")),
    "vocabulary": Composition(("n_params", "n_tokens", "vocabulary_params")),
    "context": Composition(("n_params", "n_tokens", "context")),
}
"""Sums of power laws that others have published, by name.

`depth-width` is McLeish et al. 2025 (arXiv 2502.06857), whose code fits width, depth, parameters and tokens, with E.
`vocabulary` is Tao et al. 2024 (arXiv 2407.13623) with N without the parameters of the vocabulary; their loss is
relative to a unigram model's and falls below zero, so that their E is negative. `context` adds to the surface the power
law with a floor that Xiong et al. 2023 (arXiv 2309.16039) give for models of one size, L(c) = (α/c)^β + γ.
"""
COVARIATES = {"precision": ("precision",), "precision-all": ("precision",), "sparsity": ("1 - sparsity",)} | {
    name: composition.covariates for name, composition in COMPOSED.items()
}
"""Of the laws of a name that have some."""


def covariates_of(law: object) -> tuple[str, ...]:
    """The covariates of a law as a study names or writes it; empty for one that has none.

    >>> covariates_of("depth-width"), covariates_of({"mixture": ["web", "code"]}), covariates_of("surface")
    (('depth', 'width'), ('web', 'code'), ())
    """
    if isinstance(law, Mapping):
        return sources_of(law) if "mixture" in law else Composition.from_json(law).covariates
    return COVARIATES.get(str(law), ())


def parameters_of(term: str) -> tuple[str, str]:
    """Names of a term's amplitude and exponent.

    >>> parameters_of("experts"), parameters_of("1 - sparsity")
    (('c_experts', 'gamma_experts'), ('c_1_minus_sparsity', 'gamma_1_minus_sparsity'))
    """
    if term in PARAMETERS:
        return PARAMETERS[term]
    words = term
    for operator, word in OPERATORS.items():
        words = words.replace(operator, f"_{word}_")
    plain = re.sub(r"_+", "_", re.sub(r"\W+", "_", words)).strip("_")
    return f"c_{plain}", f"gamma_{plain}"


def amplitude_of(source: str) -> str:
    """The name of the parameter of a mixture's source: `a_web`."""
    return f"a_{parameters_of(source)[0].removeprefix('c_')}"


def sources_of(written: Mapping[str, Any]) -> tuple[str, ...]:
    """The sources that a law written as `{mixture: [web, code, books]}` mixes.

    Raises
    ------
    FlopscapeError
        What is wrong with it.
    """
    sources = written["mixture"]
    if not isinstance(sources, Sequence) or isinstance(sources, str) or len(sources) < 2:
        raise FlopscapeError(f"law: mixture is {shown(sources)}; write a list of two columns or more, as in {MIXTURE}")
    if not all(isinstance(source, str) for source in sources):
        raise FlopscapeError(f"law: mixture is {shown([*sources])}; write names of columns, as in {MIXTURE}")
    if others := [key for key in written if key != "mixture"]:
        raise FlopscapeError(f"law: {shown(others[0])} does not stand beside mixture, which is a law of its own")
    if len(set(map(amplitude_of, sources))) < len(sources):
        raise FlopscapeError(f"law: mixture {shown([*sources])} names a column twice")
    return tuple(sources)


def mixture_name(sources: Sequence[str]) -> str:
    """For people."""
    return f"mixture of {', '.join(sources)}"


def parameters_asked(law: str | Mapping[str, Any]) -> Parameters:
    """The parameters of the law of a name, or of one that is written out; FlopscapeError says what is wrong with it.

    >>> parameters_asked({"terms": ["n_params", "n_tokens", "experts"]}).names
    ('E', 'A', 'B', 'c_experts', 'alpha', 'beta', 'gamma_experts')
    """
    if isinstance(law, str):
        return replace(COMPOSED[law].parameters, name=law) if law in COMPOSED else NAMED[law]
    if "mixture" not in law:
        return Composition.from_json(law).parameters
    sources = sources_of(law)
    return Parameters(mixture_name(sources), ("E", *map(amplitude_of, sources)), {})


def columns_in(term: str) -> set[str]:
    """Names of the columns that an expression reads.

    Raises
    ------
    ValueError
        What is no expression over columns; see text/expression.py.
    """
    return {node.id for node in ast.walk(parsed(term)) if isinstance(node, ast.Name)}


def _term(written: Any) -> str:
    """A term, or FlopscapeError for what can be none whatever the table."""
    if not isinstance(written, str) or not written.strip():
        raise FlopscapeError(f"law: the term {shown(written)} is no text; write a column, as in {EXAMPLE}")
    term = written.strip()
    if term in PARAMETERS:
        return term
    try:
        columns = columns_in(term)
    except ValueError:
        # A column may be named as no expression is written, experts@layer say; the table decides.
        return term
    if not columns:
        raise FlopscapeError(f"law: the term {shown(term)} names no column")
    if no_term := sorted(columns & NO_TERMS.keys()):
        raise FlopscapeError(f"law: the term {shown(term)}: {NO_TERMS[no_term[0]]}")
    if amounts := sorted(columns & PARAMETERS.keys()):
        raise FlopscapeError(
            f"law: the term {shown(term)} is a function of {amounts[0]}, which is a term of its own: an optimum over N"
            " and D needs them apart"
        )
    return term


def _in_formula(term: str) -> str:
    amplitude, exponent = parameters_of(term)
    return f"{amplitude}·{_symbol(term)}^−{GREEK.get(exponent, exponent.replace('gamma', 'γ', 1))}"


def _symbol(term: str) -> str:
    return SYMBOLS.get(term, term if re.fullmatch(r"\w+", term) else f"({term})")
