"""A method of a user's own in the twin: its own `estimate`, one simulated table at a time, on so many as are said."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from flopscape.dag.commands import twin_options
from flopscape.twin.judged import judged as judged_methods
from flopscape.twin.run import examine, run
from tests.cli.test_fit_options import study
from tests.twin.twin_studies import write

SIMULATED = {"simulations": 12, "bootstrap": 100, "answer_simulations": 0}
MODULES = {
    "same": """
        from flopscape.fitting.vpnls import estimate
        """,
    "shrunk": """
        import dataclasses
        from flopscape.fitting import vpnls

        def estimate(table, *, flops=(), bootstrap=4000, seed=0, factor: float = 1.0):
            result, draws = vpnls.estimate(table, flops=flops, bootstrap=bootstrap, seed=seed)
            for best in result.predictions:
                best.n_params.estimate *= factor
                best.n_params.low = best.n_params.high = None
            table.loss[:] = 0.0
            table.columns["loss"] = 0.0
            return result, draws
        """,
    "seldom": """
        from flopscape.fitting import vpnls

        FITS = []

        def estimate(table, *, flops=(), bootstrap=4000, seed=0):
            result, draws = vpnls.estimate(table, flops=flops, bootstrap=bootstrap, seed=seed)
            FITS.append(1)
            for best in result.predictions:
                best.n_params.low = None
                best.n_params.high = best.n_params.estimate * 1e6 if len(FITS) % 2 else None
            return result, draws
        """,
    "fails": """
        from flopscape.fitting import vpnls

        def estimate(table, *, flops=(), bootstrap=4000, seed=0, above: float = 0.0):
            if table.loss[0] > above:
                raise ValueError(f"a loss of {table.loss[0]:.9g}\\nis too much")
            assert (table.columns["loss"] == table.loss).all()
            return vpnls.estimate(table, flops=flops, bootstrap=bootstrap, seed=seed)
        """,
    "curved": """
        def estimate(table, *, flops=(), bootstrap=4000, seed=0, curves=None):
            raise AssertionError
        """,
}


@pytest.fixture
def runs(tmp_path, monkeypatch) -> Path:
    """35 runs with σ = 0.01 in a working directory that has these methods."""
    for name, text in MODULES.items():
        lines = text.replace("\\\\", "\\").splitlines()[1:]
        (tmp_path / f"{name}.py").write_text("\n".join(line[8:] for line in lines))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return write(tmp_path, sigma=0.01)


def judged(runs, *fits, own_simulations=6):
    return examine(runs, [1e22], fits=fits, own_simulations=own_simulations, **SIMULATED)


def named(rows, method, scenario="surface", quantity="n_params@1e+22"):
    chosen = (rows["method"] == method) & (rows["scenario"] == scenario) & (rows["quantity"] == quantity)
    return rows[chosen].iloc[0]


def test_a_method_that_calls_a_shipped_one_gets_its_numbers_table_by_table(runs):
    """The same optima, whether tables are fitted one by one or all at once; the resamples are others."""
    rows, content = judged(runs, {"name": "mine", "method": "same"}, own_simulations=12)
    mine, shipped = (rows[rows["method"] == name] for name in ("mine", "vpnls"))
    same = ["truth", "bias", "spread", "rmse", "simulations", "failures"]
    assert mine[same].to_numpy(float) == pytest.approx(shipped[same].to_numpy(float), rel=1e-5, abs=1e-7)
    assert mine["width"].to_numpy() == pytest.approx(shipped["width"].to_numpy(), rel=0.2)
    assert content["trusted"] != "mine"
    ratios = {row["method"]: row["ratio"] for row in content["methods"]}
    assert ratios["mine"] == pytest.approx(ratios["vpnls"], abs=1e-4)


def test_the_first_tables_alone_are_fitted_and_all_outputs_say_how_many(runs, tmp_path):
    text = run(
        runs, tmp_path / "out", [1e22], fits=[{"name": "mine", "method": "same"}], own_simulations=6, **SIMULATED
    )
    rows = pd.read_csv(tmp_path / "out/twin.csv")
    content = json.loads((tmp_path / "out/verdict.json").read_text())
    assert rows.groupby("method")["simulations"].unique().explode().to_dict() == {
        "approach2": 12, "approach2-exact": 12, "vpnls": 12, "approach3-log_lsq": 12, "approach3-huber": 12, "mine": 6,
    }  # fmt: skip
    assert content["one_by_one"] == [
        {
            "name": "mine", "method": "same", "simulations": 6, "simulations_elsewhere": 6, "fits": 30, "failed": 0,
            "most_failed": 0, "reason": "",
        }
    ]  # fmt: skip
    assert [row.get("simulations") for row in content["methods"]] == [None] * 5 + [6]
    assert "to the first 6 of 12 of each truth: on these alone" in text
    assert "mine: 6 of these tables." in (tmp_path / "out/figure.svg").read_text()


def test_the_shipped_methods_are_judged_as_without_it(runs):
    rows, content = judged(runs, {"name": "mine", "method": "shrunk", "factor": 3.0})
    without, alone = judged(runs)
    pd.testing.assert_frame_equal(rows[rows["method"] != "mine"].reset_index(drop=True), without)
    assert content["methods"][:5] == alone["methods"]
    assert content["improvements"] == alone["improvements"]
    assert [note for note in content["notes"] if not note.startswith("mine")] == [
        note for note in alone["notes"] if not note.startswith("approach")
    ]


def test_a_bias_is_found_and_an_interval_that_the_method_does_not_give_is_not_judged(runs):
    """Three times N* is ln 3 too much; the method writes zeros into its table, which the next one must not see."""
    rows, content = judged(
        runs, {"name": "mine", "method": "shrunk", "factor": 3.0}, {"name": "again", "method": "same"}
    )
    mine, again = named(rows, "mine"), named(rows, "again")
    assert mine["bias"] - again["bias"] == pytest.approx(np.log(3), rel=1e-6)
    assert (mine["intervals"], again["intervals"]) == (0, 6)
    assert np.isnan(mine["coverage"])
    assert named(rows, "mine", quantity="n_tokens@1e+22")["intervals"] == 6
    assert next(row for row in content["methods"] if row["method"] == "mine")["coverage"] is None


def test_an_interval_open_at_one_end_is_judged_by_the_other_and_a_fit_without_one_has_not_missed(runs):
    """Every other fit has no interval, the others one with an upper end a million times too high and no lower end."""
    rows, _ = judged(runs, {"name": "mine", "method": "seldom"})
    assert named(rows, "mine")[["intervals", "coverage", "simulations"]].tolist() == [3, 1.0, 6]


def test_a_method_of_ones_own_that_is_trusted_is_tried_on_the_other_designs(runs):
    (runs.parent / "wide.py").write_text(
        "from flopscape.fitting import vpnls\n"
        "def estimate(table, *, flops=(), bootstrap=4000, seed=0):\n"
        "    result, draws = vpnls.estimate(table, flops=flops, bootstrap=bootstrap, seed=seed)\n"
        "    n_params = result.predictions[0].n_params\n"
        "    n_params.low, n_params.high = n_params.low / 3, n_params.high * 3\n"
        "    return result, draws\n"
    )
    fits = [{"name": "mine", "method": "wide"}]
    _, content = examine(runs, [1e22], fits=fits, own_simulations=6, among_fits=True, **SIMULATED)
    assert content["trusted"] == "mine"
    assert content["sentences"][0].startswith("Trust mine here")
    assert all(row["change"] is not None for row in content["improvements"])
    assert content["improvements"][1]["change"] < 0


def test_an_error_in_one_table_is_a_failed_fit_and_the_others_stand(runs):
    rows, content = judged(runs, {"name": "mine", "method": "fails", "above": 4.58})
    (row,) = content["one_by_one"]
    assert 0 < row["failed"] < row["fits"] == 30
    assert row["most_failed"] == row["failed"]
    assert row["reason"].startswith("ValueError: a loss of 4.5")
    assert sum(named(rows, "mine", scenario)["failures"] for scenario in rows["scenario"].unique()) == row["failed"]
    assert np.isfinite(named(rows, "mine")["rmse"])
    said = f"{row['failed']} of its 30 fits fail, {row['failed']} such as this: ValueError: a loss of"
    assert any(said in note for note in content["notes"])


def test_a_method_that_always_fails_is_said_to_and_why(runs):
    rows, content = judged(runs, {"name": "mine", "method": "fails"})
    assert content["status"] == "completed"
    assert named(rows, "mine")["statuses"].startswith("6 ValueError: a loss of")
    assert named(rows, "mine")["statuses"].endswith("is too much")
    said = "All of its 30 fits fail, 30 such as this: ValueError: a loss of"
    assert any(said in note for note in content["notes"])
    assert "mine fails in 100 % of the simulations and gives no comparison." in content["sentences"]


def test_what_cannot_or_shall_not_be_simulated_is_left_out_by_name(runs):
    _, content = judged(runs, {"name": "mine", "method": "curved"})
    assert content["notes"][-1] == "mine is left out: it reads training curves, which the simulated runs do not have."
    _, content = judged(runs, {"name": "mine", "method": "same"}, own_simulations=0)
    assert content["notes"][-1] == "mine is left out: own_simulations is 0."


def test_a_fit_that_is_named_as_a_shipped_method_is_told_from_it(runs):
    rows, _ = judged(runs, {"name": "vpnls", "method": "shrunk", "factor": 3.0})
    assert named(rows, "vpnls (shrunk)")["bias"] - named(rows, "vpnls")["bias"] > 1


def test_the_answer_is_fitted_to_fewer_tables_of_the_truths_that_weigh_less(runs):
    rows, content = examine(runs, [1e22], simulations=12, bootstrap=20, answer_simulations=8)
    tables = rows[rows["method"] == "answer"].groupby("scenario", sort=False)["simulations"].first()
    assert tables.to_dict() == {"surface": 2, "possible": 8, "coupled": 2, "drift": 2, "cubic": 2}
    (row,) = content["one_by_one"]
    assert (row["simulations"], row["simulations_elsewhere"], row["fits"], row["failed"]) == (8, 2, 16, 0)
    assert any("first 8 of 12 copies of possible laws, and the first 2 of each other" in n for n in content["notes"])
    answer = named(rows, "answer", "possible")
    assert answer["coverage"] >= 0.75
    assert answer["width"] > named(rows, "vpnls", "possible")["width"]


def test_fits_have_their_own_names_and_none_but_them_is_recommended(runs):
    fits = [
        {"name": "curves", "method": "approach2", "variant": "exact"},
        {"name": "weighed", "method": "approach2", "weights": "seeds"},
        {"name": "absolute", "method": "approach3", "objective": "lad"},
    ]
    rows, content = examine(runs, [1e22], fits=fits, among_fits=True, **SIMULATED)
    assert list(rows["method"].unique()) == ["approach2", "curves", "vpnls", "approach3-log_lsq", "approach3-huber"]
    assert content["trusted"] in ("curves", None)
    assert [row.get("in_study", True) for row in content["methods"]] == [False, True, False, False, False]
    left_out = [note for note in content["notes"] if "is left out: the twin has no code" in note]
    assert [note.partition(" ")[0] for note in left_out] == ["weighed", "absolute"]


def test_a_table_of_many_rows_gets_the_answer_less_often():
    """7,500 rows of possible laws at most; every truth keeps two tables, of which errors have a spread."""
    counts = [judged_methods((), False, 500, 50, 20, rows)[-1].tables for rows in (35, 1100, 5000)]
    assert counts == [(20, 5), (6, 2), (2, 2)]


def test_the_twin_of_a_study_is_asked_for_its_fits_and_to_recommend_among_them(runs):
    asked = study(["vpnls", "same", {"name": "less", "method": "shrunk", "factor": 0.5, "exclude": "loss > 5"}])
    options = twin_options(asked)
    assert options.startswith("--among-fits --simulations 500 --own-simulations 50 --answer-simulations 20")
    assert """ --fit '{"method":"vpnls","name":"vpnls"}' --fit '{"method":"same","name":"same"}'""" in options
    assert """ --fit '{"factor":0.5,"method":"shrunk","name":"less"}'""" in options
    assert options.endswith(" --flops 1e+20")
