"""Studies of one file compared by the workflow: what it makes, and when it makes it again."""

import json

LAWS = """
title: Simulated, two laws
model: {plugin: flopscape.plugins.gpt:GPT}
trainer:
  plugin: flopscape.plugins.surface:Surface
  kwargs: {E: 1.0, A: 30.0, B: 400.0, alpha: 0.4, beta: 0.5, noise: 0.002}
matrix:
  law: {old: {trainer.kwargs.B: 400.0}, new: {trainer.kwargs.B: 300.0}}
sweep:
  isoflop:
    budgets: [3.0e+10, 1.0e+11, 3.0e+11]
    sizes: [{width: 16, depth: 2}, {width: 32, depth: 2}, {width: 64, depth: 2}]
fits: [{name: vpnls, method: vpnls, bootstrap: 100}]
recommend: {flops: [1.0e+12], fit: vpnls}
twin: {simulations: 20, bootstrap: 20, answer_simulations: 2}
"""
CONFIG = "studies: [laws]\ncompare: {law: {studies: [laws], flops: [1.0e+12]}}\n"
PAGE = "results/compare/law/report.html"


def test_a_comparison_is_made_once_and_again_when_what_it_is_asked_for_changes(checkout):
    (checkout.folder / "config/studies/laws.yaml").write_text(LAWS)
    (checkout.folder / "config/config.yaml").write_text(CONFIG)
    assert PAGE in checkout.snakemake("-n", studies="laws").partition("rule all:")[2]
    said = checkout.snakemake(PAGE, studies="laws").partition("Comparison law")[2].splitlines()
    assert said[2].startswith("laws.new is better: it needs 0.")
    assert " The compute multiplier is 1." in said[2]
    assert said[1:4] == ["SIMULATED: losses come from a formula", said[2], f"page: {PAGE}"]
    found = json.loads((checkout.folder / PAGE).with_name("comparison.json").read_text())
    assert found["recipes"] == ["laws.old", "laws.new"]
    # B·D^−β with three quarters of B is B·((4/3)^(1/β)·D)^−β: 1.78 times the data, and so 1.78 times the compute.
    assert 1.6 < found["pairs"][0]["target"]["multiplier"]["estimate"] < 1.95
    assert found["pairs"][0]["target"]["verdict"] == "better"
    page = (checkout.folder / PAGE).with_suffix(".md").read_text()
    assert "## What differs\n\n- trainer.kwargs.B: 400.0 (laws.old), 300.0 (laws.new)\n\n## Compute" in page
    assert "- [The report of laws.old](../../laws.old/report.html)" in page
    assert checkout.due(PAGE, studies="laws") == {}

    checkout.edit("config/config.yaml", "flops: [1.0e+12]", "flops: [2.0e+12]")
    assert checkout.due(PAGE, studies="laws") == {"compare_recipes": 1}
    checkout.edit("config/config.yaml", "flops: [2.0e+12]", "flops: [1.0e+12]")
    checkout.append("comparison/joint_fit.py", "UNUSED = 1")
    assert checkout.due(PAGE, studies="laws") == {"compare_recipes": 1}


def test_a_comparison_of_a_study_that_is_not_selected_is_left_out_and_one_that_no_study_has_stops_all(checkout):
    (checkout.folder / "config/config.yaml").write_text("studies: [tiny]\ncompare: {ab: [tiny, quick]}\n")
    done = checkout.run("snakemake", "-n")
    assert done.returncode == 0, done.stdout
    assert "compare_recipes" not in done.stdout
    assert done.stdout.count("comparison ab is left out, for quick is not selected\n") == 1
    done = checkout.run("snakemake", "-n", "--config", "studies=quick", "compare={ab: [tiny, quikc]}")
    assert done.returncode != 0
    assert "compare.ab: no study is named 'quikc'; did you mean quick?" in done.stdout
