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
    verdict = json.loads((results / "twin/verdict.json").read_text())
    assert {entry["fit"]: entry["n_runs"] for entry in verdict["hidden_runs"]} == {
        "approach2": 0,
        "vpnls": 3,
        "answer": 3,
    }
    assert finished.due() == {}
    kept = (results / "validation.jsonl").read_text().splitlines()
    assert len(kept) == 1 + 3
    # Another answer says something else of the hidden runs; what was said before stays beside it.
    finished.edit("config/studies/tiny.yaml", "bootstrap: 200", "bootstrap: 300")
    finished.edit("config/studies/tiny.yaml", "fit: approach2", "fit: vpnls")
    assert finished.due()["validate"] == 1
    finished.snakemake()
    assert (results / "validation.jsonl").read_text().splitlines()[1:-1] == kept[1:]
    page = (results / "report.md").read_text().partition("## Prediction against outcome")[2].partition("\n## ")[0]
    assert "| said on | before the outcome | runs fitted | predicted | found | held |" in page
    assert finished.due() == {}
    # Edited by hand it stops the score, and stays as it is for whoever mends it.
    edited = "\n".join([kept[0], *kept[2:], ""])
    (results / "validation.jsonl").write_text(edited)
    finished.edit("config/studies/tiny.yaml", "bootstrap: 300", "bootstrap: 250")
    assert finished.run("snakemake", "--config", "studies=tiny").returncode != 0
    log = (finished.folder / "logs/validate/tiny.log").read_text()
    assert "validation.jsonl, line 2: not as it was written, or a line before it was taken out; restore it" in log
    assert (results / "validation.jsonl").read_text() == edited
