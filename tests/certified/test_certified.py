"""Fits of tables whose answers certify.py worked out to 50 digits, as lmfit is tested on NIST's certified data.

Tolerances are relative and follow from double precision: the searches stop where the objective cannot fall by more than
its rounding, 1e-16 of it, which leaves a parameter uncertain by √1e-16 of its standard error at most, and standard
errors are 1e-3 to 0.3 of the parameters here. Ends of profiles are followed to 1e-4 of the way to them.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from flopscape.fitting.fit import fit
from flopscape.records.fit_result import FitResult
from flopscape.runs.read import read_runs
from flopscape.runs.table import RunTable
from tests.certified import certify
from tests.certified.laws import LAWS

HERE = Path(__file__).parent
CERTIFIED = json.loads((HERE / "certified.json").read_text())
FLOPS = 1e22
PARAMETERS = 1e-8
SQUARES = 1e-10
SURFACES = {"lsq": ("vpnls", {}), "log_lsq": ("approach3", {"objective": "log_lsq"})}


def table(name: str) -> RunTable:
    return read_runs(HERE / f"{name}.csv")


def numbers(found: Any) -> Any:
    """Certified digits as floats."""
    if isinstance(found, dict):
        return {key: numbers(value) for key, value in found.items()}
    return [numbers(value) for value in found] if isinstance(found, list) else float(found)


@pytest.fixture(scope="module", params=SURFACES)
def surface(request: pytest.FixtureRequest) -> tuple[FitResult, dict[str, Any]]:
    method, options = SURFACES[request.param]
    result, _ = fit(table("isoflop"), method, flops=[FLOPS], bootstrap=200, **options)
    return result, numbers(CERTIFIED[request.param])


def estimates(result: FitResult) -> dict[str, float]:
    assert result.surface
    assert result.exponents
    best = result.predictions[0]
    assert best.n_params
    assert best.loss
    found = {name: number.estimate for name, number in result.surface.items()}
    return found | {"a": result.exponents["a"].estimate, "n_params": best.n_params.estimate, "loss": best.loss.estimate}


def test_the_surface_is_the_certified_optimum(surface: tuple[FitResult, dict[str, Any]]) -> None:
    result, certified = surface
    assert estimates(result) == pytest.approx(certified["estimates"], rel=PARAMETERS)
    value = result.diagnostics["rss" if result.method == "vpnls" else "objective"]
    assert value == pytest.approx(certified["rss"], rel=SQUARES)
    assert result.diagnostics["se_a"] == pytest.approx(certified["se_a"], rel=1e-6)


def test_residuals_are_in_nats_over_as_many_degrees_of_freedom_as_rows_less_five(
    surface: tuple[FitResult, dict[str, Any]],
) -> None:
    result, certified = surface
    p, runs = certified["estimates"], table("isoflop")
    squares = (runs.loss - p["E"] - p["A"] / runs.n_params ** p["alpha"] - p["B"] / runs.n_tokens ** p["beta"]) ** 2
    assert result.diagnostics["residual_sd"] == pytest.approx((squares.sum() / 30) ** 0.5, rel=1e-8)
    assert result.diagnostics["r2"] == pytest.approx(1 - squares.mean() / runs.loss.var(), rel=1e-8)


@pytest.mark.parametrize(("kind", "share"), [("delta", 1e-6), ("sandwich", 1e-5), ("profile F", 1e-4)])
def test_every_end_of_an_interval_is_the_certified_one_at_95_per_cent(
    kind: str, share: float, surface: tuple[FitResult, dict[str, Any]]
) -> None:
    """As far off as a `share` of the interval's width; the sandwich adds 1e-6 so that no run decides a parameter."""
    result, certified = surface
    for name, (low, high) in certified["intervals"][kind].items():
        found = result.diagnostics["intervals"][kind][f"{name}@1e+22" if name in ("n_params", "loss") else name]
        assert found == pytest.approx([low, high], abs=share * (high - low)), name


def test_the_fits_without_the_outer_budgets_have_not_seen_them(surface: tuple[FitResult, dict[str, Any]]) -> None:
    result, certified = surface
    for name in ("without_smallest", "predict_largest"):
        assert result.diagnostics[name] == pytest.approx(certified[name], rel=1e-5)


@pytest.mark.parametrize("which", ["huber", "huber wide"])
def test_huber_s_optimum_is_the_certified_one(which: str) -> None:
    certified = numbers(CERTIFIED[which])
    result, _ = fit(table("isoflop"), "approach3", delta=certified["delta"], flops=[FLOPS], bootstrap=200)
    assert estimates(result) == pytest.approx(certified["estimates"], rel=PARAMETERS)
    assert result.diagnostics["objective"] == pytest.approx(certified["objective"], rel=SQUARES)


@pytest.fixture(scope="module")
def parabolas() -> FitResult:
    return fit(table("isoflop"), "approach2", flops=[FLOPS], bootstrap=200)[0]


def test_vertices_of_parabolas_are_the_certified_ones(parabolas: FitResult) -> None:
    for name, values in numbers(CERTIFIED["approach2"])["vertices"].items():
        assert [optimum[name] for optimum in parabolas.optima] == pytest.approx(values, rel=1e-9)


def test_the_power_law_and_its_t_intervals_are_the_certified_ones(parabolas: FitResult) -> None:
    certified, found = numbers(CERTIFIED["approach2"]), parabolas.diagnostics
    assert parabolas.exponents
    best = parabolas.predictions[0]
    for number, ends in (
        (parabolas.exponents["a"], certified["a"]),
        (parabolas.exponents["b"], certified["b"]),
        (best.n_params, certified["n_params"]),
    ):
        assert number
        assert [number.estimate, number.low, number.high] == pytest.approx(ends, rel=1e-9)
    a = parabolas.exponents["a"]
    assert a.high is not None
    assert (a.high - a.estimate) / found["se_a"] == pytest.approx(certified["t"], rel=1e-9)
    assert (found["se_a"], found["residual_sd"]) == pytest.approx(
        (certified["se_a"], certified["residual_sd"]), rel=1e-9
    )
    assert found["without_smallest"]["a"] == pytest.approx(certified["without_smallest"], rel=1e-8)
    assert found["predict_largest"]["log_n_params"] == pytest.approx(certified["predict_largest"], rel=1e-8)


@pytest.mark.parametrize("law", LAWS)
def test_a_law_s_parameters_and_delta_method_intervals_are_the_certified_ones(law: str) -> None:
    """18 runs: too few for the bootstrap, so that the reported ends are the delta method's."""
    result, _ = fit(table(law), "law", law=law, bootstrap=100)
    certified = numbers(CERTIFIED[law])
    assert result.interval == "delta method"
    assert result.parameters
    for name, ends in certified["parameters"].items():
        number = result.parameters[name]
        assert number.estimate == pytest.approx(ends[0], rel=1e-6), name
        assert [number.low, number.high] == pytest.approx(ends[1:], rel=1e-5), name
    assert result.diagnostics["objective"] == pytest.approx(certified["objective"], rel=SQUARES)


def test_the_tables_are_what_the_script_makes() -> None:
    """The rest takes it a minute: `python -m tests.certified.certify --check`."""
    assert {name: (HERE / name).read_text() for name in certify.tables()} == certify.tables()
