"""Fixed, tied and bounded parameters: the optimum among what is left, its errors, and requests that contradict."""

import numpy as np
import pandas as pd
import pytest

from flopscape.answers.evaluate import formula_of
from flopscape.answers.predict import predict
from flopscape.errors import FlopscapeError
from flopscape.fitting.any_law.asked import law_asked
from flopscape.fitting.any_law.problem import problem_of
from flopscape.fitting.any_law.restriction import restriction_of
from flopscape.fitting.fit import fit
from flopscape.laws.registry import LAWS
from tests.fitting.any_law.test_covariates import TERMS, experts
from tests.fitting.fit_tables import as_table, isoflop
from tests.fitting.law_tables import law_table
from tests.laws.examples import TRUTH


def values(result) -> dict[str, float]:
    return {name: number.estimate for name, number in result.law_parameters.items()}


@pytest.mark.parametrize(
    ("name", "fix", "tie"),
    [
        ("surface", {"A": 406.4}, []),
        ("surface", {"A": 406.4, "beta": 0.28}, []),
        ("surface", {"A": 406.4, "B": 410.7}, [["alpha", "beta"]]),
        ("coupled", {"B": 33000.0, "E": 1.8}, [["alpha", "gamma"]]),
        ("kaplan", {"N_c": 6.4e13}, [["alpha_N", "alpha_D"]]),
        ("constrained", {"A": 520.8, "E": 1.87}, [["alpha", "beta"], ["R_D", "R_N"]]),
        ("power-c-floor", {"scale": 2.7e20}, []),
    ],
)
def test_derivatives_are_those_of_finite_differences_whatever_is_held(name, fix, tie, tmp_path):
    """A fixed amplitude moves, in the units of the problem, with a free exponent."""
    law, table = LAWS[name], law_table(name, tmp_path, sigma=0.01)
    supply = table.columns["unique_tokens"].to_numpy(float)
    problem = problem_of(law, table, supply, restriction_of(law, fix, tie, {}))
    drawn = law.starts(np.random.default_rng(3), 2, 3.0)
    theta = problem.theta(drawn)
    _, exact = problem.evaluate(theta)
    assert exact.shape == (2, len(problem.names), len(table))
    for i in range(len(problem.names)):
        step = 1e-6 * np.eye(len(problem.names))[i]
        up, down = (problem.evaluate(theta + side * step)[0] for side in (1, -1))
        assert exact[:, i] == pytest.approx((up - down) / 2e-6, rel=1e-5, abs=1e-7)
    p = problem.in_units(theta)
    for held, value in fix.items():
        assert (getattr(p, held) == value).all()
    for one, other in tie:
        assert (getattr(p, one) == getattr(p, other)).all()


@pytest.mark.parametrize("name", ["surface", "coupled"])
def test_fixing_a_parameter_at_the_free_optimum_gives_the_free_optimum(name, tmp_path):
    table = isoflop(tmp_path)
    free, _ = fit(table, "law", law=name, bootstrap=0)
    for parameter, value in values(free).items():
        held, _ = fit(table, "law", law=name, fix={parameter: value}, bootstrap=0)
        assert held.diagnostics["objective"] == pytest.approx(free.diagnostics["objective"], rel=1e-7)
        assert values(held) == pytest.approx(values(free), rel=2e-3)
        assert values(held)[parameter] == value


def test_a_fixed_floor_narrows_the_others_and_is_the_same_in_every_draw(tmp_path):
    table = isoflop(tmp_path)
    free, _ = fit(table, "law", law="surface", bootstrap=500)
    held, draws = fit(table, "law", law="surface", fix={"E": 1.69}, flops=[1e22], bootstrap=500)
    assert (held.surface["E"].estimate, held.surface["E"].low, held.surface["E"].high) == (1.69, 1.69, 1.69)
    assert (held.held, held.free_parameters) == ("E fixed at 1.69", ["A", "B", "alpha", "beta"])
    assert formula_of(held) == "L(N, D) = E + A·N^−α + B·D^−β, with E fixed at 1.69"
    for name in ("A", "B", "alpha", "beta"):
        one, other = (np.log(number.high / number.low) for number in (held.surface[name], free.surface[name]))
        assert one < 0.9 * other, name
    # The draws hold it too, and the fit can be asked like any other.
    assert (draws["E"] == 1.69).all()
    assert predict(held, draws, [1e22])[0].loss.estimate == pytest.approx(held.predictions[0].loss.estimate, rel=1e-12)


def test_tied_exponents_have_one_value_and_share_the_compute_equally(tmp_path):
    result, draws = fit(isoflop(tmp_path), "law", law="surface", tie=[["alpha", "beta"]], flops=[1e22], bootstrap=200)
    assert result.surface["alpha"] == result.surface["beta"]
    assert result.surface["beta"].low < result.surface["beta"].high
    assert result.exponents["a"].estimate == 0.5
    assert (draws["alpha"] == draws["beta"]).all()
    assert result.diagnostics["tied"] == {"beta": "alpha"}


def test_a_bound_that_the_optimum_would_cross_holds_it_there(tmp_path):
    table = isoflop(tmp_path)
    free, _ = fit(table, "law", law="surface", bootstrap=0)
    held, _ = fit(table, "law", law="surface", bound={"alpha": [0, 0.3], "E": [1.0, 3.0]}, bootstrap=0)
    assert free.surface["alpha"].estimate > 0.3
    assert held.surface["alpha"].estimate == pytest.approx(0.3, rel=1e-12)
    assert (held.status, held.reason) == ("boundary", "alpha is at its bound, 0.3")
    inside, _ = fit(table, "law", law="surface", bound={"alpha": [0, 1]}, bootstrap=0)
    assert values(inside) == pytest.approx(values(free), rel=1e-5)
    assert inside.status == free.status


def test_a_fit_whose_parameters_are_all_held_or_on_a_bound_is_written(tmp_path):
    fix = {"E": 1.69, "A": 406.4, "B": 410.7, "beta": 0.28}
    result, _ = fit(isoflop(tmp_path), "law", law="surface", fix=fix, bound={"alpha": [0.5, 1]}, bootstrap=100)
    assert (result.status, result.reason) == ("boundary", "alpha is at its bound, 0.5")


def test_parameters_that_are_held_are_not_counted(tmp_path):
    """The coupled form with E held has one parameter more than the surface with E held: F is of (1, 35 − 5)."""
    result, _ = fit(isoflop(tmp_path), "law", law="coupled", fix={"E": 1.69}, bootstrap=0)
    compared = result.diagnostics["comparison"]
    assert {name: numbers["parameters"] for name, numbers in compared.items()} == {"coupled": 5, "surface": 4}
    assert result.diagnostics["f_test"]["parameters"] == 1
    # What is held at another value than the surface has is no special case of it.
    other, _ = fit(isoflop(tmp_path), "law", law="coupled", fix={"gamma": 0.8}, bootstrap=0)
    assert "f_test" not in other.diagnostics


def test_muennighoffs_recipe_holds_the_surface_and_fits_the_worth_of_repeats(tmp_path):
    """Muennighoff et al. 2023, section 6: R_D* and R_N* on top of a surface that was fitted before."""
    true = TRUTH["constrained"]
    table = law_table("constrained", tmp_path, sigma=0.003)
    held = true.surface._asdict()
    result, _ = fit(table, "law", law="constrained", fix=held, bootstrap=300)
    whole, _ = fit(table, "law", law="constrained", bootstrap=300)
    assert {name: values(result)[name] for name in held} == held
    for name in ("R_D", "R_N"):
        found, wider = result.parameters[name], whole.parameters[name]
        assert found.low < getattr(true, name) < found.high
        assert np.log(found.high / found.low) < np.log(wider.high / wider.low)


def repeats_table(folder):
    """A sweep on fresh data, of 25 tokens a parameter and more, and runs that repeat 0.1 to 4 billion tokens."""
    fresh = [(n, n * ratio, n * ratio) for n in np.geomspace(1e7, 3e9, 6) for ratio in (25, 50, 100, 200)]
    repeated = [(n, u * e, u) for n in np.geomspace(1e7, 3e9, 6) for u in (1e8, 6e8, 4e9) for e in (2, 4, 16, 60)]
    frame = pd.DataFrame(fresh + repeated, columns=["n_params", "n_tokens", "unique_tokens"])
    n, d, u = (frame[name].to_numpy() for name in frame)
    noise = np.exp(np.random.default_rng(4).normal(0, 0.002, len(frame)))
    frame["loss"] = LAWS["constrained"].value(TRUTH["constrained"], n, d, u) * noise
    return as_table(frame.assign(run_id=[f"run{i}" for i in range(len(frame))]), folder)


def test_muennighoffs_recipe_runs_on_one_table_from_its_fresh_runs_to_its_repeats(tmp_path):
    """The surface of the fresh runs with one exponent for both, as theirs has, is held where the repeats are fitted."""
    table = repeats_table(tmp_path)
    is_fresh = "n_tokens > unique_tokens or n_tokens < 20 * n_params"
    fresh, _ = fit(table, "law", law="surface", tie=[["alpha", "beta"]], exclude=is_fresh, bootstrap=0)
    assert fresh.n_runs == 24
    result, _ = fit(table, "law", law="constrained", fix=values(fresh), bootstrap=300)
    assert result.free_parameters == ["R_D", "R_N"]
    # 15.39 and 5.31; what the surface is off by moves them, which their intervals do not tell.
    assert result.parameters["R_D"].estimate == pytest.approx(TRUTH["constrained"].R_D, rel=0.1)
    assert result.parameters["R_N"].estimate == pytest.approx(TRUTH["constrained"].R_N, rel=0.2)
    assert "the intervals take E, A, B, alpha and beta as known: the errors of what is fixed are not in them" in (
        result.warnings
    )
    whole, _ = fit(table, "law", law="constrained", tie=[["alpha", "beta"]], bootstrap=300)
    for name in ("R_D", "R_N"):
        assert whole.parameters[name].low < getattr(TRUTH["constrained"], name) < whole.parameters[name].high


def test_a_composed_law_takes_the_same_requests(tmp_path):
    asked = {"law": TERMS, "at": {"experts": 8}, "bootstrap": 0}
    result, _ = fit(experts(tmp_path), "law", fix={"c_experts": 0.4}, tie=[["alpha", "gamma_experts"]], **asked)
    found = values(result)
    assert found["c_experts"] == 0.4
    assert found["alpha"] == found["gamma_experts"]
    assert result.diagnostics["comparison"]["n_params + n_tokens + experts"]["parameters"] == 5


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        ({"fix": {"alhpa": 1}}, "fix: 'alhpa' is no parameter of the law surface; did you mean alpha"),
        ({"tie": [["alpha", "gamma"]]}, "tie: 'gamma' is no parameter of the law surface"),
        ({"fix": {"alpha": "x"}}, "fix: alpha is 'x'; write a number"),
        ({"fix": {"alpha": 0}}, "fix: alpha = 0 must be above zero"),
        ({"fix": {"E": -1}}, "fix: E = -1 must be zero or more"),
        ({"fix": {"alpha": 7}}, "fix: alpha = 7 lies outside its bounds, 0.005 to 5"),
        (
            {"fix": {"alpha": 0.9}, "bound": {"alpha": [0, 0.5]}},
            "fix: alpha = 0.9 lies outside its bounds, 0.005 to 0.5",
        ),
        ({"fix": {"alpha": 0.3, "beta": 0.4}, "tie": [["alpha", "beta"]]}, "contradict the tie of alpha and beta"),
        ({"fix": {"alpha": 0.9}, "tie": [["alpha", "beta"]], "bound": {"beta": [0, 0.5]}}, "lies outside its bounds"),
        ({"tie": [["alpha", "A"]]}, "tie: A and alpha cannot be one number: A has a unit; of this law alpha and beta"),
        ({"tie": [["A", "B"]]}, "cannot be one number: A has a unit"),
        ({"tie": [["alpha"]]}, "ties nothing"),
        (
            {"tie": [["alpha", "beta"]], "bound": {"alpha": [0, 0.3], "beta": [0.4, 1]}},
            "tie: alpha and beta have no value in common, with alpha within 0.005 to 0.3, beta within 0.4 to 1",
        ),
        ({"bound": {"A": [1, 2]}}, "bound: A has a unit that depends on an exponent"),
        ({"bound": {"alpha": [1, 0]}}, r"bound: alpha is \[1, 0\]; write the lowest and the highest value"),
        ({"bound": {"alpha": 1}}, "bound: alpha is 1; write the lowest"),
        ({"tie": ["alpha"]}, "tie: 'alpha' is no list of parameters"),
        ({"bound": {"alpha": [1]}}, "write the lowest and the highest value"),
        ({"bound": {"alpha": [6, 7]}}, "bound: alpha within 6 to 7 is not possible"),
        ({"fix": {"E": 50}}, "E of 50 or more is no floor of these runs, whose lowest loss is 2.323 nats"),
        ({"bound": {"E": [40, 50]}}, "E of 40 or more is no floor of these runs"),
        ({"fix": dict.fromkeys(("E", "A", "B", "alpha", "beta"), 1.0)}, "every parameter is fixed"),
    ],
)
def test_requests_that_contradict_themselves_are_said(request_, sentence, tmp_path):
    with pytest.raises(FlopscapeError, match=sentence):
        fit(isoflop(tmp_path), "law", law="surface", bootstrap=0, **request_)


def test_a_chain_of_ties_is_one_group():
    law = law_asked({"terms": ["n_params", "n_tokens", "experts"]})
    chain = restriction_of(law, {"beta": 0.3}, [["beta", "alpha"], ["gamma_experts", "beta"]], {})
    assert chain.free(law) == ("E", "A", "B", "c_experts")
    assert chain.fixed == {"alpha": 0.3, "beta": 0.3, "gamma_experts": 0.3}
