"""A fitted law's loss and optimum, against minima found by brute force and against sums written out by hand."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize_scalar

from flopscape.answers.evaluate import compute_of, evaluator, formula_of, surface_of
from flopscape.answers.evaluator import Evaluator
from flopscape.answers.predict import predict
from flopscape.errors import FlopscapeError
from flopscape.laws.law import Compute
from flopscape.records.fit_file import read_fit, write_fit
from flopscape.records.fit_result import Estimate, FitResult
from tests.laws.examples import TRUTH

FALLING = Compute(np.log([1e8, 1e9, 1e10]), np.log([9.0, 7.0, 6.2]))
"""κ that falls with size, as where attention is counted."""
POWER_LAW = {"center_log_flops": 50.0, "log_n_params": 20.0, "a": 0.5, "loss_E": 1.8, "loss_K": 0.4, "loss_gamma": 0.15}


def fit_of(law: str, compute: Compute = FALLING, unique_tokens: float | None = None) -> FitResult:
    """A fit of a law whose numbers are the law's of the test tables."""
    numbers = {name: Estimate(float(value)) for name, value in TRUTH[law]._asdict().items()}
    known = {"kappa": compute.to_json(), "unique_tokens": unique_tokens}
    mine = {"surface": numbers} if law == "surface" else {"parameters": numbers}
    return FitResult("ok", "", "law", law, "", **mine, diagnostics=known)  # type: ignore[arg-type]


def by_parabolas() -> FitResult:
    exponents = {"a": Estimate(0.5), "b": Estimate(0.5)}
    known = {"kappa": Compute.constant(6.0).to_json(), "power_law": POWER_LAW}
    return FitResult("ok", "", "approach2", "power law", "", exponents=exponents, diagnostics=known)


def known(fit: FitResult) -> Evaluator:
    law = evaluator(fit)
    assert law
    return law


@pytest.mark.parametrize(
    ("law", "supply"), [("surface", None), ("coupled", None), ("kaplan", None), ("constrained", 1e10)]
)
def test_no_size_has_a_lower_loss_than_the_optimum_at_its_compute(law: str, supply: float | None) -> None:
    fitted = known(fit_of(law, unique_tokens=supply))
    best = fitted.optimum(1e22)

    def loss(log_n: float) -> float:
        return float(fitted.loss(np.exp(log_n), np.exp(FALLING.tokens(np.asarray(log_n), 1e22))))

    found = minimize_scalar(loss, bounds=(np.log(1e7), np.log(1e12)), method="bounded", options={"xatol": 1e-10})
    assert best.n_params == pytest.approx(np.exp(found.x), rel=1e-5)
    assert best.loss == pytest.approx(found.fun, rel=1e-12)
    kappa = np.exp(np.interp(np.log(best.n_params), FALLING.log_n, FALLING.log_kappa))
    assert kappa * best.n_params * best.n_tokens == pytest.approx(1e22, rel=0.03)  # κ is a cubic, not a line


def test_the_surface_is_hoffmanns_sum_and_its_optimum_their_closed_form() -> None:
    fit = fit_of("surface", Compute.constant())
    E, A, B, alpha, beta = (fit.law_parameters[name].estimate for name in ("E", "A", "B", "alpha", "beta"))
    fitted = known(fit)
    assert fitted.loss(3e9, 6e10) == pytest.approx(E + A / 3e9**alpha + B / 6e10**beta, rel=1e-14)
    G = (alpha * A / (beta * B)) ** (1 / (alpha + beta))
    best = fitted.optimum(np.array([1e20, 1e24]))
    np.testing.assert_allclose(best.n_params, G * (np.array([1e20, 1e24]) / 6) ** (beta / (alpha + beta)), rtol=1e-12)


def test_a_fit_is_told_with_the_formula_of_its_law_and_one_without_a_law_with_none() -> None:
    assert formula_of(fit_of("coupled")) == "L(N, D) = E + (A·N^−α + B·D^−β)^γ"
    assert formula_of(FitResult("ok", "", "approach2", "power law", "")) == ""


def test_power_laws_are_evaluated_as_they_are_written() -> None:
    best = known(by_parabolas()).optimum(np.exp(52.0))
    assert best.n_params == pytest.approx(np.exp(21.0), rel=1e-12)
    assert best.n_tokens == pytest.approx(np.exp(52.0 - 21.0) / 6, rel=1e-12)
    assert best.loss == pytest.approx(1.8 + 0.4 * np.exp(-0.3), rel=1e-12)


def test_power_laws_have_no_loss_beside_the_optimum() -> None:
    with pytest.raises(FlopscapeError, match="approach2 has no loss surface"):
        known(by_parabolas()).loss(1e9, 1e10)


def test_a_law_of_compute_has_a_loss_at_every_compute_and_no_size() -> None:
    fit = FitResult("ok", "", "law", "power-c", "", parameters={"scale": Estimate(1e11), "alpha": Estimate(0.1)})
    best = known(fit).optimum(1e21)
    assert best.loss == pytest.approx(0.1, rel=1e-12)
    assert np.isnan(best.n_params)
    assert known(fit).loss(1e9, 1e11, 1e21) == pytest.approx(0.1, rel=1e-12)
    assert known(fit).loss(1e9, 1e12 / 6) == pytest.approx(0.1, rel=1e-12)


def test_a_law_of_size_alone_has_a_loss_and_says_that_it_has_no_optimum() -> None:
    fit = FitResult("ok", "", "law", "power-n", "", parameters={"scale": Estimate(1e11), "alpha": Estimate(0.1)})
    assert known(fit).loss(1e21, 1.0) == pytest.approx(0.1, rel=1e-12)
    assert not known(fit).has_optimum
    with pytest.raises(FlopscapeError, match="no optimum at a compute"):
        known(fit).optimum(1e21)


def test_a_fit_without_numbers_has_no_evaluator() -> None:
    assert evaluator(FitResult("refused", "too few runs", "vpnls", "surface", "")) is None
    assert surface_of(by_parabolas()) is None
    assert compute_of(None).is_constant


@pytest.mark.parametrize(
    "fit", [fit_of("surface"), fit_of("coupled"), by_parabolas()], ids=["surface", "law", "powers"]
)
def test_draws_are_the_first_axis_of_every_result(fit: FitResult) -> None:
    one = known(fit)
    numbers = POWER_LAW if fit.power_law else {name: x.estimate for name, x in fit.law_parameters.items()}
    draws = pd.DataFrame([numbers, numbers, {**numbers, next(iter(one.columns)): 2.0}])
    many = one.of_draws(draws)
    flops = np.array([1e20, 1e21, 1e22, 1e23])
    for mine, own in zip(many.optimum(flops), one.optimum(flops), strict=True):
        assert mine.shape == (3, 4)
        np.testing.assert_allclose(mine[:2], np.stack([own, own]), rtol=1e-12)
    assert many.optimum(1e21).loss.shape == (3,)
    third = np.stack(many.optimum(flops))[:, 2]
    assert not np.allclose(third, np.stack(one.optimum(flops)))
    if not fit.power_law:
        assert many.loss(np.full((2, 4), 1e9), 2e10).shape == (3, 2, 4)


def test_a_power_law_without_its_numbers_is_named() -> None:
    fit = FitResult("ok", "", "approach2", "power law", "", diagnostics={"power_law": {"a": 0.5}})
    with pytest.raises(FlopscapeError, match=r"PowerLaw is not whole .*log_n_params"):
        evaluator(fit)


def test_a_file_of_before_is_read_without_the_parts_that_it_lacks(tmp_path: Path) -> None:
    """Version 0.1 kept neither κ nor the ranges of the runs of some fits, and named no shape of a curve."""
    path = tmp_path / "fit.json"
    write_fit(by_parabolas(), path)
    data = json.loads(path.read_text())
    data["optima"] = [{"budget": 1e20, "n_params": 1e9, "loss": 2.5, "used": True}]
    for name in ("made_from", "unit", "parameters", "warning_kinds"):
        del data[name]
    del data["diagnostics"]["kappa"]
    path.write_text(json.dumps(data))
    fit = read_fit(path)
    assert fit.kappa is None
    assert fit.sampled is None
    assert fit.outliers == []
    assert [(vertex.budget, vertex.loss, vertex.flops) for vertex in fit.vertices] == [(1e20, 2.5, None)]
    assert predict(fit, pd.DataFrame([POWER_LAW]), [1e21])[0].n_params is not None
