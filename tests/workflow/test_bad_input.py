"""Mistakes end in one sentence before anything runs, and leave nothing that a later run would trust."""

import pytest


def refused(checkout, *words):
    done = checkout.run("snakemake", *words)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert not (checkout.folder / "results").exists()
    return done.stdout + done.stderr


def refused_table(finished):
    """What is said instead of collecting the records of `tiny`."""
    words = ("--runs", "results/tiny/runs", "--out", "again.csv")
    done = finished.run("flopscape", "collect", "config/studies/tiny.yaml", *words)
    assert done.returncode == 2
    assert not (finished.folder / "again.csv").exists()
    return done.stderr


@pytest.mark.parametrize("name", ["a b", "a/b", "$(touch hacked)", "-x"])
def test_a_hostile_study_name_is_refused(checkout, name):
    assert "study name" in refused(checkout, "--config", f"studies=[{name!r}]")
    assert not (checkout.folder / "hacked").exists()


def test_an_unknown_study_names_the_nearest(checkout):
    assert "did you mean kjv-gpt" in refused(checkout, "--config", "studies=kjv-gtp")


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("flopscape.plugins.gpt:GPT", "nowhere.model:GPT", "nowhere.model cannot be imported"),
        ("flopscape.plugins.gpt:GPT", "flopscape.plugins.base:Counts", "the class has no method build"),
        ("budgets: [3.0e+10", "budgets: [3.0e+5", "less than one batch of 256"),
        ("width: 16", "width: -16", "width is -16, not a positive integer"),
        ("fits:", "fitz:", "unknown key fitz; did you mean fits?"),
        ("noise: 0.002", "nois: 0.002", "Surface: unknown key nois; did you mean noise?"),
    ],
)
def test_a_wrong_study_is_one_sentence_that_names_the_file(checkout, old, new, sentence):
    checkout.edit("config/studies/tiny.yaml", old, new)
    text = refused(checkout, "--config", "studies=tiny")
    assert sentence in text
    assert "config/studies/tiny.yaml" in text


def test_a_poor_sweep_is_refused_when_strict(checkout):
    checkout.edit("config/studies/tiny.yaml", "title:", "strict: true\ntitle:")
    assert "coverage is poor and strict is true" in refused(checkout, "--config", "studies=tiny")


def test_a_record_cut_in_half_stops_everything_with_its_name(finished):
    first, second = finished.records()[:2]
    first.write_text(first.read_text()[:300])
    second.unlink()
    done = finished.run("snakemake", "--config", "studies=tiny")
    assert done.returncode != 0
    assert f"{first.name}: not whole JSON" in done.stderr
    assert not second.exists()


def test_collection_names_a_record_cut_in_half(finished):
    record = finished.records()[0]
    record.write_text(record.read_text()[:300])
    assert f"{record.name}: not whole JSON" in refused_table(finished)


def test_an_unreadable_corpus_is_one_sentence_before_any_training(checkout):
    checkout.edit("config/studies/kjv-gpt.yaml", "text:BibleText", "text:TextFile")
    checkout.edit("config/studies/kjv-gpt.yaml", "    context: 64       # tokens a sequence\n", "    path: gone.txt\n")
    assert f"gone.txt: no such file, seen from {checkout.folder}; correct its kwargs" in refused(checkout)
    (checkout.folder / "gone.txt").write_text("too short")
    done = checkout.run("snakemake")
    assert done.returncode != 0
    (log,) = (checkout.folder / "logs/data").glob("*.log")
    assert log.read_text().startswith("flopscape: gone.txt: too small")
    assert checkout.records("kjv-gpt") == []


def test_a_run_on_other_data_is_named_by_the_dry_run_and_never_tabled(finished):
    odd = finished.records()[0]
    odd.write_text(odd.read_text().replace('"data_hash": "', '"data_hash": "another'))
    assert f"1 of 12 finished runs were trained on other data ({odd.stem})" in finished.snakemake("-n")
    assert f"runs {odd.stem} saw other data than the rest" in refused_table(finished)
