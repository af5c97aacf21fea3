"""What is drawn is what the tables and fits hold."""

import dataclasses
import io
from types import ModuleType

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.path import Path as MplPath

from flopscape.answers.compare import EXPONENTS
from flopscape.figures import allocation, clouds, curves, draws, isoflop, loss, methods, paths, profile, residuals
from flopscape.figures import sensitivity as sensitivity_figure
from flopscape.figures.style import log_ticks, tick_count
from flopscape.figures.tables import Tables
from flopscape.figures.whiskers import limits
from flopscape.fitting.isoflop.curves import predicted
from flopscape.laws.law import Compute
from flopscape.laws.surface import optimum
from flopscape.records.fit_result import Estimate
from tests.figures import studies


def test_a_vertex_stands_at_its_budgets_optimum(text_study: Tables) -> None:
    stars = {line.get_gid(): line for line in isoflop.draw(text_study).axes[0].lines if line.get_gid()}
    used = [o for o in text_study.fits["approach2"].optima if o["used"]]
    assert sorted(stars) == sorted(f"vertex-{o['budget']:g}" for o in used)
    for optimum_ in used:
        x, y = stars[f"vertex-{optimum_['budget']:g}"].get_data()
        assert (x[0], y[0]) == (optimum_["n_params"], optimum_["loss"])


def test_a_parabola_is_lowest_at_its_vertex(text_study: Tables) -> None:
    one = text_study.fits["approach2"].optima[2]
    around = np.log(one["n_params"]) + np.array([-0.1, 0.0, 0.1])
    values = predicted(one, around, around)
    assert values[1] == pytest.approx(one["loss"])
    assert values[1] < min(values[0], values[2])


def test_the_curve_of_an_exact_shape_is_drawn_at_its_budgets_compute(text_study: Tables) -> None:
    fit = text_study.fits["approach2"]
    shape = {"shape": "exact", "center_log_n_params": 12.0, "center_log_n_tokens": 15.0, "E": 1.0, "P": 0.4, "R": 0.5}
    optima = [o | shape | {"alpha": 0.3, "beta": 0.4} for o in fit.optima if o["used"]]
    data = dataclasses.replace(text_study, fits={"exact": dataclasses.replace(fit, optima=optima)})
    curves = [line for line in isoflop.draw(data).axes[0].lines if len(np.atleast_1d(line.get_xdata())) == 120]
    compute = Compute.from_json(fit.diagnostics["kappa"])
    for line, one in zip(curves, optima, strict=True):
        log_n = np.log(line.get_xdata())
        expected = predicted(one, log_n, compute.tokens(log_n, one["budget"]))
        assert line.get_ydata() == pytest.approx(expected)
    left = residuals.residuals(data.fits["exact"], data.completed)
    runs = data.completed[left.notna()]
    nearest = [min(optima, key=lambda o: abs(np.log(o["budget"] / budget))) for budget in runs.budget]
    values = [predicted(o, *np.log([n, d])) for o, n, d in zip(nearest, runs.n_params, runs.n_tokens, strict=True)]
    assert left.dropna().to_numpy() == pytest.approx(runs.loss.to_numpy() - values)


def test_diverged_runs_and_excluded_budgets_are_in_the_legend(text_study: Tables) -> None:
    legend = isoflop.draw(text_study).axes[0].get_legend()
    labels = [text.get_text() for text in legend.get_texts()]
    assert "3×10¹⁰ (excluded)" in labels
    assert "diverged (no loss)" in labels


def test_budgets_differ_in_marker_and_in_colour(text_study: Tables) -> None:
    legend = isoflop.draw(text_study).axes[0].get_legend()
    handles = [handle for handle in legend.legend_handles if isinstance(handle, Line2D)][:5]
    assert len({handle.get_marker() for handle in handles}) == 5
    assert len({matplotlib.colors.to_hex(handle.get_color()) for handle in handles}) == 5


@pytest.mark.parametrize(
    ("figure", "panel", "quantity"), [(allocation, 0, "n_params"), (allocation, 1, "n_tokens"), (loss, 0, "loss")]
)
def test_asked_budgets_are_marked_at_their_predictions(figure, panel: int, quantity: str, text_study: Tables) -> None:  # type: ignore[no-untyped-def]
    axes = figure.draw(text_study).axes[panel]
    shown = {line.get_ydata()[0] for line in axes.lines if len(line.get_ydata()) == 1}
    for fit in text_study.fits.values():
        assert {getattr(p, quantity).estimate for p in fit.predictions} <= shown


@pytest.mark.parametrize(("low", "high"), [(None, 1e8), (1e6, None)])
def test_an_open_interval_of_an_asked_budget_runs_off_the_axis(
    low: float | None, high: float | None, text_study: Tables
) -> None:
    fit = text_study.fits["vpnls"]
    asked = dataclasses.replace(fit.predictions[0], n_params=Estimate(1e7, low, high))
    one_sided = dataclasses.replace(fit, predictions=[asked])
    figure = allocation.draw(dataclasses.replace(text_study, fits={"vpnls": one_sided}))
    figure.savefig(io.BytesIO(), format="svg")
    (line,) = [line for line in figure.axes[0].lines if line.get_marker() == "_"]
    bottom, top = figure.axes[0].get_ylim()
    ends = sorted(line.get_ydata())
    assert (ends[0] < bottom, ends[1] > top) == (low is None, high is None)
    assert {low, high} - {None} < set(ends)


@pytest.mark.parametrize("quantity", ["n_params", "n_tokens", "loss"])
def test_the_line_of_a_surface_is_its_optimum(quantity: str, text_study: Tables) -> None:
    fit = text_study.fits["vpnls"]
    line = paths.path(fit, text_study.draws["vpnls"], quantity, np.array([1e11, 1e12, 1e13]))
    assert line is not None
    best = optimum(studies.TEXT, 1e12, Compute.from_json(fit.diagnostics["kappa"]))
    assert line.centre[1] == pytest.approx(float(getattr(best, quantity)))
    assert line.low is not None
    assert line.high is not None
    assert line.low[1] < line.centre[1] < line.high[1]


@pytest.mark.parametrize("quantity", ["n_params", "n_tokens", "loss"])
def test_the_line_of_a_power_law_goes_through_its_prediction(quantity: str, text_study: Tables) -> None:
    fit = text_study.fits["approach2"]
    line = paths.path(fit, None, quantity, np.array([1e12, 1e13]))
    assert line is not None
    assert line.low is None
    assert line.centre[0] == pytest.approx(getattr(fit.predictions[0], quantity).estimate, rel=0.02)


def test_a_power_law_is_straight_on_log_axes(text_study: Tables) -> None:
    line = paths.path(text_study.fits["approach2"], None, "n_params", np.array([1e11, 1e12, 1e13]))
    assert line is not None
    slopes = np.diff(np.log10(line.centre))
    assert text_study.fits["approach2"].exponents is not None
    assert slopes == pytest.approx([text_study.fits["approach2"].exponents["a"].estimate] * 2)


def test_residuals_of_a_surface_are_the_noise(text_study: Tables) -> None:
    left = residuals.residuals(text_study.fits["vpnls"], text_study.completed)
    assert left.std() == pytest.approx(studies.NOISE, rel=0.3)


def test_residuals_of_parabolas_sum_to_zero_in_each_budget(text_study: Tables) -> None:
    left = residuals.residuals(text_study.fits["approach2"], text_study.completed)
    assert left.groupby(text_study.completed.budget).sum().to_numpy() == pytest.approx(0, abs=1e-9)


def test_the_seed_deviation_is_pooled_over_repeated_runs() -> None:
    runs = pd.DataFrame({"n_params": [1, 1, 2, 2, 3], "n_tokens": 9, "loss": [1.0, 1.2, 2.0, 2.4, 5.0]})
    assert residuals.seed_deviation(runs) == pytest.approx(np.sqrt((0.02 + 0.08) / 2))
    assert residuals.seed_deviation(runs.iloc[[0, 2, 4]]) is None


def test_the_envelope_falls_with_each_lower_point_and_never_rises_where_the_best_run_ends() -> None:
    long = pd.DataFrame({"run_id": "long", "flops": [1.0, 4, 16, 64, 128], "train_loss": [3.0, 2.8, 2.6, 1.9, 2.1]})
    best = pd.DataFrame({"run_id": "best", "flops": [2.0, 8], "train_loss": [2.9, 2.0]})
    flops, lowest = curves.envelope(pd.concat([long, best]))
    assert flops.tolist() == [1, 2, 4, 8, 64, 128]
    assert lowest.tolist() == [3.0, 2.9, 2.8, 2.0, 1.9, 1.9]


def test_a_diverged_runs_curve_is_not_drawn(text_study: Tables) -> None:
    lost = text_study.curves[text_study.curves.run_id == "000000000000"]
    runs = text_study.runs.copy()
    runs.loc[runs.run_id == "000000000000", "status"] = "diverged"
    figure = curves.draw(dataclasses.replace(text_study, runs=runs, curves=lost))
    assert "no training curves" in figure.axes[0].texts[0].get_text()


def imported(study: Tables) -> Tables:
    """The same runs as somebody else's table would have them."""
    runs = study.runs.drop(columns="n_params_body").assign(loss_unit="bits")
    return dataclasses.replace(study, runs=runs, curves=study.curves.assign(train_loss=np.nan))


@pytest.mark.parametrize("module", [isoflop, loss, curves, residuals, allocation])
def test_other_peoples_runs_are_not_given_our_conventions(module: ModuleType, text_study: Tables) -> None:
    figure = module.draw(imported(text_study))
    text = " ".join(label for axes in figure.axes for label in (axes.get_xlabel(), axes.get_ylabel()))
    assert "body" not in text
    assert "nats" not in text
    assert module is allocation or "bits" in text


def test_curves_without_a_training_loss_show_the_heldout_one(text_study: Tables) -> None:
    figure = curves.draw(imported(text_study))
    assert figure.axes[0].get_ylabel() == "held-out loss, bits"
    heldout = text_study.curves.heldout_loss.dropna()
    drawn = np.concatenate([path.vertices[:, 1] for path in figure.axes[0].collections[0].get_paths()])
    assert drawn.min() == pytest.approx(heldout.min())


@pytest.mark.parametrize(
    ("low", "high"), [(2.5e3, 2e5), (1e10, 1e25), (1.1, 1.9), (3e10, 1e12), (0.9, 1.1), (1e3, 1e60)]
)
def test_ticks_are_few_and_inside_at_any_range(low: float, high: float) -> None:
    ticks = log_ticks(low, high)
    assert len(ticks) <= 7
    assert all(low <= tick <= high for tick in ticks)


def lines_of(figure: Figure) -> dict[str, Line2D]:
    """Lines that have a name of their own."""
    return {line.get_gid(): line for line in figure.findobj(Line2D) if line.get_gid()}


def test_a_line_of_the_methods_holds_the_fits_exponents_and_tokens(text_study: Tables) -> None:
    marks = lines_of(methods.draw(text_study))
    for row, fit in enumerate(text_study.fits.values()):
        assert fit.exponents
        expected = [fit.exponents["a"], fit.exponents["b"], *(p.n_tokens for p in fit.predictions)]
        assert [marks[f"estimate-{panel}-{row}"].get_xdata()[0] for panel in range(5)] == [
            n.estimate for n in expected if n
        ]


def test_published_exponents_stand_below_the_fits_without_intervals(text_study: Tables) -> None:
    panel = methods.draw(text_study).axes[0]
    labels = [text.get_text() for text in panel.get_yticklabels()]
    assert labels == [*text_study.fits, *(known.name for known in EXPONENTS)]
    whiskers = [line for line in panel.lines if line.get_marker() == "|"]
    assert len(whiskers) == len(text_study.fits)


def test_a_fit_that_is_not_ok_is_hollow(text_study: Tables) -> None:
    weak = dataclasses.replace(text_study.fits["vpnls"], status="weak")
    marks = lines_of(methods.draw(dataclasses.replace(text_study, fits=text_study.fits | {"vpnls": weak})))
    assert marks["estimate-0-1"].get_markerfacecolor() == "white"
    assert marks["estimate-0-0"].get_markerfacecolor() != "white"


def test_draws_are_drawn_at_their_numbers_on_a_panel_a_budget(text_study: Tables) -> None:
    panels = draws.draw(text_study).axes[:3]
    for axes, prediction in zip(panels, text_study.fits["vpnls"].predictions, strict=True):
        shown = axes.collections[1].get_offsets()
        table = text_study.draws["vpnls"]
        expected = table[[f"n_params@{prediction.flops!r}", f"loss@{prediction.flops!r}"]]
        assert np.asarray(shown) == pytest.approx(expected.to_numpy())


def test_the_upper_axis_of_the_draws_is_the_data_that_the_budget_leaves(text_study: Tables) -> None:
    figure = draws.draw(text_study)
    figure.draw_without_rendering()
    upper, flops = figure.axes[3], text_study.fits["vpnls"].predictions[0].flops
    n_params, label = upper.get_xticks()[0], upper.get_xticklabels()[0].get_text()
    compute = Compute.from_json(text_study.fits["vpnls"].diagnostics["kappa"])
    assert tick_count(float(np.exp(compute.tokens(np.log(n_params), flops)))) == label


def test_an_ellipse_holds_95_per_cent_of_normal_draws() -> None:
    rng = np.random.default_rng(4)
    x = rng.normal(size=20000)
    y = 0.6 * x + 0.8 * rng.normal(size=20000)
    around = MplPath(clouds.ellipse(x, y).T)
    assert around.contains_points(np.stack([x, y], axis=1)).mean() == pytest.approx(0.95, abs=0.02)


def test_the_regions_of_a_profile_are_its_levels(text_study: Tables) -> None:
    axes = profile.draw(text_study).axes[0]
    edges = [path.vertices for part in axes.collections[1:] for path in part.get_paths() if len(path.vertices)]
    outer = edges[-1] / np.array([studies.TEXT.alpha, studies.TEXT.beta]) - 1
    assert np.hypot(*outer.T) == pytest.approx(np.sqrt(3.2e-4), rel=0.02)


def test_the_dotted_line_of_a_profile_keeps_a(text_study: Tables) -> None:
    marks = lines_of(profile.draw(text_study))
    alpha, beta = (number[0] for number in marks["best-vpnls"].get_data())
    assert (alpha, beta) == (studies.TEXT.alpha, studies.TEXT.beta)
    assert marks["constant-vpnls"].get_slope() == pytest.approx(beta / alpha)


def test_the_sensitivity_figure_has_a_line_a_setting_and_names_the_refused(text_study: Tables) -> None:
    table = text_study.sensitivity
    assert table is not None
    figure = sensitivity_figure.draw(text_study)
    marks = lines_of(figure)
    used = table[table.status != "refused"]
    assert [marks[f"estimate-0-{row}"].get_xdata()[0] for row in range(len(used))] == used.a.tolist()
    assert [marks[f"estimate-1-{row}"].get_xdata()[0] for row in range(len(used))] == pytest.approx([0, -5, 30])
    assert marks["estimate-0-2"].get_markerfacecolor() == "white"
    assert "Refused: parabolas." in " ".join(text.get_text() for text in figure.texts)


def test_a_runaway_interval_does_not_flatten_the_estimates() -> None:
    low, high = limits([Estimate(0.5, 0.4, 0.6), Estimate(0.52, 0.42, 0.62), Estimate(0.5, -900.0, 900.0)], False)
    assert -1 < low < 0.4
    assert 0.6 < high < 2


@pytest.mark.parametrize("quantity", ["n_params", "n_tokens"])
def test_laws_are_not_drawn_below_the_smallest_budget(quantity: str, text_study: Tables) -> None:
    panel = allocation.draw(text_study).axes[["n_params", "n_tokens"].index(quantity)]
    laws = [line for line in panel.lines if len(line.get_xdata()) > 100]
    assert len(laws) == len(text_study.fits)
    assert min(line.get_xdata()[0] for line in laws) == pytest.approx(min(studies.BUDGETS))
