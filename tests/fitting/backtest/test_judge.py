"""A fit is weak that misses its own hidden budgets, or is asked beyond what they could check; else it says why not."""

import json

import numpy as np
import pandas as pd
import pytest

from flopscape.fitting.backtest.judge import judge_by_hidden_budgets
from flopscape.fitting.fit import fit
from flopscape.laws.surface import closed_form_optimum
from flopscape.records.backtest import OwnBacktest
from flopscape.records.fit_result import Estimate, FitResult, Prediction
from flopscape.runs.read import table_of
from flopscape.runs.table import RunTable
from tests.fitting.fit_tables import isoflop_frame
from tests.laws.examples import CHINCHILLA


def drifting(sigma: float = 0.0005) -> RunTable:
    """Eight budgets whose optimum grows ever more slowly: parabolas of ln N, about a path that no power law follows."""
    rng = np.random.default_rng(0)
    rows = []
    for i, flops in enumerate(np.geomspace(1e17, 1e21, 8)):
        best = closed_form_optimum(CHINCHILLA, flops)
        log_n = np.log(best.n_params) - 0.03 * i**2
        for x in np.linspace(-1.4, 1.4, 9):
            n = float(np.exp(log_n + x))
            rows.append((n, flops / 6 / n, flops, best.loss + 0.02 * x**2 + rng.normal(0, sigma)))
    return table_of(pd.DataFrame(rows, columns=["n_params", "n_tokens", "budget", "loss"]), "drifting")


def sound(**options: int) -> RunTable:
    return table_of(isoflop_frame(seed=0, **options), "sound")


@pytest.mark.parametrize("options", [{}, {"variant": "exact"}], ids=["parabola", "exact"])
def test_a_fit_that_misses_hidden_budgets_is_weak_and_says_which_and_by_how_much(options: dict[str, str]) -> None:
    result = fit(drifting(), "approach2", bootstrap=200, **options)[0]
    assert result.status == "weak"
    assert "it misses the hidden: without the largest" in result.reason
    assert "too high, where its interval allows" in result.reason
    kept = OwnBacktest.of(json.loads(json.dumps(result.diagnostics)))
    assert kept is not None
    farthest = max(kept.hidden, key=lambda miss: miss.extrapolation if miss.symbol == "N*" else 0.0)
    assert farthest.cut == "the largest 3 budgets"
    assert farthest.extrapolation == pytest.approx(10 ** (12 / 7), rel=1e-6)
    assert farthest.off > kept.limit * farthest.allowed > 0


@pytest.mark.parametrize("method", ["approach2", "vpnls", "approach3", "law"])
def test_a_sound_fit_of_what_its_runs_cover_is_ok(method: str) -> None:
    result = fit(sound(), method, flops=[1e21], bootstrap=200)[0]
    assert result.status == "ok"
    assert OwnBacktest.of(result.diagnostics).untested == ""


def test_beyond_its_runs_a_fit_is_ok_only_as_far_and_as_narrowly_as_hidden_budgets_check_it() -> None:
    far = fit(sound(), "vpnls", flops=[1e24], bootstrap=200)[0]
    near = fit(sound(), "vpnls", flops=[3e21], bootstrap=200)[0]
    assert (far.status, near.status) == ("weak", "weak")
    assert far.reason == "it is asked ×1e+03 beyond its runs, and tested on hidden budgets up to ×100"
    assert "beyond the runs, is given within" in near.reason


def test_a_fit_that_cannot_be_tested_says_so() -> None:
    three = fit(sound(budgets=3, sizes=9), "vpnls", flops=[1e20], bootstrap=200)[0]
    assert "not tested on hidden budgets: the runs have 3 budgets" in three.reason
    few = fit(sound(), "vpnls", flops=[1e24], bootstrap=50)[0]
    assert few.status == "ok"
    assert few.reason.endswith("not tested on hidden budgets: that takes 200 resamples")


def test_refused_fits_are_let_be() -> None:
    refused = FitResult("refused", "no runs", "vpnls", "surface", "")
    judge_by_hidden_budgets(refused, sound(), lambda table, flops: refused)
    assert (refused.reason, refused.diagnostics) == ("no runs", {})


def test_a_fit_that_was_weak_before_keeps_its_reason_before_what_it_misses() -> None:
    def wrong(table: RunTable, flops: list[float]) -> FitResult:
        said = [Prediction(c, Estimate(1e6, 0.9e6, 1.1e6), None, None, None) for c in flops]
        return FitResult("ok", "", "vpnls", "surface", "", predictions=said)

    result = FitResult("weak", "few runs", "vpnls", "surface", "")
    judge_by_hidden_budgets(result, sound(), wrong)  # type: ignore[arg-type]
    assert result.reason.startswith("few runs; it misses the hidden: without the largest")
