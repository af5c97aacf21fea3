"""Studies to draw and report: runs on a known surface, with fits written by hand from that surface."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from flopscape.figures import draw
from flopscape.figures.tables import Tables, complete
from flopscape.laws.law import Compute
from flopscape.laws.surface import Surface, optimum
from flopscape.plugins.gpt import GPT
from flopscape.records.backtest import Forecast
from flopscape.records.fit_file import write_fit
from flopscape.records.fit_result import Estimate, Exclusion, FitResult, Prediction

TEXT = Surface(E=0.9, A=21.0, B=330.0, alpha=0.37, beta=0.49)
LARGE = Surface(E=1.69, A=406.4, B=410.7, alpha=0.34, beta=0.28)
WIDTHS = (8, 16, 24, 32, 48, 64, 96)
BUDGETS = (3e10, 1e11, 3e11, 1e12, 3e12)
NOISE = 0.012


def text_runs(
    budgets: Sequence[float] = BUDGETS, widths: Sequence[int] = WIDTHS, seeds: int = 3, simulated: bool = True
) -> pd.DataFrame:
    """An IsoFLOP sweep of small GPTs; the last run diverged."""
    counts = {width: GPT().counts({"width": width, "depth": 2}) for width in widths}
    rows = []
    for place, budget in enumerate(budgets):
        for width in widths[place // 2 :]:
            for seed in range(seeds if place < 3 else 1):
                n, per_unit = counts[width].n_params_body + counts[width].n_params_head, counts[width].flops_per_unit
                size = {"size": f'{{"depth":2,"width":{width}}}', "size_width": width, "size_depth": 2}
                rows.append(_row(len(rows), budget, n, budget / per_unit, per_unit, seed, TEXT) | size)
    runs = complete(pd.DataFrame(rows).assign(simulated=simulated))
    runs.loc[len(runs) - 1, ["status", "loss", "reason"]] = ["diverged", np.nan, "loss is not finite at step 812"]
    return runs


def large_runs() -> pd.DataFrame:
    """1e18 to 1e21 FLOPs, one seed, C = 6ND."""
    rows = []
    for budget in (1e18, 1e19, 1e20, 1e21):
        best = float(optimum(LARGE, budget, Compute.constant()).n_params)
        for n_params in best * np.geomspace(0.25, 4, 9):
            rows.append(_row(len(rows), budget, n_params, budget / 6 / n_params, 6 * n_params, 0, LARGE))
    return complete(pd.DataFrame(rows))


def grid_runs() -> pd.DataFrame:
    """Sizes × tokens, no budgets."""
    rows = [
        _row(k, np.nan, n, d, 6 * n, 0, TEXT)
        for k, (n, d) in enumerate((n, d) for n in np.geomspace(3e3, 2e5, 7) for d in (2e5, 6e5, 2e6, 6e6))
    ]
    return complete(pd.DataFrame(rows))


def many_runs(number: int = 10_000) -> pd.DataFrame:
    """A sweep that must still draw quickly."""
    return text_runs(widths=tuple(range(8, 8 + 16 * 100, 16)), seeds=number // 500)


def _row(k: int, budget: float, n: float, d: float, per_unit: float, seed: int, law: Surface) -> dict[str, Any]:
    noise = np.random.default_rng(k).normal() * NOISE
    loss = law.E + law.A * n**-law.alpha + law.B * d**-law.beta + noise
    return {
        "run_id": f"{k:012x}", "status": "completed", "reason": "", "simulated": True, "unit": "token",
        "budget": budget, "seed": seed, "n_params": n, "n_params_body": n * 0.8, "n_params_total": n * 1.2,
        "n_tokens": d, "n_tokens_planned": d, "flops": per_unit * d, "flops_counted": per_unit * d,
        "flops_6nd": 6 * n * d, "flops_per_unit": per_unit, "tokens_per_param": d / n, "loss": loss, "loss_se": 0.004,
        "n_heldout_units": 131072, "seconds": 12.5, "cpu_hours": 0.0035, "gpu_hours": 0.0, "usd": 0.0002,
        "recipe": 1, "data_hash": "ab" * 32, "code_fingerprint": "abcdef", "host": "laptop",
    }  # fmt: skip


def curves_of(runs: pd.DataFrame, law: Surface = TEXT, points: int = 40) -> pd.DataFrame:
    """Training curves on the surface, ending at each run's own loss."""
    parts = []
    for run in runs[runs.status == "completed"].itertuples():
        tokens = np.geomspace(run.n_tokens / 60, run.n_tokens, points)
        losses = law.E + law.A * run.n_params**-law.alpha + law.B * tokens**-law.beta
        losses += run.loss - losses[-1]
        flops = tokens * run.flops_per_unit
        heldout = np.where(np.arange(points) % 5 == 4, losses, np.nan)
        part = {"run_id": run.run_id, "step": np.arange(1, points + 1), "n_tokens": tokens, "flops": flops}
        parts.append(pd.DataFrame(part | {"train_loss": losses, "heldout_loss": heldout, "learning_rate": 0.01}))
    return pd.concat(parts, ignore_index=True)


def _near(value: float, spread: float) -> Estimate:
    return Estimate(float(value), float(value * np.exp(-spread)), float(value * np.exp(spread)))


def predictions(law: Surface, compute: Compute, budgets: Sequence[float], spread: float = 0.12) -> list[Prediction]:
    """Optima of the law with intervals that widen with compute."""
    found = []
    for place, flops in enumerate(budgets):
        best, wide = optimum(law, flops, compute), spread * (1 + place / 2)
        ratio = float(best.n_tokens / best.n_params)
        numbers = (_near(float(best.n_params), wide), _near(float(best.n_tokens), wide), _near(float(best.loss), 0.01))
        found.append(Prediction(flops, *numbers, _near(ratio, 2 * wide)))
    return found


def surface_fit(runs: pd.DataFrame, asked: Sequence[float], law: Surface = TEXT) -> FitResult:
    """A vpnls fit that found the truth."""
    done = runs[runs.status == "completed"]
    a = float(law.beta / (law.alpha + law.beta))
    return FitResult(
        status="ok", reason="", method="vpnls", law="surface", objective="lsq",
        surface={name: _near(float(value), 0.05) for name, value in law._asdict().items()},
        exponents={"a": Estimate(a, a - 0.06, a + 0.06), "b": Estimate(1 - a, 1 - a - 0.06, 1 - a + 0.06)},
        predictions=predictions(law, _compute(done), asked), interval="percentiles of 4,000 resamples of whole runs",
        conventions={"n_params": "n_params", "n_tokens": "n_tokens", "flops": "flops"}, n_runs=len(done),
        simulated=bool(runs.simulated.any()), input_hash="0123456789ab",
        diagnostics={"kappa": _compute(done).to_json(), "log_rmse": 0.004, "residual_sd": 0.013, "seed_sd": 0.012}
        | {"predict_largest": {"rms": 0.02}, "profile_grid": profile_grid()},
    )  # fmt: skip


def surface_draws(law: Surface = TEXT, number: int = 400, fit: FitResult | None = None) -> pd.DataFrame:
    """Draws around the truth, and around the predictions of a fit."""
    rng = np.random.default_rng(1)
    draws = {name: value * np.exp(rng.normal(0, 0.01, number)) for name, value in law._asdict().items()}
    return pd.DataFrame(draws | _draws_of_predictions(fit, rng, number))


def _draws_of_predictions(fit: FitResult | None, rng: np.random.Generator, number: int) -> dict[str, Any]:
    return {
        f"{name}@{p.flops!r}": getattr(p, name).estimate * np.exp(rng.normal(0, wide, number))
        for p in (fit.predictions if fit else [])
        for name, wide in (("n_params", 0.1), ("n_tokens", 0.1), ("loss", 0.005))
    }


def profile_grid(law: Surface = TEXT) -> dict[str, Any]:
    """A round bowl of F around the truth: radius 1 % of each exponent at F = 1."""
    ends = np.linspace(0.95, 1.05, 21)
    height = ((ends[:, None] - 1) ** 2 + (ends[None, :] - 1) ** 2) / 1e-4
    exponents = {"alpha": (law.alpha * ends).tolist(), "beta": (law.beta * ends).tolist()}
    return exponents | {"F": height.tolist(), "levels": {"50%": 0.7, "95%": 3.2}}


def sensitivity_table(asked: Sequence[float]) -> pd.DataFrame:
    """A base, a shift by objective, a weak and a refused fit."""
    lines = [
        ("base", "as it is", "ok", 0.57, 0.0), ("objective", "absolute deviations of the log loss", "ok", 0.59, -0.05),
        ("rows", "without the smallest budget", "weak", 0.5, 0.3), ("method", "parabolas", "refused", np.nan, np.nan),
    ]  # fmt: skip
    names = ("what_changes", "setting", "status", "a", "change")
    table = pd.DataFrame(lines, columns=names).assign(method="vpnls", objective="lsq", n_runs=70)
    table["reason"] = np.where(table.status == "ok", "", "only 2 budgets are left")
    table = table.assign(a_low=table.a - 0.06, a_high=table.a + 0.06)
    tokens = {f"n_tokens@{c!r}": 1e6 * (1 + table.change) for c in asked}
    return table.assign(**tokens, **{f"n_tokens_change@{c!r}": table.change for c in asked}).drop(columns="change")


def backtest_lines() -> list[Forecast]:
    """Two fits on two hidden budgets, of which one misses one; the second gives the losses of runs too."""

    def line(fit: str, cut: str, factor: float, n_params: float, holds: bool) -> Forecast:
        return Forecast(
            fit, fit, cut, 28, "ok", "", "optimum", 1e12 * factor, factor, true_n_params=2e5, se_log_n_params=0.08,
            n_params=n_params, n_params_low=n_params / 1.3, n_params_high=n_params * 1.3, n_params_holds=holds,
            true_loss=2.0, se_loss=0.004, loss=2.02, loss_low=1.98, loss_high=None, loss_holds=True, regret=0.003,
        )  # fmt: skip

    places = (("the largest budget", 3.0, 2.2e5, True), ("the largest 2 budgets", 10.0, 4e5, False))
    run = Forecast(
        "vpnls", "vpnls", "the largest budget", 28, "ok", "", "run", 3e12, 3.0, "run7", true_loss=2.1, loss=2.11,
        loss_low=2.08, loss_high=2.14, loss_holds=True, log_score=3.5,
    )  # fmt: skip
    return [line(fit, *place) for fit in ("approach2", "vpnls") for place in places] + [run]


def parabola_fit(runs: pd.DataFrame, asked: Sequence[float], law: Surface = TEXT) -> FitResult:
    """An approach2 fit: real parabolas through the runs; the smallest budget is excluded."""
    done = runs[runs.status == "completed"]
    optima = [_optimum(budget, group) for budget, group in done.groupby("budget")]
    optima[0] |= {"used": False, "reason": "the vertex lies below the smallest size"}
    fit = surface_fit(runs, asked, law)
    fit.method, fit.law, fit.objective, fit.surface, fit.optima = "approach2", "power law", "parabola", None, optima
    fit.diagnostics["power_law"] = _line(fit, law)
    fit.interval = "t intervals of the line through the vertices"
    fit.excluded = [
        Exclusion(
            list(done.run_id[done.budget == done.budget.min()]), "budget 3e+10: the vertex lies below the smallest size"
        )
    ]
    return fit


def _optimum(budget: float, runs: pd.DataFrame) -> dict[str, Any]:
    log_n = np.log(runs.n_params)
    centre = float(log_n.mean())
    c2, c1, c0 = (float(c) for c in np.polyfit(log_n - centre, runs.loss, 2))
    vertex = float(np.exp(centre - c1 / (2 * c2)))
    per_unit = float(np.exp(np.interp(np.log(vertex), log_n, np.log(runs.flops_per_unit))))
    return {
        "budget": float(budget), "n_params": vertex, "n_tokens": budget / per_unit, "loss": c0 - c1**2 / (4 * c2),
        "se_log_n_params": 0.07, "se_loss": 0.006, "curvature": 2 * c2, "center_log_n_params": centre,
        "c0": c0, "c1": c1, "c2": c2,
        "n_runs": len(runs), "used": True, "reason": "",
    }  # fmt: skip


def _line(fit: FitResult, law: Surface) -> dict[str, float]:
    """approach2's laws, through the prediction at the first asked budget."""
    assert fit.exponents
    first = fit.predictions[0]
    assert first.n_params
    assert first.loss
    return {
        "center_log_flops": float(np.log(first.flops)), "log_n_params": float(np.log(first.n_params.estimate)),
        "a": fit.exponents["a"].estimate, "loss_E": float(law.E), "loss_K": first.loss.estimate - float(law.E),
        "loss_gamma": float(law.alpha * law.beta / (law.alpha + law.beta)),
    }  # fmt: skip


def parabola_draws(fit: FitResult, number: int = 400) -> pd.DataFrame:
    """Draws around a line."""
    rng, law = np.random.default_rng(2), fit.diagnostics["power_law"]
    columns = {name: value * np.exp(rng.normal(0, 0.01, number)) for name, value in law.items()}
    return pd.DataFrame(columns | _draws_of_predictions(fit, rng, number))


def refused_fit(reason: str = "only 2 budgets are left, and a line needs 3") -> FitResult:
    """A fit that declined."""
    conventions = {"n_params": "n_params", "n_tokens": "n_tokens", "flops": "flops"}
    return FitResult("refused", reason, "approach2", "power law", "parabola", conventions=conventions)


def _compute(runs: pd.DataFrame) -> Compute:
    return Compute.from_runs(*(runs[name].to_numpy(float) for name in ("n_params", "n_tokens", "flops")))


def text_study(title: str = "KJV bytes, small GPTs", **options: Any) -> Tables:
    """The realistic sweep with both fits."""
    runs, asked = text_runs(**options), (1e12, 1e13, 1e14)
    fits = {"approach2": parabola_fit(runs, asked), "vpnls": surface_fit(runs, asked)}
    draws = {"approach2": parabola_draws(fits["approach2"]), "vpnls": surface_draws(fit=fits["vpnls"])}
    return Tables(runs, curves_of(runs), fits, draws, title, sensitivity_table(asked), backtest_lines())


def write_study(data: Tables, folder: Path) -> list[Path]:
    """Put a study's tables, fits and draws where the workflow would; returns the fits' paths."""
    (folder / "fits").mkdir(parents=True)
    data.runs.to_csv(folder / "runs.csv", index=False)
    data.curves.to_parquet(folder / "curves.parquet")
    if data.sensitivity is not None:
        data.sensitivity.to_csv(folder / "sensitivity.csv", index=False)
    if data.backtest is not None:
        pd.DataFrame([dataclasses.asdict(line) for line in data.backtest]).to_csv(folder / "backtest.csv", index=False)
    for name, draws in data.draws.items():
        draws.to_parquet(folder / f"fits/{name}.draws.parquet")
    for name, fit in data.fits.items():
        write_fit(fit, folder / f"fits/{name}.json")
    return [folder / f"fits/{name}.json" for name in data.fits]


def draw_study(data: Tables, folder: Path) -> dict[str, Path]:
    """Write a study and draw its figures from the files; returns the SVGs by name."""
    fits = write_study(data, folder)
    inputs = (folder / "runs.csv", folder / "curves.parquet", fits, data.title)
    made = (folder / "sensitivity.csv", folder / "backtest.csv")
    return {name: draw.run(name, *inputs, folder / f"figures/{name}.svg", *made)[0] for name in draw.FIGURES}
