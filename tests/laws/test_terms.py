"""Composed laws: equal to the named ones where they are the same, with exact gradients, for any columns."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flopscape.errors import FlopscapeError
from flopscape.laws import coupled, surface
from flopscape.laws.composition import Composition, parameters_of
from flopscape.laws.law import Compute, Inputs, Law
from flopscape.laws.terms import composed
from tests.laws.examples import TRUTH

BOTH = ("n_params", "n_tokens")
N, D = np.array([1e8, 3e9, 6e9, 4e10]), np.array([2e9, 5e10, 3e11, 2e11])
COVARIATES = {"experts": np.array([1.0, 8, 64, 2]), "1 - sparsity": np.array([1.0, 0.5, 0.1, 0.02])}
INPUTS = Inputs(N, D, 6 * N * D, np.full(4, np.inf), COVARIATES)
MADE = st.builds(
    Composition,
    terms=st.lists(st.sampled_from([*BOTH, "flops", *COVARIATES]), min_size=2, unique=True).map(tuple),
    floor=st.booleans(),
    coupled=st.booleans(),
)


def drawn(law: Law, seed: int) -> object:
    """Parameters of one start, in the inputs' own units."""
    values = law.starts(np.random.default_rng(seed), 1, 3.0)
    unit = Inputs(*(np.asarray(x) for x in (1e9, 1e10, 1e20, 1e10)), {name: np.asarray(4.0) for name in COVARIATES})
    return law.rescaled(law.kind(**{name: values[name][0] for name in law.names}), unit)


@settings(max_examples=100, deadline=None)
@given(composition=MADE, seed=st.integers(0, 10**6))
def test_the_gradient_of_any_sum_of_terms_is_that_of_finite_differences(composition, seed):
    law = composed(composition)
    p = drawn(law, seed)
    exact = law.gradient(p, INPUTS)
    assert exact.shape == (len(law.names), 4)
    for row, name in zip(exact, law.names, strict=True):
        value = getattr(p, name)
        h = 1e-6 * (value or 1.0)
        up, down = (law.loss(p._replace(**{name: value + s * h}), INPUTS) for s in (1, -1))
        scale = float(np.abs(law.loss(p, INPUTS)).max()) * 1e-9 / h
        assert row == pytest.approx((up - down) / (2 * h), rel=1e-5, abs=max(scale, 1e-12))


@pytest.mark.parametrize(
    ("composition", "named"),
    [(Composition(BOTH), surface.LAW), (Composition(BOTH, coupled=True), coupled.LAW)],
    ids=["surface", "coupled"],
)
def test_the_terms_of_n_and_d_alone_are_the_named_law(composition, named):
    law, p = composed(composition), TRUTH[named.name]
    mine = law.kind(**p._asdict())
    assert law.names == named.names
    assert law.loss(mine, INPUTS) == pytest.approx(named.loss(p, INPUTS), rel=1e-14)
    assert law.gradient(mine, INPUTS) == pytest.approx(named.gradient(p, INPUTS), rel=1e-12)
    assert law.exponents(mine) == named.exponents(p)
    best, theirs = (form.optimum(q, 1e22, Compute.constant(), np.inf) for form, q in ((law, mine), (named, p)))
    assert [*map(float, best)] == pytest.approx([*map(float, theirs)], rel=1e-14)


@settings(max_examples=50, deadline=None)
@given(composition=MADE, seed=st.integers(0, 10**6))
def test_units_of_the_terms_do_not_change_the_loss(composition, seed):
    law = composed(composition)
    p = drawn(law, seed)
    unit = Inputs(*(np.asarray(x) for x in (1e9, 3e10, 1e21, 3e10)), {"experts": np.array(5), "1 - sparsity": 0.3})
    assert law.loss(law.rescaled(p, unit), INPUTS) == pytest.approx(law.loss(p, INPUTS.per(unit)), rel=1e-9)


def test_the_optimum_at_a_covariate_is_the_lowest_loss_along_the_budget():
    """By a fine grid over N, at two values of the covariate: it moves the loss and not N*."""
    law = composed(Composition((*BOTH, "experts"), coupled=True)).bound_at({"experts": 8.0})
    p = law.kind(1.8, 3900.0, 33000.0, 0.2, 0.45, 0.49, 0.5, 0.74)
    best = law.optimum(p, 1e22, Compute.constant(), np.inf)
    n = float(best.n_params) * np.exp(np.linspace(-2, 2, 4001))
    losses = law.loss(p, Inputs(n, 1e22 / 6 / n, np.full(4001, 1e22), np.full(4001, np.inf)))
    assert int(losses.argmin()) == 2000
    assert best.loss == pytest.approx(losses.min(), rel=1e-12)
    more = law.bound_at({"experts": 16.0}).optimum(p, 1e22, Compute.constant(), np.inf)
    assert more.n_params == best.n_params
    assert more.loss < best.loss


def test_a_run_without_its_covariate_is_refused():
    law = composed(Composition((*BOTH, "experts")))
    with pytest.raises(FlopscapeError, match="depends on experts, of which no value is given"):
        law.loss(law.kind(*np.ones(7)), INPUTS._replace(covariates={}))


def test_parameters_of_expressions_have_names_that_can_be_written():
    names = [parameters_of(term)[0] for term in ("experts", "1 - sparsity", "width / depth", "n ** 2", "loss@web")]
    assert names == ["c_experts", "c_1_minus_sparsity", "c_width_over_depth", "c_n_to_2", "c_loss_web"]


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ({"term": ["experts"]}, "unknown key 'term'; did you mean terms"),
        ({"terms": "experts"}, "terms is 'experts'; write a list of columns"),
        ({"terms": []}, "write a list of columns"),
        ({"terms": ["experts"], "floor": 1}, "floor is 1; write true or false"),
        ({"terms": ["experts", 3]}, "the term 3 is no text"),
        ({"terms": ["n_params", "loss"]}, "the loss is what the law is of"),
        ({"terms": ["n_params", "unique_tokens"]}, "only the law constrained depends on it"),
        ({"terms": ["n_tokens / n_params"]}, "is a function of n_params, which is a term of its own"),
        ({"terms": ["2 * 3"]}, "names no column"),
        ({"terms": ["experts", " experts"]}, "the term experts is listed twice"),
        ({"terms": ["a + b", "a+b"]}, "would have parameters of one name"),
        ({"terms": ["experts"], "coupled": True}, "the one term experts has nothing to be coupled with"),
    ],
)
def test_a_law_that_makes_no_sense_is_said(written, sentence):
    with pytest.raises(FlopscapeError, match=sentence):
        Composition.from_json(written)


def test_a_law_is_what_its_file_says_again():
    composition = Composition(("n_params", "experts"), floor=False, coupled=True)
    assert Composition.from_json(composition.to_json()) == composition
    assert composition.formula == "L(N, experts) = (A·N^−α + c_experts·experts^−γ_experts)^γ"
