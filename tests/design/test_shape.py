"""The best shape of a model at a compute: against brute force with the true law, from a plug-in and from a table."""

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from flopscape.answers.predict import read_with_draws
from flopscape.answers.shapes import best_shapes
from flopscape.answers.table_shapes import shapes_of_table
from flopscape.config.yaml12 import dump_yaml
from flopscape.design.shape import run, shapes_of_study
from flopscape.errors import FlopscapeError
from flopscape.fitting.fit import fit
from flopscape.fitting.fit import run as fit_file
from flopscape.plan.studies import plan_study
from flopscape.plugins.gpt import GPT
from flopscape.runs.read import read_runs
from tests.design.finished_study import config
from tests.fitting.fit_tables import as_table

WIDTHS, DEPTHS = (16, 32, 64, 128, 256), (2, 4, 8, 12)
LAW = {"terms": ["depth", "width", "n_tokens"]}
RESULTS = Path("results")


def true_loss(depth, width, n_tokens):
    return 1.2 + 0.7 * depth**-0.8 + 6 * width**-0.6 + 60 * n_tokens**-0.4


def study(**changes):
    sizes = [{"width": width, "depth": depth} for width, depth in product(WIDTHS, DEPTHS)]
    return config(sweep={"isoflop": {"budgets": [1e12, 1e13, 1e14], "sizes": sizes}}, **changes)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of depths and widths with its table, whose losses are those of the law and 0.1 % of noise, and a fit."""
    folder = tmp_path_factory.mktemp("shapes")
    (folder / "deep.yaml").write_text(dump_yaml(study()))
    rows = plan_study("deep", folder / "deep.yaml", folder / "results").rows
    names = ("run_id", "n_params", "n_tokens", "flops", "budget", "seed")
    frame = pd.DataFrame([{name: getattr(row, name) for name in names} for row in rows])
    frame = frame.assign(
        **{f"size_{key}": [row.size[key] for row in rows] for key in ("width", "depth")},
        n_params_total=[row.n_params + row.n_params_embedding for row in rows],
    )
    noise = np.exp(np.random.default_rng(0).normal(0, 0.001, len(frame)))
    frame["loss"] = true_loss(frame["size_depth"], frame["size_width"], frame["n_tokens"]) * noise
    frame.to_csv(folder / "runs.csv", index=False)
    fit_file(folder / "runs.csv", folder / "fit.json", "law", law=LAW, bootstrap=200)
    return folder


def test_a_law_of_depth_width_and_tokens_points_at_its_shapes(finished):
    result, _ = fit(read_runs(finished / "runs.csv"), "law", law=LAW, flops=[1e13], bootstrap=0)
    assert result.predictions[0].n_params is None
    assert not any("is given no value" in text for text in result.warnings)
    assert result.warnings[-1].endswith(
        "says nothing at a given compute; ask flopscape shape for the best of a model's shapes there"
    )


def lowest(flops: float) -> tuple[int, int, float]:
    """Depth, width and loss of the best GPT, one after the other."""
    best = (0, 0, np.inf)
    for depth, width in product(range(2, 13, 2), range(16, 257, 16)):
        tokens = flops / GPT().counts({"width": width, "depth": depth}).flops_per_unit
        if (loss := true_loss(depth, width, tokens)) < best[2]:
            best = (depth, width, loss)
    return best


@pytest.mark.parametrize("flops", [3e12, 1e13])
def test_the_models_own_counts_decide_between_depth_width_and_tokens(finished, flops):
    result, draws = read_with_draws(finished / "fit.json")
    shapes = shapes_of_study(result, plan_study("deep", finished / "deep.yaml", RESULTS), {})
    [best] = best_shapes(result, draws, shapes, [flops])
    depth, width, loss = lowest(flops)
    assert best.parts["depth"].low <= depth <= best.parts["depth"].high
    assert best.parts["width"].low <= width <= best.parts["width"].high
    assert abs(best.parts["depth"].estimate - depth) <= 2
    assert best.loss.low < loss < best.loss.high
    size = {name: int(part.estimate) for name, part in best.parts.items()}
    counts = GPT().counts(size)
    assert best.n_params.estimate == counts.n_params_body + counts.n_params_head
    assert best.n_tokens.estimate == flops / counts.flops_per_unit
    assert best.said == []


def test_a_table_tells_nearly_the_same_without_the_model(finished):
    result, draws = read_with_draws(finished / "fit.json")
    planned = plan_study("deep", finished / "deep.yaml", RESULTS)
    shapes = shapes_of_table(read_runs(finished / "runs.csv"), ("depth", "width"))
    [mine] = best_shapes(result, draws, shapes, [1e13])
    [counted] = best_shapes(result, draws, shapes_of_study(result, planned, {}), [1e13])
    assert shapes.how.startswith("N and C/D of the runs as functions of depth and width, off by 0.0% at")
    assert mine.loss.estimate == pytest.approx(counted.loss.estimate, abs=5e-4)
    depth, width = (mine.parts[name].estimate for name in ("depth", "width"))
    assert mine.n_params.estimate == pytest.approx(12 * depth * width**2 + 128 * width, rel=1e-9)


def test_an_optimum_at_the_edge_and_values_beyond_the_runs_are_said(finished):
    said = run(finished / "fit.json", finished / "deep.yaml", [1e17], {}, RESULTS)
    assert "width = 256, best at 10¹⁷ FLOPs, is the largest that was run: the optimum is at the edge, and may" in said
    assert "a factor 1,000 beyond the largest budget that was run" in said
    deeper = run(finished / "fit.json", finished / "deep.yaml", [1e13], {"depth": "2:40", "width": "256,512"}, RESULTS)
    assert "width = 256, best at 10¹³ FLOPs, is" not in deeper
    wider = run(finished / "fit.json", finished / "deep.yaml", [1e17], {"width": "16:1024:16"}, RESULTS)
    assert "lies beyond the runs, 16 to 256" in wider
    one = run(finished / "fit.json", finished / "deep.yaml", [1e13], {"depth": "4"}, RESULTS)
    assert "depth is 4 in every shape, so that nothing is said of another" in one


def test_n_and_c_are_counted_as_the_fit_has_them(finished):
    table = read_runs(finished / "runs.csv", {"n_params": "n_params_total"})
    result, _ = fit(table, "law", law=LAW, bootstrap=100)
    shapes = shapes_of_study(result, plan_study("deep", finished / "deep.yaml", RESULTS), {"depth": "4", "width": "64"})
    counts = GPT().counts({"width": 64, "depth": 4})
    assert shapes.n_params == [counts.n_params_body + counts.n_params_head + counts.n_params_embedding]
    assert shapes.flops_per_token == [counts.flops_per_unit]
    result.conventions["flops"] = "gpu_flops"
    with pytest.raises(FlopscapeError, match="the fit's flops is the column gpu_flops, which a model plug-in does not"):
        shapes_of_study(result, plan_study("deep", finished / "deep.yaml", RESULTS), {})


def test_what_does_not_decide_n_is_chosen_beside_it(tmp_path):
    """Experts that cost: C = 6·N·D·(1 + experts/32), so that neither the fewest nor the most are best."""
    law = {"terms": ["n_params", "n_tokens", "experts"]}
    rows = list(product(np.geomspace(1e7, 1e10, 7), np.geomspace(1e9, 1e12, 4), (1.0, 4.0, 16.0, 64.0)))
    n, d, e = np.array(rows).T

    def loss(n, d, e):
        return 1.7 + 400 * n**-0.34 + 410 * d**-0.28 + 0.4 * e**-0.5

    frame = pd.DataFrame({"n_params": n, "n_tokens": d, "experts": e, "flops": 6 * n * d * (1 + e / 32)})
    table = as_table(frame.assign(loss=loss(n, d, e), run_id=[f"run{i}" for i in range(len(n))]), tmp_path)
    result, draws = fit(table, "law", law=law, bootstrap=0)
    [best] = best_shapes(result, draws, shapes_of_table(table, ("experts",)), [1e21])
    sizes, experts = np.meshgrid(np.geomspace(1e7, 1e10, 600), np.arange(1.0, 65))
    losses = loss(sizes, 1e21 / 6 / sizes / (1 + experts / 32), experts)
    at = np.unravel_index(losses.argmin(), losses.shape)
    assert best.parts["experts"].estimate == pytest.approx(experts[at], abs=1)
    assert best.loss.estimate == pytest.approx(losses[at], abs=2e-4)
    assert best.n_params.estimate == pytest.approx(sizes[at], rel=0.1)
    assert best.loss.low is None


@pytest.mark.parametrize(
    ("among", "sentence"),
    [
        ({"dept": "2"}, "--among: 'dept' is no part of a size; did you mean depth"),
        ({"depth": "two"}, "--among depth=two: write whole numbers"),
        ({"depth": "4:2"}, "--among depth=4:2: names no number above zero"),
        ({"width": "1:4000", "depth": "1:40"}, "160,000 sizes are too many to count"),
        ({"width": "17"}, "model flopscape.plugins.gpt:GPT: size .* rotary positions need an even one"),
    ],
)
def test_parts_that_make_no_sense_are_said(finished, among, sentence):
    with pytest.raises(FlopscapeError, match=sentence):
        run(finished / "fit.json", finished / "deep.yaml", [1e13], among, RESULTS)


def test_a_fit_without_a_loss_of_runs_and_a_law_that_no_shape_decides_are_refused(finished, tmp_path):
    fit_file(finished / "runs.csv", tmp_path / "mix.json", "law", law="power-c-floor", bootstrap=100)
    with pytest.raises(FlopscapeError, match="depends on nothing that the shape of a model decides"):
        run(tmp_path / "mix.json", finished / "deep.yaml", [1e13], {}, RESULTS)
    fit_file(finished / "runs.csv", tmp_path / "surface.json", "vpnls", bootstrap=100)
    said = run(tmp_path / "surface.json", finished / "runs.csv", [1e13], {}, RESULTS)
    assert "those that were run, for N and C/D of others do not follow from n_params to 2%" in said
    assert "warning: the law knows nothing of a shape but N" in said
    with pytest.raises(FlopscapeError, match="--among is for a study that trains"):
        run(finished / "fit.json", finished / "runs.csv", [1e13], {"depth": "2"}, RESULTS)
