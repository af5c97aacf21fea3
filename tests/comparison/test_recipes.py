"""What cannot be compared is refused in a sentence; and the verb's outputs."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from flopscape.cli.app import app
from flopscape.comparison.compare import compare
from flopscape.comparison.recipes import Recipe, doubts, read_recipes, refuse_incomparable
from flopscape.comparison.words import text
from flopscape.errors import FlopscapeError
from flopscape.runs.read import table_of
from tests.comparison.recipe_tables import frame_of, recipe


def refused(a, b, **how):
    with pytest.raises(FlopscapeError) as refusal:
        refuse_incomparable([a, b], **how)
    return str(refusal.value)


def with_columns(name, seed=0, **columns):
    return recipe(name, seed, columns=columns)


def test_other_units_other_texts_and_other_tokenizers_are_refused():
    plain = recipe("plain", 1)
    assert "in nats per token, as no column loss_unit says and in bits per byte" in refused(
        plain, with_columns("new", loss_unit="bits per byte")
    )
    assert "D in tokens and in images" in refused(plain, with_columns("new", unit="image"))
    one, other = with_columns("plain", data_hash="a" * 64), with_columns("new", 1, data_hash="b" * 64)
    assert "data_hash aaaaaaaaaaaa… and bbbbbbbbbbbb…: other data, or another split" in refused(one, other)
    refuse_incomparable([one, other], same_text=True)
    one, other = with_columns("plain", vocab_size=256), with_columns("new", 1, vocab_size=50257)
    assert "vocab_size 256 and 50257: a loss a token of two tokenisers" in refused(one, other)
    bits = [with_columns(n, s, vocab_size=v, loss_unit="bits per byte") for n, s, v in (("a", 0, 256), ("b", 1, 512))]
    refuse_incomparable(bits)
    assert "losses are in bits per byte; what a token of each is worth is in the part" in text(compare(bits))
    assert "one is simulated and the other is not" in refused(plain, with_columns("new", simulated=True))


def test_a_unit_or_a_tokenizer_is_known_however_it_is_written():
    bits = [with_columns(n, i, loss_unit=unit) for i, (n, unit) in enumerate((("a", "Bits per byte"), ("b", "bpb")))]
    refuse_incomparable(bits)
    assert "losses in Bits per byte and in nats per byte" in refused(
        bits[0], with_columns("new", loss_unit="nats per byte")
    )
    # Of byte pairs, and so of tokens.
    pairs = [with_columns(n, i, loss_unit="nats per byte-pair token", vocab=n) for i, n in enumerate(("a", "b"))]
    assert "vocab a and b: a loss a token" in refused(*pairs)
    assert "tokenizer gpt2 and llama" in refused(
        with_columns("a", Tokenizer="gpt2"), with_columns("b", 1, tokeniser="llama")
    )
    # An integer with a blank below it is read as a float.
    refuse_incomparable([with_columns("a", vocab_size=256), with_columns("b", 1, vocab_size=[256.0] * 34 + [None])])


def test_data_that_no_column_names_are_said_to_be_taken_for_granted():
    named, silent = with_columns("named", data_hash="a" * 64), recipe("silent", 1)
    assert [*doubts(named, with_columns("other", 1, data_hash="a" * 64), False)] == []
    (said,) = doubts(named, silent, False)
    assert said.startswith("silent: no column data_hash tells the data")
    assert said.replace(":", ".") in text(compare([named, silent])).replace(":", ".")
    assert [*doubts(named, silent, True)] == []


def test_too_few_runs_one_budget_and_one_size_a_budget_are_refused():
    plain = recipe("plain", 1)
    assert "4 different pairs of N and D" in refused(recipe("new", sizes=2, budgets=2), plain)
    assert "all runs cost about 10¹⁸ FLOPs, one budget" in refused(recipe("new", budgets=1), plain)
    assert "one size at each compute" in refused(recipe("new", sizes=1, budgets=7), plain)
    with pytest.raises(FlopscapeError, match="name two recipes at least"):
        refuse_incomparable([plain])


def test_runs_in_both_and_sweeps_without_common_compute_are_refused():
    plain = recipe("plain", 1)
    assert "all runs are in both (plain-0, plain-1, plain-2 and 32 more)" in refused(plain, plain)
    shared = recipe("shared", 1, budgets=5, columns={"budget": frame_of("shared").budget * 100})
    assert "10²⁰ to 10²² FLOPs have only 10²⁰ FLOPs in common" in refused(recipe("plain", 2), shared)
    frame = frame_of("far").assign(n_tokens=lambda f: 1e6 * f["n_tokens"], budget=lambda f: 1e6 * f["budget"])
    assert "have no compute in common" in refused(plain, recipe("far", columns=dict(frame[["n_tokens", "budget"]])))


def test_copies_are_known_after_rounding_and_chance_is_not_called_a_copy():
    plain, frame = recipe("plain", 1), frame_of("plain", 1)
    for loss in (frame["loss"].round(4), frame["loss"].astype("float32")):
        assert "all runs are in both" in refused(plain, with_columns("new", loss=loss))
    # Ten copies among other runs: to six digits no chance, to three perhaps.
    other = frame_of("new", 2)["loss"]
    some = [*frame["loss"][:10].round(7), *other[10:]]
    assert "10 runs of the first are in both (plain-0, plain-1, plain-2 and 7 more)" in refused(
        plain, with_columns("new", loss=some)
    )
    near = [frame["loss"][0] + 1e-7, *other[1:]]
    refuse_incomparable([plain, with_columns("new", loss=near)])
    assert "1 run of plain and of new agree" in next(doubts(plain, with_columns("new", loss=near), True))
    coarse = [with_columns(name, loss=frame_of(name, i)["loss"].round(2)) for i, name in enumerate(("a", "b"))]
    refuse_incomparable(coarse)
    (said,) = doubts(*coarse, True)
    assert "agree in N, D, C and, as far as its digits go, in the loss" in said


def test_a_loss_that_does_not_fall_is_refused_beside_one_that_does():
    frame = frame_of("odd")
    for loss in (3.0, frame["n_params"] ** 0.1, 3 + np.random.default_rng(0).normal(0, 0.1, 35)):
        with pytest.raises(FlopscapeError, match=r"^odd\.csv: the loss does not clearly fall with N and D"):
            compare([with_columns("odd", loss=loss), recipe("plain", 1)])


def test_compute_that_is_counted_in_two_ways_is_refused_and_six_n_d_by_another_name_is_not():
    plain, frame = recipe("plain", 1), frame_of("new")
    six = 6 * frame["n_params"] * frame["n_tokens"]
    refuse_incomparable([plain, with_columns("new", flops=six)])
    assert "C is 6·n_params·n_tokens in the one and flops in the other" in refused(
        plain, with_columns("new", flops=7 * six / 6)
    )


@pytest.fixture
def tables(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frame_of("plain", 1).to_csv("plain.csv", index=False)
    frame_of("new", 2, mu_d=0.4).to_parquet("new.parquet")
    Path("results/study").mkdir(parents=True)
    frame_of("study", 3).to_csv("results/study/runs.csv", index=False)
    return tmp_path


def invoke(*words):
    return CliRunner().invoke(app, ["compare", *words])


def test_recipes_are_studies_or_tables_and_others_are_refused(tables):
    assert [one.name for one in read_recipes(["study", "plain.csv", "new.parquet"])] == ["study", "plain", "new"]
    frame_of("plain", 1).to_csv("wd-0.1.csv.gz", index=False)
    assert read_recipes(["wd-0.1.csv.gz"])[0].name == "wd-0.1"
    same = ["study", "results/study/runs.csv"]
    assert [one.name for one in read_recipes(same)] == ["results/study/runs.csv"] * 2
    assert "all runs are in both" in refused(*read_recipes(same))
    with pytest.raises(FlopscapeError, match=r"nowhere: neither a table nor a study with results/nowhere/runs\.csv"):
        read_recipes(["plain.csv", "nowhere"])


def test_the_verb_prints_the_verdict_first_and_writes_table_and_figure(tables):
    done = invoke("plain.csv", "new.parquet", "--flops", "1e21", "--csv", "out.csv", "--out", "out.svg")
    assert done.exit_code == 0
    assert done.stdout.startswith("new is better: it needs 0.")
    assert "10 times the most that both have runs of" in done.stdout.splitlines()[0]
    written = pd.read_csv("out.csv")
    assert written["flops"].tolist() == pytest.approx([1e18, 1e20, 1e21, 1e22])
    assert (written["multiplier_low"] < written["multiplier"]).all()
    svg = Path("out.svg").read_text()
    assert all(words in svg for words in ("compute multiplier", "beyond the sweeps", "new is better"))
    assert Path("out.png").is_file()
    # What is said to be written is: the table keeps its name to itself.
    said = invoke("plain.csv", "new.parquet", "--out", "plain.csv").stdout
    assert said.splitlines()[-2:] == ["plain.csv.svg: written", "plain.csv.png: written"]


def test_the_verb_prints_json(tables):
    done = invoke("plain.csv", "study", "--json")
    told = json.loads(done.stdout)
    assert told["recipes"] == ["plain", "study"]
    # The largest compute of both, where none is asked for.
    assert told["target"] == pytest.approx(1e20)
    assert 0 < told["pairs"][0]["target"]["probability"] < 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["plain.csv"], "name two recipes at least"),
        (["plain.csv", "new.parquet", "--flops", "-1"], "--flops -1: must be positive, and not so far"),
        (["plain.csv", "new.parquet", "--flops", "1e300"], "--flops 1e+300: must be positive, and not so far"),
        (["plain.csv", "new.parquet", "--flops", "1e-5"], "less than one parameter; ask for more compute"),
        (["plain.csv", "new.parquet", "--csv", "plain.csv"], "would be written over plain.csv"),
        (["plain.csv", "study", "--exclude", "budget > 2e18", "--csv", "out.csv"], "one budget"),
    ],
)
def test_bad_input_is_one_sentence_and_writes_nothing(tables, words, said):
    done = invoke(*words)
    assert said in str(done.exception)
    assert isinstance(done.exception, FlopscapeError)
    assert not Path("out.csv").exists()


def test_losses_that_fall_with_nothing_are_refused():
    flat = [frame_of(name).assign(loss=3 + np.random.default_rng(i).normal(0, 1e-3, 35)) for i, name in enumerate("ab")]
    with pytest.raises(FlopscapeError, match="does not clearly fall with N and D"):
        compare([Recipe(name, table_of(frame, f"{name}.csv")) for name, frame in zip("ab", flat, strict=True)])
