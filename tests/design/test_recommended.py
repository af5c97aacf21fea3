"""From a finished study to runs: sizes of its family, whole batches, what the fit says of them, and other trainers."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

from flopscape.answers.predict import predict, read_with_draws
from flopscape.config.machine import Prices
from flopscape.config.read import load_study
from flopscape.config.study import Study
from flopscape.config.yaml12 import dump_yaml, load_yaml
from flopscape.design import exports
from flopscape.design.recommended import Recommendation, recommended_runs
from flopscape.errors import FlopscapeError
from flopscape.plan.rows import plan_rows
from tests.design.finished_study import config, finish

FLOPS = 1e14


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return finish(tmp_path_factory.mktemp("rung"), config())


@pytest.fixture(scope="module")
def found(path: Path) -> Recommendation:
    return recommended_runs(path, FLOPS, path.parent / "results", Prices())


def test_the_optimum_is_the_size_of_the_family_nearest_to_the_fits_own(found, path):
    result, draws = read_with_draws(path.parent / "results/study/fits/answer.json")
    (at,) = predict(result, draws, [FLOPS])
    width = found.runs[0].row.size["width"]
    # 24·width² + 128·width, by hand, for two layers and a vocabulary of 128; widths of the sweep are multiples of 8.
    by_hand = {w: abs(math.log((24 * w**2 + 128 * w) / at.n_params.estimate)) for w in range(8, 4000, 8)}
    assert width == min(by_hand, key=by_hand.get)
    assert found.runs[0].row.n_params == 24 * width**2 + 128 * width


def test_the_ends_of_the_band_stand_beside_it_in_order(found):
    sizes = {run.what.partition(",")[0]: run.row.n_params for run in found.runs}
    assert sizes["smaller"] < sizes["optimum"] < sizes["larger"]


def test_every_run_costs_what_was_asked_to_half_a_batch(found):
    for run in found.runs:
        batch = run.row.n_tokens // run.row.n_steps
        assert abs(run.row.flops - FLOPS) <= run.row.flops_per_unit * (batch / 2 + 1)


def test_the_loss_is_what_the_fit_says_of_that_very_run(found, path):
    result, draws = read_with_draws(path.parent / "results/study/fits/answer.json")
    run = found.runs[1]
    (at,) = predict(result, draws, [run.row.flops], n_params=run.row.n_params)
    assert run.loss == at.loss
    assert run.loss.low < run.loss.estimate < run.loss.high


def test_with_serving_the_model_is_smaller_and_learns_from_more(found, path):
    served = recommended_runs(path, FLOPS, path.parent / "results", Prices(), tokens_served=1e8)
    assert [run.what for run in served.runs] == ["cheapest with serving"]
    assert served.runs[0].row.n_params < found.runs[0].row.n_params
    assert "served" in exports.table(served)


def test_rows_are_planned_as_they_were_recommended(found, path):
    study = load_yaml(path)
    listed = exports.rows(found)
    study["sweep"]["rows"] = exports._sweep(found)["rows"]
    planned = {row.run_id for row in plan_rows(Study.model_validate(study))}
    assert {run.row.run_id for run in found.runs} <= planned
    assert listed.startswith("rows:\n- size:\n    width:")


def test_a_study_of_the_runs_plans_them_with_the_same_ids(found, path, tmp_path):
    other = tmp_path / "other.yaml"
    other.write_text(exports.study(found, path))
    assert [row.run_id for row in plan_rows(load_study(other))] == [run.row.run_id for run in found.runs]


def test_a_config_for_transformers_has_the_recommended_parameters(found):
    made = exports.huggingface(found)
    width, layers, hidden = made["hidden_size"], made["num_hidden_layers"], made["intermediate_size"]
    assert made["num_attention_heads"] * made["head_dim"] == width
    # Nemotron's layer: four projections of attention, and two matrices of the MLP without a gate.
    body = layers * (4 * width**2 + 2 * width * hidden)
    assert body + made["vocab_size"] * width == found.runs[0].row.n_params
    json.dumps(made)


def test_nanochat_gets_the_depth_whose_parameters_are_nearest(found):
    made = exports.nanochat(found)
    assert made["target_param_data_ratio"] * made["n_params"] == pytest.approx(found.runs[0].row.n_tokens, rel=1e-2)
    # Depth 20 is 1,280 wide: 12·20·1280² = 393,216,000 in its layers.
    assert exports._nanochat_size(20, 0) == 393_216_000


def test_a_model_that_others_do_not_know_is_refused_by_name(path, tmp_path):
    sizes = [{"n_params": n} for n in (10_000, 30_000, 100_000, 300_000, 1_000_000)]
    sweep = {"isoflop": {"budgets": [1e11, 1e12, 1e13], "sizes": sizes}, "family": {"sizes": sizes}}
    other = finish(tmp_path, config(model={"plugin": "flopscape.plugins.parameters:Parameters"}, sweep=sweep))
    found = recommended_runs(other, 1e13, tmp_path / "results", Prices())
    assert json.loads(exports.written(found, other, "json"))[0]["n_params"] in (10_000, 30_000, 100_000, 300_000)
    with pytest.raises(FlopscapeError, match=r"--as nanochat: only of the shipped GPT .*parameters:Parameters"):
        exports.written(found, other, "nanochat")


def test_without_a_fit_the_command_that_makes_it_is_named(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text(dump_yaml(config()))
    with pytest.raises(FlopscapeError, match=r"answer\.json: no such fit yet; run `snakemake --config studies=study`"):
        recommended_runs(path, FLOPS, tmp_path / "results", Prices())


def test_the_verb_writes_the_rows(path, tmp_path):
    out = tmp_path / "rows.yaml"
    command = [sys.executable, "-m", "flopscape", "rung", str(path), "--flops", "1e14", "--as", "rows"]
    command += ["--results", str(path.parent / "results"), "--out", str(out)]
    subprocess.run(command, check=True, cwd=tmp_path)
    assert len(load_yaml(out)["rows"]) == 3


def test_compute_too_far_from_the_runs_is_refused_as_it_is_for_the_next_runs(path):
    """The costliest run has 10¹³ FLOPs to half a batch, and 10⁸ times as much is believed."""
    with pytest.raises(FlopscapeError, match=r"--flops 1e\+30: must be positive, .* ask for 10²¹ FLOPs at most"):
        recommended_runs(path, 1e30, path.parent / "results", Prices())


def test_more_to_serve_than_the_compute_pays_for_is_refused_with_what_it_takes(path):
    """24·16² + 128·16 = 8,192 parameters and some attention: the forward pass of a token takes some 20,000 FLOPs."""
    words = r"--inference-tokens 1e\+30: to serve them with {'width': 16, 'depth': 2}, .* takes 2\.46×10³⁴ FLOPs"
    with pytest.raises(FlopscapeError, match=words):
        recommended_runs(path, 1e14, path.parent / "results", Prices(), tokens_served=1e30)


def of_family(path: Path, family: dict[str, object], flops: float) -> Recommendation:
    """The runs of the same study and fit whose models may have other sizes."""
    planned = load_yaml(path)
    planned["sweep"]["family"] = family
    other = path.with_name("other") / "study.yaml"
    other.parent.mkdir(exist_ok=True)
    other.write_text(dump_yaml(planned))
    return recommended_runs(other, flops, path.parent / "results", Prices())


def test_sizes_that_are_one_of_the_family_are_listed_once_and_said_to_be(path):
    """N* is 0.93 M; widths of 64, 128, 192, 256 have 0.11, 0.41, 0.91, 1.61 M parameters, 24·width² + 128·width."""
    found = of_family(path, {"width_multiple": 64, "depth": 2}, FLOPS)
    [run] = found.runs
    assert list(run.also) == ["smaller, 1 % of compute", "larger, 1 % of compute"]
    said = exports.table(found)
    assert "smaller, 1 % of compute: 800 k parameters are meant, and the nearest size of the family is that of" in said
    [made] = json.loads(exports.written(found, path, "json"))
    assert made["also"] == pytest.approx({"smaller, 1 % of compute": 8.0e5, "larger, 1 % of compute": 1.08e6}, rel=0.02)
    assert made["left_out"] == []


@pytest.mark.parametrize(("end", "has"), [({"max_width": 96}, "largest"), ({"min_width": 320}, "smallest")])
def test_an_optimum_beyond_the_family_is_refused_with_the_size_that_it_ends_at(path, end, has):
    with pytest.raises(FlopscapeError, match=rf"--flops 1e\+14: optimum: .* and the {has} size of the family has"):
        of_family(path, {"width_multiple": 16, "depth": 2} | end, FLOPS)


def test_an_end_of_the_band_beyond_the_family_is_left_out_with_a_sentence(path):
    """The band reaches from 0.80 M to 1.08 M, and widths in steps of 8 end at 192: 0.91 M."""
    found = of_family(path, {"width_multiple": 8, "depth": 2, "max_width": 192}, FLOPS)
    assert [run.what for run in found.runs] == ["optimum", "smaller, 1 % of compute"]
    words = "larger, 1 % of compute: 1.08 M parameters are meant, and the largest size of the family has 909 k"
    assert found.left_out == [words]
    assert f"warning: {words}: it is left out" in exports.table(found)
    assert json.loads(exports.written(found, path, "json"))[0]["left_out"] == [words]


def test_compute_below_one_batch_is_refused(path):
    with pytest.raises(FlopscapeError, match=r"less than one"):
        recommended_runs(path, 1e3, path.parent / "results", Prices())
