"""`flopscape next --compare`: what runs do to a comparison, which are offered, and what is printed and written."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from flopscape.cli.app import app
from flopscape.comparison.model import jacobian
from flopscape.comparison.multiplier import Difference
from flopscape.comparison.pairs import paired_runs
from flopscape.design.candidates import Candidates
from flopscape.design.decide import Side, decide, decision, standing_of
from flopscape.design.decide_words import sentences, text
from flopscape.design.deciding import Points, probability_of_deciding
from flopscape.design.next_runs import Spend
from flopscape.design.offers import NOBODY, matches, offers_of
from flopscape.errors import FlopscapeError
from flopscape.plan.studies import plan_study
from flopscape.runs.read import read_runs
from tests.comparison.recipe_tables import frame_of, losses, recipe
from tests.conftest import ROOT

ASK = ["--target", "1e21", "--spend", "1e21"]
A, B = "config/studies/plain.yaml", "config/studies/better.yaml"


def invoke(*words):
    return CliRunner().invoke(app, ["next", *map(str, words)])


@pytest.fixture(scope="module")
def sides():
    return Side(recipe("a", 0)), Side(recipe("b", 1, mu_d=0.1))


@pytest.fixture(scope="module")
def standing(sides):
    return standing_of(sides[0].recipe, sides[1].recipe, False)


@pytest.fixture
def tables(tmp_path, monkeypatch):
    """Two tables whose runs share half of their noise by seed and budget."""
    monkeypatch.chdir(tmp_path)
    shared = np.random.default_rng(2).normal(0, 0.01, 35)
    for name, seed, gain in (("a", 0, 0.0), ("b", 1, 0.1)):
        frame = frame_of(name, seed, mu_d=gain)
        frame.assign(loss=frame["loss"] + shared).to_csv(f"{name}.csv", index=False)
    return ["--compare", "a.csv", "b.csv"]


@pytest.fixture
def studies(tmp_path, monkeypatch):
    """Two finished studies of small GPTs, which share noise by seed and budget; the last run of each has no result."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config/studies").mkdir(parents=True)
    shared = np.random.default_rng(5).normal(0, 0.02, 35)
    for path, seed, gain in ((A, 0, 0.0), (B, 1, 0.3)):
        shutil.copy(ROOT / "config/studies/quick.yaml", path)
        name = path.split("/")[-1].removesuffix(".yaml")
        rows = plan_study(name, tmp_path / path).rows[:-1]
        names = ("run_id", "n_params", "n_tokens", "flops", "budget", "seed")
        frame = pd.DataFrame([{key: getattr(row, key) for key in names} for row in rows])
        noise = shared[: len(rows)] + np.random.default_rng(seed).normal(0, 0.01, len(rows))
        frame["loss"] = losses(frame["n_params"], frame["n_tokens"], mu_d=gain) + noise
        (tmp_path / "results" / name).mkdir(parents=True)
        frame.to_csv(tmp_path / "results" / name / "runs.csv", index=False)
    return tmp_path


def test_the_expected_fit_is_that_of_the_information_of_all_runs_at_once(standing):
    fit, data = standing.fit, standing.data
    points = Points(np.array([5e8, 2e9]), np.array([3e10, 1e11]), np.array([9e19, 1.2e21]), np.array([False, True]))
    offers = np.array([[0, NOBODY], [1, NOBODY], [0, NOBODY]])
    found = standing.expected(standing.rows(points, offers[:1]), standing.rows(points, offers[1:]), times=2.0).fit
    new = jacobian(fit.theta, data.center.runs(*points))[:, fit.kind.free] / data.sigma[[0, -1], None]
    rows = np.concatenate(
        [jacobian(fit.theta, data.runs)[:, fit.kind.free] / data.sigma[:, None], *[new[:1]] * 3, new[1:], new[1:]]
    )
    expected = np.linalg.inv(rows.T @ rows) * fit.objective / fit.dof
    assert found.covariance[np.ix_(fit.kind.free, fit.kind.free)] == pytest.approx(expected, rel=1e-5, abs=1e-12)
    assert found.dof == fit.dof + 5


def test_the_variance_that_ranks_runs_is_that_of_the_interval(standing):
    rows = standing.rows(Points(*np.array([[1e9], [1e10], [6e19]]), np.array([True])), np.array([[0, NOBODY]]))
    told = standing.told(np.array([1e21]), rows)
    gradient = standing.difference_at(np.array([1e21]))[0, : len(standing.fit.kind.names)]
    free = np.ix_(standing.fit.kind.free, standing.fit.kind.free)
    after = standing.expected(rows[:0], rows).fit.covariance[free]
    for covariance, one in ((standing.fit.covariance[free], told), (after, told.finished([0]))):
        assert one.beliefs["law"].sd[0] ** 2 == pytest.approx(gradient @ covariance @ gradient, rel=1e-6)
    assert told.beliefs["all"].sd[0] > told.beliefs["law"].sd[0]


def test_a_pair_tells_what_two_losses_with_correlated_noise_tell(standing):
    paired = replace(standing, curves=replace(standing.curves, fit=replace(standing.fit, rho=0.6)))
    points = Points(np.array([1e9, 1.1e9]), np.array([1e10, 9e9]), np.array([6e19, 6e19]), np.array([False, True]))
    (rows,) = paired.rows(points, np.array([[0, 1]]))
    alone = paired.gradients(points) / paired.sigma[:, None]
    expected = alone.T @ np.linalg.inv([[1.0, 0.6], [0.6, 1.0]]) @ alone
    assert rows.T @ rows == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_the_probability_of_deciding_is_the_share_of_simulated_outcomes():
    rng, now, then, t = np.random.default_rng(0), Difference(np.array([0.02]), np.array([0.012])), 0.008, 2.0
    alone = 1 / np.sqrt(then**-2 - 0.012**-2)
    for if_true in (True, False):
        truth = 0.02 if if_true else rng.normal(0.02, 0.012, 200_000)
        new = rng.normal(truth, alone, 200_000)
        after = then**2 * (0.02 / 0.012**2 + new / alone**2)
        share = (np.abs(after) > t * then).mean()
        assert probability_of_deciding(now, np.array([then]), t, if_true)[0] == pytest.approx(share, abs=0.005)


def candidates(n, flops, repeats=None):
    n, flops = np.array(n, float), np.array(flops, float)
    return Candidates(n, flops / 6 / n, flops, np.zeros(len(n), bool) if repeats is None else np.array(repeats))


def test_runs_of_one_budget_that_are_next_to_each_other_in_size_are_pairs_and_the_others_single():
    a, b = candidates([1e8, 2e8, 1e9], [1e18, 1e18, 1e19]), candidates([2.1e8, 1.05e8, 9e8], [1e18, 1e18, 1e20])
    assert matches(a, b, ([], [])).tolist() == [[0, 1], [1, 0]]
    assert offers_of(a, b, True, ([], [])).places.tolist() == [[0, 4], [1, 3], [2, NOBODY], [5, NOBODY]]
    assert offers_of(a, b, False, ([], [])).places[:, 1].tolist() == [NOBODY] * 6


def test_another_seed_of_a_run_is_no_pair_of_a_new_size():
    a, b = candidates([1e8], [1e18], [True]), candidates([1e8], [1e18], [False])
    assert matches(a, b, ([], [])).tolist() == []


def test_more_money_narrows_the_interval_more_and_makes_a_decision_likelier(sides, standing):
    small, large = (decision(sides, standing, [1e21], Spend.read(text)) for text in ("1e20", "1e22"))
    widths = [np.log(one.expected.high / one.expected.low) for one in (small.targets[0], large.targets[0])]
    today = small.targets[0].needed
    assert np.log(today.high / today.low) > widths[0] > widths[1]
    assert small.targets[0].if_true < large.targets[0].if_true
    assert small.cost.sum() <= 1e20
    # By the multiple that is told the smaller spend would be as good as sure.
    assert small.targets[0].times > large.targets[0].times


def test_two_recipes_that_are_one_cannot_be_told_apart(sides):
    found = decide(sides[0], Side(recipe("c", 3)), [1e22], Spend.read("1e20"))
    assert found.targets[0].times is None
    assert "Not even a thousand times these runs" in "\n".join(sentences(found))


def test_tables_get_a_list_within_the_money_a_csv_and_json(tables):
    done = invoke(*tables, *ASK, "--out", "next.csv")
    assert done.exit_code == 0, done.exception
    assert "b needs of a's compute" in done.stdout
    assert "the interval excludes 1 with the probability" in done.stdout
    assert "pairs among them" in done.stdout
    written = pd.read_csv("next.csv")
    assert written["flops"].sum() <= 1e21
    assert (written.groupby("rank")["recipe"].apply(list).isin([["a", "b"], ["a"], ["b"]])).all()
    told = json.loads(invoke(*tables, *ASK, "--json", "--no-pairs").stdout)
    assert told["targets"][0]["expected"]["low"] > told["targets"][0]["needed"]["low"]
    assert told["rho"] == 0
    assert not any(run["pair"] for run in told["runs"])


def test_studies_get_runs_that_are_pairs_when_they_are_finished(studies):
    old = {path: plan_study(path, studies / path).rows for path in (A, B)}
    done = invoke("--compare", "plain", "better", "--target", "1e13", "--spend", "1e12", "--write", "--out", "next.csv")
    assert done.exit_code == 0, done.exception
    assert "2 runs of the plans without a result" in done.stdout
    assert "snakemake --config studies=plain,better -n" in done.stdout
    written = pd.read_csv("next.csv")
    tables = []
    for path, name in ((A, "plain"), (B, "better")):
        rows = plan_study(name, studies / path).rows
        known = {row.run_id for row in old[path]}
        assert sum(row.run_id not in known for row in rows) == (written["recipe"] == name).sum()
        keys = ("run_id", "n_params", "n_tokens", "flops", "budget", "seed")
        frame = pd.DataFrame([{key: getattr(row, key) for key in keys} for row in rows]).assign(loss=3.0)
        frame["loss"] += np.arange(len(frame)) / 1000
        frame.to_csv(f"{name}.csv", index=False)
        tables.append(read_runs(studies / f"{name}.csv"))
    assert written["pair"].sum() > 0
    assert len(paired_runs(*tables)) >= len(old[A]) + written["pair"].sum() / 2


def test_a_study_that_cannot_be_extended_leaves_the_other_as_it_was(studies):
    shutil.move(studies / B, studies / "config/studies/pair.yaml")
    with (studies / "config/studies/pair.yaml").open("a") as file:
        file.write("matrix:\n  kind:\n    one: {title: One}\n    two: {title: Two}\n")
    shutil.move(studies / "results/better", studies / "results/pair.one")
    before = (studies / A).read_bytes()
    done = invoke("--compare", "plain", "pair.one", "--target", "1e13", "--spend", "1e12", "--write")
    assert "--write: pair.one is one of several studies in" in str(done.exception)
    assert (studies / A).read_bytes() == before


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--compare", "a.csv", "none", *ASK], "none: neither a table nor a study with results/none/runs.csv"),
        (["--compare", "a.csv", "a.csv", *ASK], "all runs are in both"),
        (["--compare", "a.csv", "b.csv", "--target", "1e21", "--spend", "10"], "is less than the cheapest candidate"),
        (["--compare", "a.csv", "b.csv", "--target", "1e21", "--spend", "$5"], "there are no prices"),
        (["--compare", "a.csv", "b.csv", "--target", "1e12", "--spend", "1e21"], "--target 1e+12 is below the sweep"),
        (["--compare", "a.csv", "b.csv", *ASK, "--write"], "--write: a.csv is a table of runs, and no study"),
        (["--compare", "a.csv", "b.csv", *ASK, "--pool", "a.csv"], "--compare and --pool exclude each other"),
        (["a.csv", "--compare", "a.csv", "b.csv", *ASK], "--compare and the argument a.csv exclude each other"),
        (["--compare", "a.csv", "b.csv", *ASK, "--out", "a.csv"], "a.csv"),
        (["a.csv", *ASK, "--json", "--no-pairs"], "--json and --no-pairs: for --compare alone"),
        ([*ASK], "next: name a study or a table of runs, or two of them behind --compare"),
    ],
)
def test_what_is_refused_is_refused_by_name(tables, words, sentence):
    done = invoke(*words)
    assert sentence in str(done.exception)


def test_losses_without_scatter_leave_nothing_to_decide():
    with pytest.raises(FlopscapeError, match="next to no scatter about the surface of both"):
        standing_of(recipe("a", 0, sigma=0.0), recipe("b", 1, sigma=0.0, mu_d=0.1), True)


def test_a_study_without_results_says_what_to_run(studies):
    shutil.rmtree(studies / "results/better")
    done = invoke("--compare", "plain", B, *ASK)
    assert "run `snakemake --config studies=better`" in str(done.exception)


def test_the_text_ends_with_whole_sentences(sides, standing):
    said = text(decision(sides, standing, [1e20, 1e22], Spend.read("1e20")))
    assert "Runs that decide soonest between a and b, after 35 finished runs of a and 35 of b" in said
    assert said.endswith(".")
