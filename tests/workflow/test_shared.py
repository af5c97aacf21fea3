"""Studies of one file that plan the same runs train each once, wait for it, and price it once."""

import os

STUDY = """
title: Simulated, shared
model: {plugin: flopscape.plugins.gpt:GPT}
trainer:
  plugin: flopscape.plugins.surface:Surface
  kwargs: {E: 1.0, A: 30.0, B: 400.0, alpha: 0.4, beta: 0.5, noise: 0.002}
matrix:
  fits: {one: {twin.seed: 1}, two: {twin.seed: 2}, more: {sweep.isoflop.seeds: 2}}
sweep:
  isoflop: {budgets: [3.0e+10, 1.0e+11], sizes: [{width: 16, depth: 2}, {width: 32, depth: 2}]}
fits: [approach2]
recommend: {flops: [1.0e+12]}
"""
LABELS = ("one", "two", "more")
TABLES = [f"results/shared.{label}/runs.csv" for label in LABELS]


def n_taken(checkout, label: str) -> int:
    """Jobs that have copied a record."""
    logs = (checkout.folder / f"logs/train/shared.{label}").glob("*.log")
    return sum("taken from results/shared.one/" in log.read_text() for log in logs)


def price(text: str, label: str) -> str:
    return text.partition(f"Price of study shared.{label} ")[2].partition("Price of study")[0]


def to_train(text: str, label: str) -> tuple[int, int]:
    """The runs that a study is to train, out of all."""
    due, _, planned = price(text, label).partition("\ntotal")[2].split()[:3]
    return int(due), int(planned)


def test_a_run_of_three_studies_is_trained_once_and_copied_and_priced_once(checkout):
    (checkout.folder / "config/studies/shared.yaml").write_text(STUDY)
    planned = checkout.snakemake("-n", *TABLES, studies="shared")
    assert [to_train(planned, label) for label in LABELS] == [(4, 4), (0, 4), (4, 8)]
    assert "4 runs that shared.one plans too: their records are taken from there" in price(planned, "two")

    checkout.snakemake(*TABLES, studies="shared")
    assert [n_taken(checkout, label) for label in LABELS] == [0, 4, 4]
    one, two, more = (checkout.records(f"shared.{label}") for label in LABELS)
    assert {path.name for path in one} == {path.name for path in two} < {path.name for path in more}
    for path, other in zip(one, two, strict=True):
        assert path.read_bytes() == other.read_bytes()
        # No link: either folder may be moved or deleted, and its files be edited, alone.
        assert not other.is_symlink()
        assert os.stat(other).st_nlink == 1

    # Whichever study has a record, the others take it; one that is asked for again by its name is trained.
    records = [str(path.relative_to(checkout.folder)) for path in (one[0], two[1])]
    one[0].unlink()
    text = checkout.snakemake("-n", *records, "-f", studies="shared")
    assert [to_train(text, label) for label in LABELS] == [(0, 4), (1, 4), (0, 8)]
    assert "1 run that shared.two plans too" in price(text, "one")
    # A record of other code is not taken.
    checkout.append("plugins/surface.py", "UNUSED = 1")
    text = checkout.snakemake("-n", records[0], studies="shared")
    assert to_train(text, "one") == (1, 4)
