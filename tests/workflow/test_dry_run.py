"""`snakemake -n` previews and prices: what is left, and why."""

import subprocess
import sys

import pytest

from tests.workflow.conftest import N_TINY, jobs_of


def test_a_fresh_checkout_prices_every_run_of_the_default_study(checkout):
    text = checkout.run("snakemake", "-n", "-q", "rules").stdout
    total = next(line for line in text.splitlines() if line.startswith("total") and "of" in line)
    assert "of" in total
    n_todo, n_all = total.split()[1], total.split()[3]
    assert n_todo == n_all
    assert "CPU-hours" in text
    assert "speed from: config" in text
    assert "coverage: fair" in text


def test_every_run_is_new_on_a_fresh_checkout(checkout):
    text = checkout.snakemake("-n")
    assert jobs_of(text)["train_run"] == N_TINY
    assert f"{N_TINY} of {N_TINY}" in text
    assert f"{N_TINY} new" in text


def test_one_deleted_record_is_one_run_to_do_and_said_to_be_missing(finished):
    finished.records()[0].unlink()
    text = finished.snakemake("-n")
    assert jobs_of(text)["train_run"] == 1
    assert f"1 of {N_TINY}" in text
    assert "1 missing" in text


def test_a_finished_study_has_nothing_to_do_and_nothing_to_pay(finished):
    text = finished.snakemake("-n")
    assert jobs_of(text) == {}
    assert f"0 of {N_TINY}" in text


def test_the_plan_verb_prints_the_same_table(finished):
    table = finished.run("flopscape", "plan", "config/studies/tiny.yaml", "--cores", "2").stdout
    assert table.strip() in finished.snakemake("-n", "--cores", "2")


def test_several_studies_are_priced_each(checkout):
    text = checkout.snakemake("-n", "-q", "rules", studies="tiny,quick")
    assert "Price of study tiny" in text
    assert "Price of study quick" in text


def test_a_study_over_its_limit_says_so_in_the_dry_run_and_does_not_start(checkout):
    path = checkout.folder / "config/studies/kjv-gpt.yaml"
    path.write_text(path.read_text().replace("max_usd: null", "max_usd: 0.0001"))
    assert "REFUSED: study kjv-gpt" in checkout.run("snakemake", "-n").stdout
    started = checkout.run("snakemake")
    assert started.returncode != 0
    assert "more than limits.max_usd = 0.0001; nothing more is started" in started.stderr
    assert not (checkout.folder / "results").exists()


def test_parsing_imports_neither_torch_nor_pandas(root):
    code = (
        "import sys; from pathlib import Path; from flopscape.plan.studies import plan_study; "
        "from flopscape.dag import commands; from flopscape.plan import price_table; "
        "plan_study('kjv-gpt', Path('config/studies/kjv-gpt.yaml')); "
        "sys.exit(bool({'torch', 'pandas', 'numpy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0


def test_the_slurm_profile_starts_from_the_checkout_root(checkout):
    text = checkout.snakemake("-n", "--profile", "slurm")
    assert f"{N_TINY} of {N_TINY}" in text


@pytest.mark.parametrize("listed", [True, False], ids=["config.yaml", "--config"])
def test_a_study_is_found_whose_name_looks_like_a_number(checkout, listed):
    tiny = checkout.folder / "config/studies/tiny.yaml"
    tiny.rename(tiny.with_name("2026_11_26.yaml"))
    if listed:
        checkout.edit("config/config.yaml", "studies: [kjv-gpt]", "studies: [2026_11_26]")
    done = checkout.run("snakemake", "-n", *([] if listed else ["--config", "studies=2026_11_26"]))
    assert "Price of study 2026_11_26" in done.stdout, done.stderr
