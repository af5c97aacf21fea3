"""Evidence in which no two numbers are alike, so that one in another's place shows."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from flopscape.plan.coverage import Coverage
from flopscape.records.fit_result import Estimate, Exclusion, FitResult, Prediction
from flopscape.report.evidence import Evidence
from flopscape.report.read import formulas_of
from flopscape.report.twin import Twin

ASKED = (2e13, 7e14)

# Budget, N, seed, status, D planned and seen, FLOPs, seconds, loss.
RUNS = [
    (1e12, 1000, 0, "completed", 1000, 1000, 1e12, 10, 3.01),
    (1e12, 1000, 1, "completed", 1000, 1000, 1e12, 10, 3.02),
    (1e12, 1000, 2, "completed", 1000, 1000, 1e12, 10, 3.03),
    (1e12, 1000, 3, "completed", 1000, 1000, 1e12, 10, 3.04),
    (1e12, 4000, 0, "completed", 1000, 1000, 1e12, 10, 2.91),
    (1e12, 4000, 1, "diverged", 1000, 400, 4e11, 10, np.nan),
    (1e12, 4000, 2, "diverged", 1000, 300, 3e11, 10, np.nan),
    (3e12, 2000, 0, "completed", 3000, 3000, 3e12, 50, 2.81),
    (3e12, 6000, 0, "completed", 3000, 3000, 3e12, 50, 2.61),
    (3e12, 6000, 5, "completed", 3000, 3000, 3e12, 50, 2.63),
    (3e12, 8000, 5, "completed", 3000, 3000, 3e12, 50, 2.71),
    (3e12, 8000, 0, "skipped", 3000, 0, 0, 0, np.nan),
    (np.nan, 500, 9, "completed", 2500, 2400, 2e12, 33, 3.21),
    (np.nan, 500, 8, "completed", 2500, 2400, 2e12, 33, 3.23),
]
COLUMNS = ("budget", "n_params", "seed", "status", "n_tokens_planned", "n_tokens", "flops", "seconds", "loss")


def runs() -> pd.DataFrame:
    """14 runs: 11 completed, 2 diverged, 1 skipped; 6 sizes, 7 seeds, 2 budgets."""
    table = pd.DataFrame(RUNS, columns=COLUMNS)
    reasons = {"diverged": "loss is not finite", "skipped": "too large for this machine", "completed": ""}
    return table.assign(
        run_id=[f"r{i:02}" for i in range(len(table))], reason=table.status.map(reasons), simulated=False,
        unit="token", cpu_hours=0.25, gpu_hours=0.6, usd=0.35, loss_se=[0.004] * 5 + [0.0055] * 5 + [0.006] * 4,
        n_heldout_units=4096, host="laptop", recipe=3, data_hash="ab" * 32, code_fingerprint="abcdef",
    )  # fmt: skip


def vpnls() -> FitResult:
    return FitResult(
        "weak", "its standard error is 0.12", "vpnls", "surface", "lsq",
        surface={
            "E": Estimate(1.11, 1.01, 1.21), "A": Estimate(222, 202, 242), "B": Estimate(3330, 3030, 3630),
            "alpha": Estimate(0.341, 0.321, 0.361), "beta": Estimate(0.287, 0.267, 0.307),
        },
        exponents={"a": Estimate(0.457, 0.417, 0.497), "b": Estimate(0.543, 0.503, 0.583)},
        predictions=[
            Prediction(
                2e13, Estimate(41500, 37100, 46200), Estimate(6.13e6, 5.61e6, 7.02e6), Estimate(2.345, 2.301, 2.389),
                Estimate(148, 121, 189), [3.3e4, 5.2e4],
            ),
            Prediction(
                7e14, Estimate(212e3, 171e3, 263e3), Estimate(1.84e7, 1.29e7, 2.73e7), Estimate(1.987, 1.902, 2.071),
                Estimate(87.1, 53.2, 131), [1.6e5, 2.9e5],
            ),
        ],
        diagnostics={
            "log_rmse": 0.0123, "residual_sd": 0.0345, "seed_sd": 0.0456, "predict_largest": {"rms": 0.0567},
            "kappa": {"log_n": [0.0], "log_kappa": [float(np.log(6))]},
        },
        excluded=[Exclusion(["r02", "r03", "r05"], "below the floor of C")],
        warnings=["only 11 runs"], interval="profile F", n_runs=9, input_hash="aaaaaaaaaaaabbbb",
        conventions={"n_params": "n_params", "n_tokens": "n_tokens", "flops": "flops_6nd"},
    )  # fmt: skip


def approach2() -> FitResult:
    return FitResult(
        "ok", "", "approach2", "power law", "parabola",
        exponents={"a": Estimate(0.612, 0.562, 0.662), "b": Estimate(0.391, 0.344, 0.438)},
        predictions=[
            Prediction(
                2e13, Estimate(55500, 50100, 61200), Estimate(4.44e6, 4.04e6, 4.89e6), Estimate(2.355, 2.311, 2.399),
                Estimate(80.1, 65.1, 97.1),
            ),
            Prediction(
                7e14, Estimate(315e3, 241e3, 412e3), Estimate(1.23e7, 9.99e6, 1.51e7), Estimate(1.968, 1.901, 2.035),
                Estimate(39.1, 24.1, 62.1),
            ),
        ],
        diagnostics={"residual_sd": 0.0234, "predict_largest": {"log_n_params": -float(np.log(1.5))}},
        warnings=["only 11 runs", "lies ×2 above the sampled sizes"], interval="Student's t", n_runs=8,
        conventions={"n_params": "n_params_body", "n_tokens": "n_tokens", "flops": "flops"},
    )  # fmt: skip


def kaplan() -> FitResult:
    return FitResult(
        "boundary", "N_c is at its bound", "law", "kaplan", "log_lsq",
        parameters={
            "alpha_N": Estimate(0.0761, 0.0711, 0.0811), "N_c": Estimate(8.8e13, 7.7e13, 9.9e13),
            "alpha_D": Estimate(0.0953, 0.0903, 0.1003), "D_c": Estimate(5.4e13, 4.3e13, 6.5e13),
        },
        diagnostics={"formula": "kaplan's formula"}, n_runs=7,
        conventions={"n_params": "n_params", "n_tokens": "n_tokens", "flops": "flops"},
    )  # fmt: skip


def sensitivity() -> pd.DataFrame:
    lines = [
        ("base", "as it is", 9, "weak", 0.457, 0.417, 0.497, 6.13e6, 0.0, 1.84e7, 0.0),
        ("objective", "huber", 10, "ok", 0.471, 0.431, 0.511, 5.05e6, -0.176, 1.66e7, -0.098),
        ("rows", "without one", 5, "refused", np.nan, np.nan, np.nan, np.nan, np.nan, np.nan, np.nan),
    ]
    at, other = (repr(flops) for flops in ASKED)
    names = ["what_changes", "setting", "n_runs", "status", "a", "a_low", "a_high", f"n_tokens@{at}"]
    names += [f"n_tokens_change@{at}", f"n_tokens@{other}", f"n_tokens_change@{other}"]
    return pd.DataFrame(lines, columns=names).assign(
        method="vpnls", objective=["lsq", "huber", "lsq"], reason="only 5 runs"
    )


def twin() -> Twin:
    row = {
        "method": "vpnls", "bias": 0.1, "bias_se": 0.01, "spread": 0.2, "rmse": 0.3, "coverage": 0.8, "intervals": 400,
        "ratio": 1.25, "ratio_se": 0.07, "failures": 0.015,
        "possible": {"rmse": 0.5, "rmse_se": 0.02, "coverage": 0.6, "intervals": 100},
    }  # fmt: skip
    sentences, notes = ["vpnls is to be trusted.", "The second."], ["A note."]
    verdict = {
        "status": "completed", "methods": [row], "simulations": 321, "source": "the fit vpnls", "flops": 2e13,
        "trusted": "vpnls", "reference": "vpnls", "sentences": sentences, "advice": "Take vpnls.", "notes": notes,
    }  # fmt: skip
    return Twin(verdict, Path("twin.svg"))


def forecast() -> dict[str, Any]:
    """What the plan expected: of fewer FLOPs and more runs than came, for less money and time."""
    return {
        "study": "mine", "runs": 15, "flops": 9.1e12, "device": "cpu", "device_hours": 1.3, "usd": 1.9,
        "wall_hours": {"1": 0.4, "8": 0.06, "64": 0.01}, "speed": "config", "prices": {},
        "assumed": {"noise": 0.0041, "level": 0.0043, "drift": 0.16, "shape": 0.21},
        "intervals": [
            {
                "flops": ASKED[0],
                "n_params": {"typical": 0.41, "low": 0.29, "high": 0.63},
                "loss": {"typical": 0.019, "low": 0.011, "high": 0.033},
            }
        ],
    }  # fmt: skip


def evidence() -> Evidence:
    manifest = {
        "data_hash": "ab" * 32, "unit": "token", "n_units": {"train": 500, "heldout": 77}, "split_rule": "by chapter",
        "source": "a book", "licence": "public domain",
    }  # fmt: skip
    refused = FitResult("refused", "no curves", "approach1", "power law", "hull", n_runs=6)
    fits = {"vpnls": vpnls(), "approach2": approach2(), "kaplan": kaplan(), "approach1": refused}
    return Evidence(
        "mine", "Mine", runs(), fits, "vpnls", formulas=formulas_of(fits), sensitivity=sensitivity(), manifest=manifest,
        coverage=Coverage("fair", ["2 budgets: plan at least 7"]), environment={"python": "3.13"},
        commands=["flopscape fit runs.csv"], forecast=forecast(),
    )  # fmt: skip
