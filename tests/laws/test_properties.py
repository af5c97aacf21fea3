"""What holds for every law: gradients, optima, units, special cases."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flopscape.errors import FlopscapeError
from flopscape.laws.composition import COMPOSED, covariates_of, parameters_asked
from flopscape.laws.coupled import Coupled
from flopscape.laws.inference import inference_optimum
from flopscape.laws.law import Compute, Inputs
from flopscape.laws.parameters import NAMED
from flopscape.laws.registry import LAWS, law_named
from flopscape.laws.surface import Surface, closed_form_optimum, loss
from flopscape.laws.surface import optimum as surface_optimum
from tests.laws.examples import CHINCHILLA, TRUTH

N, D, U = np.array([1e8, 3e9, 6e9, 4e10]), np.array([2e9, 5e10, 3e11, 2e11]), np.array([np.inf, 2.5e10, 2.5e10, 1e9])
COVARIATES = {
    "precision": np.array([3.0, 4, 8, 16]),
    "1 - sparsity": np.array([1.0, 0.5, 0.1, 0.02]),
    "depth": np.array([2.0, 8, 28, 50]),
    "width": np.array([256.0, 2560, 1024, 1536]),
    "vocabulary_params": np.array([1e6, 1e8, 2e8, 1e9]),
    "context": np.array([64.0, 2048, 8192, 32768]),
}
INPUTS = Inputs(N, D, 6 * N * D, U, COVARIATES)
AT = {name: float(values[1]) for name, values in COVARIATES.items()}
WITH_OPTIMUM = ["surface", "coupled", "kaplan", "constrained", "precision", "precision-all", "sparsity", *COMPOSED]
FALLING = Compute(np.log(np.geomspace(1e5, 1e11, 14)), np.log(6 + 40 * np.geomspace(1, 1e6, 14) ** -0.3))


def test_every_law_has_an_example_and_its_parameters_are_known():
    assert set(TRUTH) == set(LAWS) == {*NAMED, *COMPOSED}


@pytest.mark.parametrize("name", LAWS)
def test_what_a_law_depends_on_is_known_without_its_code(name):
    law, known = LAWS[name], parameters_asked(name)
    assert covariates_of(name) == law.covariates
    assert (known.name, known.names, known.bounds) == (law.name, law.names, law.bounds)


@pytest.mark.parametrize("name", LAWS)
def test_gradient_matches_finite_differences(name):
    law, p = LAWS[name], TRUTH[name]
    exact = law.gradient(p, INPUTS)
    for row, parameter in zip(exact, law.names, strict=True):
        value = getattr(p, parameter)
        h = 1e-6 * value
        up, down = (law.loss(p._replace(**{parameter: value + s * h}), INPUTS) for s in (1, -1))
        assert row == pytest.approx((up - down) / (2 * h), rel=2e-6, abs=1e-9 / abs(value))


@pytest.mark.parametrize("compute", [Compute.constant(), FALLING], ids=["6ND", "counted"])
@pytest.mark.parametrize("name", WITH_OPTIMUM)
def test_optimum_is_the_minimum_along_the_budget(name, compute):
    law, p, flops = LAWS[name].bound_at(AT), TRUTH[name], 3e22
    best = law.optimum(p, flops, compute, 2.5e10)
    log_n = np.log(best.n_params) + np.linspace(-4, 4, 8001)
    d = np.exp(compute.tokens(log_n, flops))
    losses = law.loss(p, Inputs(np.exp(log_n), d, np.full_like(d, flops), np.full_like(d, 2.5e10)))
    assert best.loss <= losses.min() + 1e-12
    assert abs(int(losses.argmin()) - 4000) <= 1


@pytest.mark.parametrize("name", WITH_OPTIMUM)
def test_envelope_theorem(name):
    """dL*/d ln C equals ∂L/∂ln D at fixed N, where C = 6ND."""
    law, p, flops, h = LAWS[name].bound_at(AT), TRUTH[name], 3e22, 1e-4
    up, down = (law.optimum(p, flops * np.exp(s * h), Compute.constant(), 2.5e10).loss for s in (1, -1))
    best = law.optimum(p, flops, Compute.constant(), 2.5e10)
    more, less = (law.loss(p, Inputs(best.n_params, best.n_tokens * np.exp(s * h), flops, 2.5e10)) for s in (1, -1))
    assert (up - down) / (2 * h) == pytest.approx((more - less) / (2 * h), rel=1e-6)


@pytest.mark.parametrize("name", ["surface", "coupled", "kaplan", "precision", "precision-all", *COMPOSED])
def test_exponents_are_the_slopes_of_the_optimum(name):
    law, p = LAWS[name].bound_at(AT), TRUTH[name]
    first, last = (law.optimum(p, flops, Compute.constant(), np.inf) for flops in (1e20, 1e23))
    a, b = law.exponents(p)
    assert np.log(last.n_params / first.n_params) / np.log(1e3) == pytest.approx(a, rel=1e-9)
    assert np.log(last.n_tokens / first.n_tokens) / np.log(1e3) == pytest.approx(b, rel=1e-9)


@pytest.mark.parametrize("name", LAWS)
def test_units_do_not_change_the_loss(name):
    law, p = LAWS[name], TRUTH[name]
    units = {name: np.asarray(0.3) for name in COVARIATES}
    unit = Inputs(*(np.asarray(value) for value in (1e9, 3e10, 1e21, 3e10)), units)
    in_units = law.rescaled(p, unit)
    assert law.loss(in_units, INPUTS) == pytest.approx(law.loss(p, INPUTS.per(unit)), rel=1e-12)


@pytest.mark.parametrize("name", LAWS)
def test_laws_broadcast_over_draws(name):
    law, p = LAWS[name].bound_at(AT), TRUTH[name]
    draws = type(p)(*(np.full((3, 1), value) for value in p))
    assert law.loss(draws, INPUTS) == pytest.approx(np.tile(law.loss(p, INPUTS), (3, 1)))
    assert law.gradient(draws, INPUTS).shape == (len(law.names), 3, 4)
    if law.optimum:
        many = law.optimum(type(p)(*(np.full(3, value) for value in p)), 3e22, FALLING, 2.5e10)
        assert many.loss == pytest.approx(np.full(3, law.optimum(p, 3e22, FALLING, 2.5e10).loss))


def test_coupled_is_the_surface_at_gamma_one():
    law = LAWS["coupled"]
    assert law.loss(Coupled(*CHINCHILLA, 1.0), INPUTS) == pytest.approx(loss(CHINCHILLA, N, D), rel=1e-14)


def test_kaplan_is_a_coupled_form():
    p = TRUTH["kaplan"]
    assert LAWS["kaplan"].loss(p, INPUTS) == pytest.approx(LAWS["coupled"].loss(p.coupled, INPUTS), rel=1e-12)


def test_fresh_data_give_the_surfaces_optimum():
    p = TRUTH["constrained"]
    fresh = LAWS["constrained"].optimum(p, 3e22, FALLING, np.inf)
    assert fresh.n_params == surface_optimum(p.surface, 3e22, FALLING).n_params


def test_the_data_constrained_optimum_is_continuous_where_data_run_out():
    p = TRUTH["constrained"]
    needed = closed_form_optimum(p.surface, 1e21).n_tokens
    enough, short = (
        LAWS["constrained"].optimum(p, 1e21, Compute.constant(), needed * u).n_params for u in (1.0001, 0.9999)
    )
    assert short == pytest.approx(enough, rel=1e-3)


def test_worthless_repetition_leaves_all_compute_to_parameters():
    """As R_D* falls, tokens beyond U stop counting, and N* rises."""
    p, law = TRUTH["constrained"], LAWS["constrained"]
    sizes = [law.optimum(p._replace(R_D=r), 3e22, Compute.constant(), 1e10).n_params for r in (50, 5, 0.5)]
    assert np.all(np.diff(sizes) > 0)


def test_an_unknown_law_lists_the_known():
    with pytest.raises(
        FlopscapeError, match=r"law 'cubic': there are surface, coupled, kaplan, constrained, precision, precision-all"
    ):
        law_named("cubic")


def test_without_inference_the_optimum_is_the_surfaces():
    best = closed_form_optimum(CHINCHILLA, 1e21)
    for goal in ({"loss": best.loss}, {"flops": 1e21}):
        served = inference_optimum(CHINCHILLA, 0.0, **goal)
        assert served.n_params == pytest.approx(best.n_params, rel=1e-9)
        assert served.n_tokens == pytest.approx(best.n_tokens, rel=1e-9)


served_tokens = st.floats(8, 16).map(lambda x: 10.0**x)


@settings(deadline=None)
@given(served_tokens, st.floats(19, 26).map(lambda x: 10.0**x))
def test_inference_optimum_meets_its_stationarity(d_inference, flops):
    best = inference_optimum(CHINCHILLA, d_inference, flops=flops)
    _, A, B, alpha, beta = CHINCHILLA
    by_n, by_d = alpha * A * best.n_params**-alpha, beta * B * best.n_tokens**-beta
    assert by_n / by_d == pytest.approx(1 + d_inference / (3 * best.n_tokens), rel=1e-9)
    assert best.training + best.serving == pytest.approx(flops, rel=1e-9)


@pytest.mark.parametrize("d_inference", [1e9, 1e12, 1e15])
def test_no_other_size_reaches_the_loss_more_cheaply(d_inference):
    E, A, B, alpha, beta = CHINCHILLA
    best = inference_optimum(CHINCHILLA, d_inference, loss=2.2)
    n = best.n_params * np.exp(np.linspace(-0.3, 0.3, 601))
    n = n[A * n**-alpha < 2.2 - E]
    d = (B / (2.2 - E - A * n**-alpha)) ** (1 / beta)
    assert best.loss == pytest.approx(2.2, rel=1e-12)
    assert (6 * n * d + 2 * n * d_inference).min() >= (best.training + best.serving) * (1 - 1e-12)


def test_cost_and_loss_are_dual():
    cheapest = inference_optimum(CHINCHILLA, 1e12, loss=2.1)
    best = inference_optimum(CHINCHILLA, 1e12, flops=cheapest.training + cheapest.serving)
    assert best.loss == pytest.approx(2.1, rel=1e-10)


def test_inference_broadcasts_over_draws_and_demands():
    draws = Surface(*(np.full((4, 1), value) for value in CHINCHILLA))
    assert inference_optimum(draws, np.array([0, 1e11, 1e13]), flops=1e22).n_params.shape == (4, 3)


def test_a_loss_below_the_floor_has_no_size():
    best = inference_optimum(CHINCHILLA, 1e12, loss=np.array([1.6, 2.2]))
    assert np.isnan(best.n_params[0])
    assert np.isfinite(best.n_params[1])


def test_inference_needs_a_loss_or_a_compute():
    with pytest.raises(ValueError, match="either loss or flops"):
        inference_optimum(CHINCHILLA, 1e12)
