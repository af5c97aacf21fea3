"""The twin of a study in the workflow: its files, its place in the report, and what it depends on."""

import json

TWIN = ("twin.csv", "verdict.json", "figure.svg", "figure.png")


def test_every_study_has_a_twin_and_its_report_says_what_to_trust(finished):
    folder = finished.folder / "results/tiny"
    assert all((folder / "twin" / name).stat().st_size > 0 for name in TWIN)
    verdict = json.loads((folder / "twin/verdict.json").read_text())
    report = (folder / "report.md").read_text()
    assert "## How methods do on simulated copies" in report
    assert verdict["sentences"][0].partition(":")[0] in report
    here = [row["method"] for row in verdict["methods"] if row.get("in_study", True)]
    assert here == ["approach2", "vpnls", "answer"]


def test_editing_the_twin_reruns_it_and_the_report_only(finished):
    finished.append("twin/verdict.py", "UNUSED = 1")
    assert finished.due() == {"twin": 1, "write_report": 1}


def test_other_budgets_to_answer_for_are_the_twins_too(finished):
    finished.edit("config/studies/tiny.yaml", "flops: [1.0e+12]", "flops: [2.0e+12]")
    assert finished.due()["twin"] == 1
