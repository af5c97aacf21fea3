"""Runs that stay hidden are trained with the others and scored, and no answer changes by them."""

import json

import pandas as pd
import yaml

HIDDEN = {"isoflop": {"budgets": [1.0e12], "sizes": [{"width": n, "depth": 2} for n in (48, 64, 96)]}}


def answers(folder) -> list[dict]:
    fits = [json.loads(path.read_text()) for path in sorted((folder / "results/tiny/fits").glob("*.json"))]
    return [
        {name: fit[name] for name in ("status", "predictions", "exponents", "parameters", "n_runs")} for fit in fits
    ]


def test_hidden_runs_are_trained_and_scored_and_change_no_answer(finished):
    path, before = finished.folder / "config/studies/tiny.yaml", answers(finished.folder)
    study = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump(study | {"sweep": study["sweep"] | {"validate": HIDDEN}}))
    due = finished.due()
    assert (due["train_run"], due["validate"]) == (3, 1)
    finished.snakemake()
    assert answers(finished.folder) == before
    results = finished.folder / "results/tiny"
    runs, scores = pd.read_csv(results / "runs.csv"), pd.read_csv(results / "validation.csv")
    assert runs.validate.sum() == 3
    assert set(scores[scores.what == "run"].run_id) == set(runs[runs.validate].run_id)
    assert "## Prediction against outcome" in (results / "report.md").read_text()
    assert "## Whether its predictions held" in (results / "prediction.md").read_text()
    assert finished.due() == {}
