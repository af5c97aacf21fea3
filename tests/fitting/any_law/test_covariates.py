"""Fits of laws with covariates: recovered, asked at values of them, and refused where the runs do not show them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from flopscape.answers.evaluate import formula_of
from flopscape.answers.predict import predict
from flopscape.answers.residuals import residuals
from flopscape.errors import FlopscapeError
from flopscape.fitting.fit import fit
from flopscape.laws.law import Inputs
from flopscape.laws.registry import LAWS
from flopscape.laws.surface import Surface, closed_form_optimum, loss
from flopscape.runs.table import RunTable
from tests.fitting.fit_tables import as_table, isoflop
from tests.laws.examples import CHINCHILLA, TRUTH

TERMS = {"terms": ["n_params", "n_tokens", "experts"]}
TRUE = CHINCHILLA._asdict() | {"c_experts": 0.4, "gamma_experts": 0.5}


def experts_frame(sigma: float = 0.004, seed: int = 0) -> pd.DataFrame:
    """Four budgets × five sizes × four numbers of experts, of the surface and 0.4·experts^−0.5."""
    rows = [
        (n, c / 6 / n, c, e)
        for c in np.geomspace(1e18, 1e21, 4)
        for n in np.geomspace(0.25, 4, 5) * np.sqrt(c / 120)
        for e in (1, 4, 16, 64)
    ]
    frame = pd.DataFrame(rows, columns=["n_params", "n_tokens", "budget", "experts"])
    true = loss(CHINCHILLA, frame["n_params"].to_numpy(), frame["n_tokens"].to_numpy())
    noise = np.exp(np.random.default_rng(seed).normal(0, sigma, len(frame)))
    return frame.assign(
        loss=(true + 0.4 * frame["experts"] ** -0.5) * noise,
        run_id=[f"run{i}" for i in range(len(frame))],
        sparsity=1 - 1 / frame["experts"],
    )


def experts(folder: Path, **options: float) -> RunTable:
    return as_table(experts_frame(**options), folder)


def test_a_three_term_law_is_recovered_from_a_sweep_of_experts(tmp_path):
    """Every parameter within its 95 % interval, and the optimum at eight experts, which no run has."""
    table = experts(tmp_path)
    result, draws = fit(table, "law", law=TERMS, at={"experts": 8}, flops=[1e21], bootstrap=1000)
    assert result.status == "ok"
    for name, true in TRUE.items():
        found = result.parameters[name]
        assert found.low < true < found.high, name
    best = closed_form_optimum(CHINCHILLA, 1e21)
    [predicted] = result.predictions
    assert predicted.n_params.low < best.n_params < predicted.n_params.high
    assert predicted.loss.low < best.loss + 0.4 * 8**-0.5 < predicted.loss.high
    [again] = predict(result, draws, [1e21])
    assert again.loss.estimate == pytest.approx(predicted.loss.estimate, rel=1e-12)
    assert formula_of(result).endswith("c_experts·experts^−γ_experts, at experts = 8")
    # Not at eight experts: each run by its own.
    assert residuals(table, result)["residual"].abs().max() < 0.05


def test_exact_losses_give_the_parameters_themselves(tmp_path):
    result, _ = fit(experts(tmp_path, sigma=0.0), "law", law=TERMS, bootstrap=0)
    found = {name: number.estimate for name, number in result.parameters.items()}
    assert found == pytest.approx(TRUE, rel=1e-6)


def test_an_expression_over_columns_is_a_term(tmp_path):
    """1 − sparsity is one over the experts, so that it is the same law with c·(1/x)^−γ: the exponent turns."""
    terms = {"terms": ["n_params", "n_tokens", "1 / (1 - sparsity)"]}
    table = experts(tmp_path, sigma=0.0)
    result, _ = fit(table, "law", law=terms, at={"sparsity": 0.875}, flops=[1e21], bootstrap=0)
    assert result.parameters["gamma_1_over_1_minus_sparsity"].estimate == pytest.approx(0.5, rel=1e-6)
    expected = closed_form_optimum(CHINCHILLA, 1e21).loss + 0.4 * 8**-0.5
    assert result.predictions[0].loss.estimate == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("name", "is_coupled"), [("surface", False), ("coupled", True)])
def test_the_terms_of_n_and_d_give_the_numbers_of_the_named_law(name, is_coupled, tmp_path):
    table = isoflop(tmp_path)
    asked = {"flops": [1e22], "bootstrap": 0}
    named, _ = fit(table, "law", law=name, **asked)
    mine, _ = fit(table, "law", law={"terms": ["n_params", "n_tokens"], "coupled": is_coupled}, **asked)
    theirs = {parameter: number.estimate for parameter, number in named.law_parameters.items()}
    assert {parameter: number.estimate for parameter, number in mine.parameters.items()} == pytest.approx(theirs, 1e-4)
    assert mine.diagnostics["objective"] == pytest.approx(named.diagnostics["objective"], rel=1e-9)
    for amount in ("n_params", "loss"):
        ours, other = (getattr(one.predictions[0], amount).estimate for one in (mine, named))
        assert ours == pytest.approx(other, rel=1e-4)


def test_a_covariate_that_does_nothing_does_not_earn_its_place(tmp_path):
    frame = experts_frame().assign(experts=np.tile([3.0, 1.0, 2.0, 5.0, 4.0], 16))
    frame["loss"] = loss(Surface(1.69, 406.4, 410.7, 0.34, 0.28), frame["n_params"], frame["n_tokens"])
    frame["loss"] *= np.exp(np.random.default_rng(1).normal(0, 0.01, len(frame)))
    result, _ = fit(as_table(frame, tmp_path), "law", law=TERMS, bootstrap=0)
    assert result.diagnostics["f_test"]["against"] == "n_params + n_tokens"
    assert any("the two extra parameters do not earn their place" in text for text in result.warnings)


def test_a_free_covariate_has_its_optimum_at_the_edge_of_the_runs(tmp_path):
    result, _ = fit(experts(tmp_path), "law", law=TERMS, flops=[1e21], bootstrap=0)
    assert result.at == {"experts": 64.0}
    assert any("within the runs, 1 to 64, lies at their edge, 64; give the value" in text for text in result.warnings)


def test_a_value_beyond_the_runs_is_said(tmp_path):
    result, _ = fit(experts(tmp_path), "law", law=TERMS, at={"experts": 256}, flops=[1e21], bootstrap=0)
    assert "experts = 256 at the asked compute lies beyond the runs, 1 to 64" in result.warnings


def test_a_covariate_with_one_value_is_refused(tmp_path):
    frame = experts_frame()
    result, _ = fit(as_table(frame[frame["experts"] == 4], tmp_path), "law", law=TERMS)
    assert result.status == "refused"
    assert result.reason.startswith("experts is 4 in every run, so that its term cannot be told from the floor")


def test_a_covariate_that_is_a_function_of_another_is_refused(tmp_path):
    terms = {"terms": ["n_params", "n_tokens", "experts", "2 * experts"]}
    result, _ = fit(experts(tmp_path), "law", law=terms, bootstrap=0)
    assert result.status == "refused"
    assert "the parameters are not told apart by these runs: the scaled condition number is" in result.reason


@pytest.mark.parametrize(
    ("law", "at", "sentence"),
    [
        (["exprts"], {}, r"the term 'exprts' of the law: no column exprts; did you mean experts\?"),
        (["experts - 4"], {}, r"experts - 4 is -3 in row 1 \(40 rows: run0, run1, run4, run5, run8 and 35 more\)"),
        (["experts > 4"], {}, "is not a number in each row"),
        (["run_id"], {}, "is not a number in each row"),
        (["experts"], {"depth": 8}, "at: 'depth' is no covariate; those of this law are experts"),
        (["experts"], {"experts": "8"}, "at: experts is '8'; write a number"),
        (["experts"], {"experts": -1}, "at: experts is -1 there; it must be positive and finite"),
        (["1 - sparsity"], {"sparsity": 1}, "at: 1 - sparsity is 0 there"),
        ([], {"experts": 8}, "at: 'experts' is no covariate; this law has none"),
    ],
)
def test_terms_and_values_that_the_table_does_not_have_are_named(law, at, sentence, tmp_path):
    with pytest.raises(FlopscapeError, match=sentence):
        fit(experts(tmp_path), "law", law={"terms": ["n_params", "n_tokens", *law]}, at=at, bootstrap=0)


def test_runs_of_one_size_that_differ_in_a_covariate_are_no_seeds_of_each_other(tmp_path):
    table = experts(tmp_path)
    assert fit(table, "law", law=TERMS, bootstrap=0)[0].diagnostics["seed_dof"] == 0
    with pytest.raises(FlopscapeError, match="seeds: mean would merge runs of one N and D that differ in experts"):
        fit(table, "law", law=TERMS, seeds="mean")
    with pytest.raises(FlopscapeError, match="would merge runs of one N and D that differ in 1 - sparsity"):
        fit(table, "law", law="sparsity", seeds="mean")


def test_the_best_precision_is_that_of_kumar_et_al_at_any_compute(tmp_path):
    """Where C = 6/16·N·D·P: 3·u·e^−u = 1 − e^−u for u = P/γ, u = 1.904 (arXiv 2411.04330, equation 28)."""
    true = TRUTH["precision-all"]
    rows = [
        (n, c / 6 * 16 / n / p, c, p) for c in (1e18, 1e20) for n in np.geomspace(1e7, 1e9, 6) for p in (3, 4, 8, 16)
    ]
    frame = pd.DataFrame(rows, columns=["n_params", "n_tokens", "flops", "precision"])
    inputs = Inputs(*(frame[name].to_numpy(float) for name in ("n_params", "n_tokens", "flops")), np.inf)
    bits = {"precision": frame["precision"].to_numpy(float)}
    frame["loss"] = LAWS["precision-all"].loss(true, inputs._replace(covariates=bits))
    table = as_table(frame.assign(run_id=[f"run{i}" for i in range(len(frame))]), tmp_path)
    for flops in (1e19, 1e23):
        result, _ = fit(table, "law", law="precision-all", flops=[flops], bootstrap=0)
        assert result.at["precision"] == pytest.approx(1.904 * 2.6745, rel=1e-3)
        assert any("is lowest at precision = 5.09" in text for text in result.warnings)
        # Both others at eight bits: what C pays for there, and the loss by a grid over N.
        eight, _ = fit(table, "law", law="precision-all", at={"precision": 8}, flops=[flops], bootstrap=0)
        n = np.geomspace(1e7, 1e13, 60001)
        losses = LAWS["precision-all"].value(true, n, flops / 6 * 16 / n / 8, 8.0)
        assert eight.predictions[0].loss.estimate == pytest.approx(losses.min(), rel=1e-6)
        assert eight.predictions[0].loss.estimate > result.predictions[0].loss.estimate


def test_a_run_of_a_sparse_model_costs_what_the_runs_say(tmp_path):
    """C = 6·N·D·(1 − S): at S = 0.95, which no run has, κ is 0.3, and N* and L* are those of a grid over N."""
    true, rng = TRUTH["sparsity"], np.random.default_rng(0)
    n, d = np.exp(rng.uniform(np.log(1e7), np.log(1e11), 400)), np.exp(rng.uniform(np.log(1e9), np.log(1e12), 400))
    active = 1 - rng.choice([0.0, 0.5, 0.9, 0.98], 400)
    frame = pd.DataFrame({"n_params": n, "n_tokens": d, "flops": 6 * n * d * active, "sparsity": 1 - active})
    frame["loss"] = LAWS["sparsity"].value(true, n, d, active)
    table = as_table(frame.assign(run_id=[f"run{i}" for i in range(400)]), tmp_path)
    result, _ = fit(table, "law", law="sparsity", at={"sparsity": 0.95}, flops=[1e21], bootstrap=0)
    assert {name: number.estimate for name, number in result.parameters.items()} == pytest.approx(
        true._asdict(), rel=1e-2
    )
    assert np.exp(result.kappa.log_kappa) == pytest.approx(0.3, rel=1e-6)
    sizes = np.geomspace(1e8, 1e13, 50001)
    losses = LAWS["sparsity"].value(true, sizes, 1e21 / 0.3 / sizes, 0.05)
    assert result.predictions[0].loss.estimate == pytest.approx(losses.min(), rel=1e-4)
    assert result.predictions[0].n_params.estimate == pytest.approx(sizes[losses.argmin()], rel=1e-2)
