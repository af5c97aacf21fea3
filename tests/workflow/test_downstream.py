"""Accuracies of tasks by the workflow: made by the verb, made again when asked otherwise, said when untold."""

import json
import shlex
import shutil

import pandas as pd

from flopscape.downstream.results import read_numbers
from tests.downstream.quiz_runs import frame_of

STUDY = """
title: Theirs
runs: {table: theirs.csv}
fits:
  - {name: vpnls, method: vpnls, bootstrap: 100}
  - {name: quiz, method: vpnls, bootstrap: 100, columns: {loss: "loss@quiz"}}
recommend: {flops: [1.0e+21], fit: vpnls}
twin: {simulations: 20, bootstrap: 20, answer_simulations: 0}
downstream:
  quiz: {fit: quiz, chance: 0.25, items: 200}
  flat: {fit: quiz, chance: 0.25, items: 200}
"""
FILES = [f"results/tiny/downstream/{task}.json" for task in ("quiz", "flat")]


def test_tasks_are_made_once_and_again_when_asked_otherwise_and_an_untold_one_stops_nothing(checkout):
    (checkout.folder / "config/studies/tiny.yaml").write_text(STUDY)
    frame: pd.DataFrame = frame_of()
    frame.assign(**{"loss": frame["loss@quiz"], "accuracy@flat": 0.25}).to_csv(checkout.folder / "theirs.csv")
    assert checkout.due()["predict_task"] == 2
    checkout.snakemake(*FILES)
    quiz, flat = (json.loads((checkout.folder / path).read_text()) for path in FILES)
    assert quiz["targets"][0]["accuracy"]["low"] > 0.5
    assert quiz["chance"] == 0.25
    assert "0.25 to 0.25 in 35 runs" in flat["refused"]
    assert checkout.due(*FILES) == {}

    # Moved without Snakemake's notes the files still say what they are of.
    shutil.rmtree(checkout.folder / ".snakemake")
    assert checkout.due(*FILES) == {}
    checkout.edit("config/studies/tiny.yaml", "quiz: {fit: quiz, chance: 0.25", "quiz: {fit: quiz, chance: 0.2")
    assert checkout.due(*FILES) == {"predict_task": 1}
    made = "flopscape downstream results/tiny/runs.csv --fit results/tiny/fits/quiz.json --flops 1e21 --chance 0.2"
    by_hand = [*shlex.split(made), "--accuracy", "accuracy@quiz", "--items", "200", "--out", "x.svg", "--numbers"]
    assert checkout.run(*by_hand, FILES[0]).returncode == 0
    shutil.move(checkout.folder / "x.svg", checkout.folder / FILES[0].replace(".json", ".svg"))
    shutil.move(checkout.folder / "x.png", checkout.folder / FILES[0].replace(".json", ".png"))
    assert checkout.due(*FILES) == {}
    assert read_numbers(checkout.folder / FILES[0]).chance == 0.2
