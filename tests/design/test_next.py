"""`flopscape next` on tables and studies: what it prints, writes and refuses."""

import shutil

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from flopscape.cli.app import app
from flopscape.config.yaml12 import load_yaml
from flopscape.design.candidates import KINDS, LARGER, SEED
from flopscape.design.next_runs import Spend, next_runs
from flopscape.design.next_words import sentences, text
from flopscape.errors import FlopscapeError
from flopscape.laws.surface import loss
from flopscape.plan.coverage import LEAST_NARROWED
from flopscape.plan.studies import plan_study
from flopscape.runs.read import read_runs, table_of
from tests.conftest import ROOT
from tests.fitting.fit_tables import isoflop_frame
from tests.laws.examples import CHINCHILLA

STUDY = "config/studies/small.yaml"
ASK = ["--target", "1e13", "--spend", "1e12"]


def invoke(*words):
    return CliRunner().invoke(app, ["next", *map(str, words)])


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "runs.csv"
    isoflop_frame(sigma=0.01).to_csv(path, index=False)
    return path


@pytest.fixture
def study(tmp_path, monkeypatch):
    """A finished study of small GPTs, whose losses follow a surface; its last run has none yet."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config/studies").mkdir(parents=True)
    shutil.copy(ROOT / "config/studies/quick.yaml", STUDY)
    rows = plan_study("small", tmp_path / STUDY).rows
    names = ("run_id", "n_params", "n_tokens", "flops", "budget", "seed")
    frame = pd.DataFrame([{name: getattr(row, name) for name in names} for row in rows[:-1]])
    true = loss(CHINCHILLA, frame["n_params"].to_numpy(), frame["n_tokens"].to_numpy())
    (tmp_path / "results/small").mkdir(parents=True)
    frame.assign(loss=true + np.random.default_rng(0).normal(0, 0.01, len(frame))).to_csv(
        tmp_path / "results/small/runs.csv", index=False
    )
    return tmp_path


def test_a_table_gets_a_ranked_list_within_the_money_and_a_csv(table, tmp_path):
    done = invoke(table, "--target", "1e22", "--target", "1e23", "--spend", "5e21", "--out", tmp_path / "next.csv")
    assert done.exit_code == 0
    assert "expected with these runs" in done.stdout
    assert done.stdout.count("% narrower") == 12
    written = pd.read_csv(tmp_path / "next.csv")
    assert written["flops"].sum() <= 5e21
    assert set(written["kind"]) <= set(KINDS)
    narrower = written.filter(like="narrower_")
    assert narrower.shape[1] == 16
    assert (narrower.to_numpy() > -1e-9).all()


def test_what_the_runs_narrow_one_after_the_other_adds_up_to_the_whole(table):
    found = next_runs(read_runs(table), [1e23], Spend.read("1e22"))
    written = found.frame()
    for belief in ("all", "law"):
        for j, name in enumerate(("n_params", "loss")):
            total = written[f"narrower_{name}_1e+23_{belief}"].sum()
            assert total == pytest.approx(found.narrower(belief)[0, j])


def test_candidates_lie_within_a_factor_four_of_the_path_and_below_the_target_and_seeds_are_among_them(table):
    found = next_runs(read_runs(table), [3e21], Spend.read("1e23"))
    sized = found.candidates.take(found.kind != SEED)
    best = np.array([float(found.today[0].n_params.estimate)])
    assert found.candidates.flops.max() <= 3e21 * 1.06
    assert (found.kind == SEED).sum() == 35
    at_target = sized.n_params[sized.flops > 2.9e21]
    assert np.abs(np.log(at_target / best)).max() < np.log(4) + 0.2


def test_a_pool_is_chosen_from_and_its_rows_are_named(table, tmp_path):
    pool = pd.DataFrame({"n_params": [1e8, 1e9, 3e9], "n_tokens": [1e10, 3e10, 1e11]})
    pool.to_csv(tmp_path / "pool.csv", index=False)
    done = invoke(
        table, "--target", "1e23", "--spend", "3e21", "--pool", tmp_path / "pool.csv", "--out", tmp_path / "n.csv"
    )
    assert done.exit_code == 0
    written = pd.read_csv(tmp_path / "n.csv")
    assert sorted(written["pool_row"]) == [1, 2, 3]
    assert written["flops"].sum() == pytest.approx(6 * (1e18 + 3e19 + 3e20), rel=0.01)


def test_the_rows_that_a_study_gets_are_runs_of_its_family_that_it_has_not(study):
    before = {row.run_id for row in plan_study("small", study / STUDY).rows}
    old = (study / STUDY).read_text()
    done = invoke(STUDY, *ASK, "--write", "--out", "next.csv")
    assert done.exit_code == 0, done.exception
    assert "1 run of the plan without a result" in done.stdout
    rows = plan_study("small", study / STUDY).rows
    added = [row for row in rows if row.run_id not in before]
    assert len(added) == len(pd.read_csv("next.csv")) == len(rows) - len(before)
    assert sum(row.flops for row in added) <= 1e12
    assert [row.n_tokens for row in added] == pd.read_csv("next.csv")["n_tokens"].tolist()
    new = (study / STUDY).read_text()
    assert "# flopscape next --target 1e+13 --spend 1e12" in new
    lines = iter(new.splitlines())
    assert all(line in lines for line in old.splitlines())
    # What was bought is planned now, and is not bought again.
    again = invoke(STUDY, *ASK, "--write")
    assert again.exit_code == 0
    assert len({row.run_id for row in plan_study("small", study / STUDY).rows}) == len(rows) + len(
        load_yaml(study / STUDY)["sweep"]["rows"]
    ) - len(added)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ["--target", "1e22", "--spend", "10"],
            "--spend 10 FLOPs is less than the cheapest candidate costs, 3.16×10¹⁶ FLOPs",
        ),
        (["--target", "1e16", "--spend", "1e21"], "--target 1e+16 is below the sweep, whose cheapest run has 10¹⁷"),
        (["--target", "1e22", "--spend", "$50"], "--spend $50.00: there are no prices"),
        (["--target", "1e22", "--spend", "much"], "--spend much: write FLOPs, such as 2e20, or dollars"),
        (["--target", "1e22", "--spend", "-1"], "--spend -1: write FLOPs"),
        (["--target", "nan", "--spend", "1e21"], "--target nan: must be positive"),
        (["--target", "1e400", "--spend", "1e21"], "--target inf: must be positive"),
        (["--target", "1e300", "--spend", "1e21"], "not so far beyond the runs that nothing is known of it"),
        (["--target", "1e22", "--spend", "1e21", "--write"], "is a table of runs, and no study to add runs to"),
        (["--target", "1e22", "--spend", "1e21", "--pool", "POOL"], "pool.csv: no column n_tokens"),
    ],
)
def test_what_is_asked_wrongly_of_a_table_is_refused_in_a_sentence(words, sentence, table, tmp_path):
    (tmp_path / "pool.csv").write_text("n_params,tokens\n1e8,1e10\n")
    words = [str(tmp_path / "pool.csv") if word == "POOL" else word for word in words]
    done = invoke(table, *words, "--out", tmp_path / "next.csv")
    assert isinstance(done.exception, FlopscapeError)
    assert sentence in str(done.exception)
    assert "\n" not in str(done.exception)
    assert not (tmp_path / "next.csv").exists()


@pytest.mark.parametrize(
    ("row", "column", "said"),
    [
        ("1e300,3e10", "n_params", "1e+300 is beyond what can be computed with"),
        ("1e9,1e-300", "n_tokens", "1e-300 is beyond what can be computed with"),
        ("inf,3e10", "n_params", "inf, must be positive and finite"),
        ("1e9,nan", "n_tokens", "nan, must be positive and finite"),
    ],
)
def test_an_absurd_number_in_a_pool_is_named_by_row_and_column(row, column, said, table, tmp_path):
    (tmp_path / "pool.csv").write_text(f"n_params,n_tokens\n1e9,3e10\n{row}\n")
    done = invoke(table, "--target", "1e22", "--spend", "1e21", "--pool", tmp_path / "pool.csv")
    assert f"pool.csv, row 2, column {column}: {said}" in str(done.exception)


@pytest.mark.parametrize("row", ["1e49,1e-49", "1e-49,1e49", "1e49,1e49", "1e-49,1e-49"])
def test_sizes_far_from_all_sense_are_left_out_of_a_pool_without_a_warning(row, table, tmp_path):
    (tmp_path / "pool.csv").write_text(f"n_params,n_tokens\n1e9,3e10\n{row}\n")
    done = invoke(table, "--target", "1e22", "--spend", "1e21", "--pool", tmp_path / "pool.csv")
    assert done.exit_code == 0
    assert "1 row of the pool left out" in done.stdout


def test_a_table_without_finished_runs_is_refused(tmp_path):
    path = tmp_path / "runs.csv"
    isoflop_frame().assign(status="diverged").to_csv(path, index=False)
    done = invoke(path, "--target", "1e22", "--spend", "1e21")
    assert "no completed runs" in str(done.exception)


@pytest.mark.parametrize(
    ("pool", "sentence"),
    [
        ("n_params,n_tokens\n12345,1000000\n", "pool.csv, row 1: the study's model has no size of 12,345 parameters"),
        ("n_params,n_tokens\n8192,3\n", "pool.csv, row 1: 3 units are too few for one run"),
    ],
)
def test_a_pool_that_the_study_cannot_train_is_refused_and_nothing_is_written(pool, sentence, study):
    (study / "pool.csv").write_text(pool)
    before = (study / STUDY).read_bytes()
    done = invoke(STUDY, *ASK, "--pool", "pool.csv", "--write")
    assert isinstance(done.exception, FlopscapeError)
    assert sentence in str(done.exception)
    assert (study / STUDY).read_bytes() == before


def test_runs_of_a_pool_that_the_plan_has_already_get_another_seed(study):
    row = plan_study("small", study / STUDY).rows[3]
    (study / "pool.csv").write_text(f"n_params,n_tokens\n{row.n_params},{row.n_tokens}\n")
    done = invoke(STUDY, *ASK, "--pool", "pool.csv", "--write")
    assert done.exit_code == 0
    assert load_yaml(study / STUDY)["sweep"]["rows"] == [{"size": row.size, "n_tokens": row.n_tokens, "seed": 1}]


def test_runs_at_a_budget_that_the_study_has_join_it(study):
    invoke(STUDY, *ASK, "--write")
    rows = load_yaml(study / STUDY)["sweep"]["rows"]
    assert {row["flops"] for row in rows if "flops" in row} <= {3e10, 1e11, 3e11, 1e12}
    assert any("flops" in row for row in rows)
    budgets = {row.budget for row in plan_study("small", study / STUDY).rows}
    assert budgets <= {3e10, 1e11, 3e11, 1e12, 3e12, None}


def test_rows_of_a_pool_far_from_the_optimum_are_left_out_and_it_is_said(table, tmp_path):
    near, far = "1e9,3e10", "1e6,1e16"
    (tmp_path / "pool.csv").write_text(f"n_params,n_tokens\n{far}\n{near}\n")
    done = invoke(table, "--target", "1e23", "--spend", "1e23", "--pool", tmp_path / "pool.csv")
    assert "1 row of the pool left out" in done.stdout
    assert "1 run of 1 candidate" in done.stdout
    (tmp_path / "pool.csv").write_text(f"n_params,n_tokens\n{far}\n")
    done = invoke(table, "--target", "1e23", "--spend", "1e23", "--pool", tmp_path / "pool.csv")
    assert "every size is off the optimum at its compute by more than a factor 3.98" in str(done.exception)


def test_a_pool_whose_rows_are_one_run_in_whole_batches_is_refused(study):
    row = plan_study("small", study / STUDY).rows[3]
    tokens = row.n_tokens + 1
    (study / "pool.csv").write_text(f"n_params,n_tokens\n{row.n_params},{tokens}\n")
    done = invoke(STUDY, *ASK, "--pool", "pool.csv")
    assert "1 row would be a run that the plan or another row has already" in str(done.exception)


def test_simulated_runs_have_no_price(study):
    done = invoke(STUDY, "--target", "1e13", "--spend", "$5")
    assert "there are no prices" in str(done.exception)


def test_a_study_without_results_is_told_to_run(study):
    (study / "results/small/runs.csv").unlink()
    done = invoke(STUDY, *ASK)
    assert "the next runs are chosen after the first" in str(done.exception)


def test_a_table_of_runs_that_the_study_no_longer_plans_is_refused(study):
    text = (study / STUDY).read_text()
    (study / STUDY).write_text(text.replace("3.0e+12]", "3.1e+12]"))
    done = invoke(STUDY, *ASK)
    assert "holds 6 runs that the study does not plan" in str(done.exception)


def test_gains_after_a_few_runs_are_said_to_be_rough(table, tmp_path):
    few = pd.read_csv(table).iloc[:3]
    few.to_csv(tmp_path / "few.csv", index=False)
    assert (
        "After 3 runs all of this is rough"
        in invoke(tmp_path / "few.csv", "--target", "1e22", "--spend", "5e21").stdout
    )
    assert "rough" not in invoke(table, "--target", "1e22", "--spend", "5e21").stdout


def test_that_nothing_is_worth_it_is_said(table, tmp_path):
    run = isoflop_frame(sigma=0.01).iloc[17]
    (tmp_path / "pool.csv").write_text(f"n_params,n_tokens\n{run['n_params']},{run['n_tokens']}\n")
    found = next_runs(read_runs(table), [1e24], Spend.read("1e20"), pool=tmp_path / "pool.csv")
    assert found.bought_kind.tolist() == [SEED]
    assert max(np.nanmax(found.narrower(belief)) for belief in ("all", "law")) < LEAST_NARROWED
    assert sentences(found)[0].startswith("Nothing is worth it")


def test_far_beyond_noisy_runs_larger_budgets_are_worth_it_and_seeds_are_not():
    runs = table_of(isoflop_frame(sigma=0.002, seeds=2), "x")
    found = next_runs(runs, [1e23], Spend.read("1e23"))
    said = {sentence.partition(":")[0]: sentence for sentence in sentences(found)}
    assert "alone as good as the list" in said["Larger budgets"]
    assert "alone less than the list" in said["More seeds of runs that exist"]
    assert LARGER in found.bought_kind
    assert "Larger budgets" in text(found, "x")
