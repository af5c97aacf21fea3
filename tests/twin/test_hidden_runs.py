"""What came of hidden runs stands in the verdict beside what simulated copies promise."""

import dataclasses
import json
from pathlib import Path

import pandas as pd

from flopscape.answers.validation import run as validate
from flopscape.fitting import fit
from flopscape.records.backtest import Outcome
from flopscape.records.stamps import read as read_stamp
from flopscape.twin.designs import read_study
from flopscape.twin.hidden_runs import beside_outcomes
from flopscape.twin.run import run
from tests.answers.test_validation import TOP, hiding_the_top

RUN = Outcome(
    "a", "vpnls", "", 9, "ok", "", "run", 1e21, 3.0, true_loss=2.0, loss=1.97, loss_low=1.96, loss_high=1.98,
    loss_holds=False,
)  # fmt: skip
HELD = dataclasses.replace(RUN, loss=2.0, loss_low=1.9, loss_high=2.1, loss_holds=True)


def verdict(**row: object) -> dict:
    return {"methods": [{"method": "vpnls"} | row], "sentences": ["Trust vpnls here."]}


def test_a_coverage_on_copies_that_hidden_runs_miss_is_a_contradiction() -> None:
    (entry,) = (found := beside_outcomes(verdict(coverage=0.95, intervals=200), [RUN]))["hidden_runs"]
    assert (entry["fit"], entry["n_runs"], entry["held_runs"]) == ("a", 1, 0)
    assert found["sentences"] == [
        "Trust vpnls here.",
        "Hidden runs speak against a: the loss of a run at 10²¹ FLOPs is 1.5 % too low, where its interval allows 0.50"
        " %. Simulated copies promise otherwise: 95 % intervals hold N* in 95 ± 2 % of simulated copies, so the copies"
        " lack something that the runs have.",
    ]


def test_no_promise_or_one_that_is_kept_contradicts_nothing() -> None:
    narrow = {"coverage": 0.8, "intervals": 200}
    for row, line in (({"coverage": 0.95, "intervals": 200}, HELD), (narrow, RUN), ({"intervals": 0}, RUN)):
        found = beside_outcomes(verdict(**row), [line])
        assert found["sentences"] == ["Trust vpnls here."]
        assert [entry["contradicted"] for entry in found["hidden_runs"]] == [""]
    assert beside_outcomes(verdict(), []) == {}


def test_the_verdict_of_a_table_has_its_hidden_runs_and_its_copies_have_none(tmp_path: Path) -> None:
    runs = hiding_the_top(tmp_path)
    fit.run(runs, tmp_path / "vpnls.json", "vpnls", flops=[TOP], bootstrap=100)
    scored = tmp_path / "validation.csv"
    validate(runs, scored, [tmp_path / "vpnls.json"])
    run(runs, tmp_path / "twin", [TOP], scored, simulations=4, bootstrap=20, answer_simulations=0)
    written = json.loads((tmp_path / "twin/verdict.json").read_text())
    assert [(one["fit"], one["n_runs"], one["n_n_params"]) for one in written["hidden_runs"]] == [("vpnls", 7, 1)]
    assert "validation" in read_stamp(tmp_path / "twin/verdict.json")
    assert len(read_study(runs)[0]) == 28
    # A plan marks the same runs by their role, and has no losses.
    frame = pd.read_csv(runs).drop(columns="loss")
    frame.assign(role=frame.validate.map({True: "validate", False: "fit"})).drop(columns="validate").to_csv(
        tmp_path / "plan.csv", index=False
    )
    planned, measured = read_study(tmp_path / "plan.csv")
    assert (len(planned), measured, planned.flops.max() < TOP / 2) == (28, False, True)
