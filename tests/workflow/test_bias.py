"""The bias experiments in the workflow: what is due, and what a change reruns. Outputs are stand-ins, marked done."""

import pytest

from flopscape.config.bias import EXPERIMENTS

FILES = ("table.csv", "figure.svg", "figure.png", "verdict.json")


@pytest.fixture
def marked(checkout):
    """A checkout whose bias results count as made by today's code."""
    results = checkout.folder / "results/bias"
    for path in (*(f"{name}/{file}" for name in EXPERIMENTS for file in FILES), "report.html", "report.md"):
        (results / path).parent.mkdir(parents=True, exist_ok=True)
        (results / path).write_text("a stand-in")
    checkout.snakemake("bias", "--touch", "--forceall")
    return checkout


def test_a_clean_checkout_is_due_every_experiment_and_the_page(checkout):
    assert checkout.due("bias") == {"run_experiment": len(EXPERIMENTS), "write_bias_report": 1, "bias": 1}


def test_an_experiments_code_or_setting_reruns_it_and_the_page_and_a_comment_nothing(marked):
    marked.append("bias/experiments/exp06_parabola_bias_closed_form.py", "# a remark")
    assert marked.due("bias") == {}
    marked.append("bias/experiments/exp06_parabola_bias_closed_form.py", "UNUSED = 1")
    assert marked.due("bias") == {"run_experiment": 1, "write_bias_report": 1, "bias": 1}
    marked.edit("config/bias.yaml", "{}", "exp01: {points: 9}")
    jobs = marked.snakemake("-n", "bias")
    due = [name for name in EXPERIMENTS if f"output: results/bias/{name}/table.csv" in jobs]
    assert due == ["exp01", "exp06"]


def test_a_mirror_reaches_the_experiments_that_read_published_tables_as_one_word(checkout):
    done = checkout.run("snakemake", "-n", "-p", "bias", "--config", "studies=tiny", "data_mirror=a folder")
    assert done.returncode == 0, done.stderr
    assert "--mirror 'a folder'" in done.stdout + done.stderr


def test_a_bad_setting_is_refused_before_anything_runs(checkout):
    checkout.edit("config/bias.yaml", "{}", "exp06: {points: 2}")
    done = checkout.run("snakemake", "-n", "bias")
    assert done.returncode != 0
    assert "config/bias.yaml" in done.stdout + done.stderr
    assert "points" in done.stdout + done.stderr
