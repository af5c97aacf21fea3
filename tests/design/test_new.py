"""`flopscape new`: the study that a question becomes costs what was given, keeps its base, and says what to expect."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from flopscape.config.ladder import Family
from flopscape.config.machine import Prices
from flopscape.config.read import load_study
from flopscape.config.yaml12 import dump_yaml
from flopscape.design.new import Asked, answer_question
from flopscape.design.new_study import blocks, with_entry
from flopscape.design.question import Means, Money, propose
from flopscape.design.supply import Supply
from flopscape.errors import FlopscapeError
from flopscape.plan.capacity import Capacity
from flopscape.plan.family import family_of
from flopscape.plan.rows import plan_rows
from flopscape.plan.rungs import open_rungs
from tests.design.finished_study import config

KJV = Path("config/studies/kjv-gpt.yaml")
DIGITS = Path("config/studies/digits-mlp.yaml")
FAMILY = Family(width_multiple=4, depth=2)
MEANS = Means(Prices(), Capacity(2))


@pytest.fixture
def kjv():
    return load_study(KJV)


def asked(study, money: Money, *targets: float, text: str = "", **other) -> Asked:
    return Asked("mine", study, text or KJV.read_text(), FAMILY, money, targets, **other)


def answered(question: Asked):
    return answer_question(question, Prices(), Capacity(2), Path("results"), None)


@pytest.mark.parametrize(
    "money", [Money("usd", 0.05), Money("hours", 0.5), Money("wall_hours", 0.3), Money("flops", 1e13)]
)
def test_the_largest_ladder_that_the_money_pays_for_is_found(kjv, money):
    found = propose(kjv, FAMILY, money, [1e16], MEANS)
    spent = found.cost.of(money.measure)
    # The largest budget is rounded down to two digits, and sizes are whole: a tenth of the money may be left.
    assert 0.85 * money.amount < spent <= money.amount


def test_money_for_hardly_more_than_the_least_ladder_makes_a_study(kjv):
    with pytest.raises(FlopscapeError) as error:
        answered(asked(kjv, Money("flops", 1e10), 1e16))
    least = float(re.search(r"takes ([0-9.]+)×10¹¹ FLOPs", str(error.value))[1]) * 1e11
    # As text the largest budget has two digits: were it not rounded, the file would mean another study.
    assert "top: " in answered(asked(kjv, Money("flops", 1.02 * least), 1e16)).text


def test_numbers_of_many_digits_are_written_as_they_are(kjv, tmp_path):
    made = answered(asked(kjv, Money("hours", 0.5), 1.2345678e12))
    made.write(tmp_path / "mine.yaml")
    study = load_study(tmp_path / "mine.yaml")
    assert study.recommend.flops == [1.2345678e12]
    assert study.sweep.ladder.top_flops == 1.2345678e12


def test_the_price_is_that_of_its_own_plan(kjv):
    found = propose(kjv, FAMILY, Money("flops", 1e13), [1e16], MEANS)
    assert found.cost.flops == pytest.approx(sum(row.flops for row in found.rows))
    # 8 s to start each run and 2e10 FLOP/s, the first guesses of the config; $0.05 an hour of one thread.
    hours = (8 * len(found.rows) + found.cost.flops / 2e10) / 3600
    assert found.cost.hours == pytest.approx(hours)
    assert found.cost.usd == pytest.approx(0.05 * hours)


def test_more_money_makes_a_larger_ladder_and_a_narrower_interval(kjv):
    few, many = (propose(kjv, FAMILY, Money("flops", flops), [1e16], MEANS) for flops in (1e13, 1e14))
    assert many.ladder.top_flops > 5 * few.ladder.top_flops
    assert many.expected[0].loss.typical < few.expected[0].loss.typical
    assert many.expected[0].n_params.typical < few.expected[0].n_params.typical


def test_no_budget_is_larger_than_what_is_asked_for_and_the_rest_buys_sizes(kjv):
    usual, capped = (propose(kjv, FAMILY, Money("flops", 1e14), [target], MEANS) for target in (1e17, 3e12))
    assert capped.ladder.top_flops == 3e12
    assert sum(capped.ladder.counts) > sum(usual.ladder.counts)


def test_the_written_study_keeps_its_base_to_the_letter_and_reads_back(kjv, tmp_path):
    made = answered(asked(kjv, Money("hours", 0.5), 1e14))
    path = tmp_path / "studies/mine.yaml"
    made.write(path)
    base, new = blocks(KJV.read_text()), blocks(path.read_text())
    for key in ("model", "dataset", "loss", "training", "resources", "recipe", "trainer"):
        assert new[key] == base[key]
    study = load_study(path)
    assert study.recommend.flops == [1e14]
    assert study.transfer is None
    planned = plan_rows(study, open_rungs(study, []))
    total = re.search(r"# total +(\d+)", path.read_text())
    assert int(total[1]) == len(planned)


def test_the_head_says_price_data_and_what_a_tenth_and_ten_times_would_give(kjv):
    text = "\n".join(answered(asked(kjv, Money("hours", 0.5), 1e14)).lines)
    assert "for 0.5 CPU-hours" in text or "for 0.5 device-hours" in text
    for words in ("Price: $0.0", "epochs of 3.96 M", "for a tenth of that", "for ten times as much", "L* within"):
        assert words in text


def test_a_base_of_plugins_alone_has_its_rates_with_their_source(tmp_path):
    command = [sys.executable, "-m", "flopscape", "new", "mine", "--model", "flopscape.plugins.gpt:GPT"]
    command += ["--dataset", "flopscape.plugins.text:BibleText", "--family", '{"width_multiple": 16, "depth": 2}']
    command += ["--target", "1e14", "--hours", "1", "--studies", str(tmp_path)]
    subprocess.run(command, check=True, cwd=tmp_path, capture_output=True)
    text = (tmp_path / "mine.yaml").read_text()
    assert "arXiv 2203.03466" in text
    assert load_study(tmp_path / "mine.yaml").training.learning_rate_scaling == "width"


@pytest.mark.parametrize(
    ("money", "target", "words"),
    [
        (Money("hours", 0.001), 1e14, "pay for no ladder of this family: the least one takes"),
        (Money("hours", 0.5), 1e9, "below the smallest budget of a ladder of this family"),
    ],
)
def test_a_question_without_a_sound_answer_is_refused(kjv, money, target, words):
    with pytest.raises(FlopscapeError, match=words):
        answered(asked(kjv, money, target))


def test_a_ladder_ends_where_the_data_do_and_what_is_left_is_said(kjv):
    made = answered(asked(kjv, Money("flops", 1e16), 1e17))
    told = " ".join(made.lines)
    patterns = (r"end the ladder at ([\d.]+)×10¹³", r"go to ([\d.]+)×10¹⁵")
    top, wished = (float(re.search(words, told)[1]) for words in patterns)
    assert 1e13 * top < 1e15 * wished
    assert "FLOPs of all runs are left of it" in told
    (ladder,) = re.findall(r"^    top: (.*)  #", made.text, re.MULTILINE)
    assert float(ladder) == pytest.approx(1e13 * top)
    epochs = float(re.search(r"the longest run sees .* tokens, ([\d.]+) epochs of 3\.96 M", told)[1])
    assert 7 < epochs <= 8
    longer = answered(asked(kjv, Money("flops", 1e16), 1e17, allow_repeats=True))
    assert "end the ladder" not in " ".join(longer.lines)


@pytest.mark.parametrize("flops", [1e9, 1.4e10, 1e12, 1e15])
def test_few_data_never_ask_for_less_money_and_more_at_once(flops):
    base = load_study(DIGITS)
    question = Asked("mine", base, DIGITS.read_text(), family_of(base), Money("flops", flops), (3e9,))
    if flops == 1e9:
        with pytest.raises(FlopscapeError, match="spend more, or give smaller sizes"):
            answered(question)
        return
    made = answered(question)
    # The base's sizes lie around 0.3 images a parameter, far from the 20 tokens of text.
    assert "    tokens_per_param: 0.33  #" in made.text
    told = " ".join(made.lines)
    assert "end the ladder" in told or flops == 1.4e10
    assert "spend less" not in told


def test_data_too_few_for_the_least_ladder_are_refused_whatever_the_money(kjv):
    for flops in (1e10, 1e20):
        with pytest.raises(
            FlopscapeError, match=r"the data allow no ladder .* epochs of 1\.00 k, and 4 are the most; bring"
        ):
            propose(kjv, FAMILY, Money("flops", flops), [1e17], MEANS, Supply(1000))


def test_a_batch_that_no_card_holds_is_written_in_pieces(kjv, tmp_path):
    text = KJV.read_text().replace("  batch_units: 256 ", "  batch_units: 262144 ")
    assert text != KJV.read_text()
    (tmp_path / "base.yaml").write_text(text)
    base, family = load_study(tmp_path / "base.yaml"), Family(width_multiple=64, depth=8)
    made = answered(Asked("mine", base, text, family, Money("flops", 1e17), (1e20,), allow_repeats=True))
    made.write(tmp_path / "mine.yaml")
    study = load_study(tmp_path / "mine.yaml")
    piece = study.resources.micro_batch_units
    assert piece is not None
    assert 262144 % piece == 0 == piece % 64
    assert "# what fits of a batch in the memory of a GPU of 80 GB" in made.text
    told = " ".join(" ".join(made.lines).replace(",", "").split())
    assert f"with resources.micro_batch_units: {piece}; at once its 262144 units" in told
    assert study.resources.model_copy(update={"micro_batch_units": None}) == base.resources


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\n", "a: 1\n\nb:\n  # why\n  c: 3\n"),
        ("b: {d: 2}\na: 1\n", "b: {c: 3, d: 2}\na: 1\n"),
        ("b:\n  # first\n  d: 2\na: 1\n", "b:\n  # why\n  c: 3\n  # first\n  d: 2\na: 1\n"),
        ("b:  # all\n    c: null\n    d: 2\n", "b:  # all\n    # why\n    c: 3\n    d: 2\n"),
    ],
)
def test_an_entry_goes_into_its_key_however_that_is_written(text, expected):
    assert with_entry(text, "b", "c: 3", "why") == expected


def test_a_text_that_is_not_there_is_refused_before_anything_is_written(tmp_path):
    command = [sys.executable, "-m", "flopscape", "new", "mine", "--model", "flopscape.plugins.gpt:GPT", "--dataset"]
    command += ["flopscape.plugins.text:TextFile", "--dataset-kwargs", '{"path": "texts/mine.txt"}']
    command += ["--family", '{"width_multiple": 16, "depth": 2}', "--target", "1e14", "--hours", "1"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"texts/mine.txt: no such file, seen from {tmp_path}; correct its kwargs" in done.stderr
    assert not list(tmp_path.iterdir())
    # Seen from there too when the runs train: a study in another folder changes nothing.
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts/mine.txt").write_text("In the beginning.\n\n" * 20_000)
    subprocess.run([*command, "--studies", "deep/studies"], cwd=tmp_path, capture_output=True, check=True)
    assert (tmp_path / "deep/studies/mine.yaml").exists()


def test_a_family_without_sizes_in_reach_is_refused(kjv):
    with pytest.raises(FlopscapeError, match=r"sweep\.family"):
        propose(kjv, Family(sizes=[{"width": 64, "depth": 2}]), Money("flops", 1e14), [1e17], MEANS)


def test_simulated_runs_are_paid_in_flops_alone():
    from flopscape.config.study import Study

    study = Study.model_validate(config())
    with pytest.raises(FlopscapeError, match="simulated runs cost nothing"):
        propose(study, FAMILY, Money("usd", 3.0), [1e17], MEANS)
    assert propose(study, FAMILY, Money("flops", 1e14), [1e17], MEANS).cost.flops <= 1e14


def test_a_study_of_that_name_is_not_replaced(kjv, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("mine")
    with pytest.raises(FlopscapeError, match="there is a study of that name already"):
        answered(asked(kjv, Money("hours", 0.5), 1e14)).write(path)
    assert path.read_text() == "mine"


def test_a_base_in_one_line_is_refused_and_nothing_is_written(tmp_path):
    study = config()
    base = tmp_path / "base.yaml"
    base.write_text("{" + dump_yaml(study, one_line=True)[1:-1] + "}\n")
    question = asked(load_study(base), Money("flops", 1e14), 1e17, text=base.read_text())
    with pytest.raises(FlopscapeError, match="cannot be taken over as text"):
        answered(question).write(tmp_path / "mine.yaml")
    assert not (tmp_path / "mine.yaml").exists()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", "the name of the study is missing"),
        ("a", "give one of --usd, --hours, --wall-hours, --flops: none is given"),
        ("a --usd 1 --flops 1e12", "--usd, --flops are given"),
        ("a --usd -1", "--usd -1.0: must be positive"),
        ("a --usd 1", "--target is missing"),
        ("a --usd 1 --target 1e14", "give either --like"),
        ("a --usd 1 --target 1e14 --model x:Y", "--dataset is missing"),
        ("a --usd 1 --target 1e14 --like a.yaml --dataset x:Y", "new: --like and --dataset exclude each other"),
        ("a --usd 1 --target 1e14 --like a.yaml --device gpu", "new: --like and --device exclude each other"),
        ("bias --usd 1 --target 1e14", "has another use"),
        ("a.yaml --usd 1 --target 1e14", "leave out the ending"),
    ],
)
def test_what_is_missing_is_named(line, words, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "flopscape", "new", *line.split()], cwd=tmp_path, capture_output=True, text=True,
        stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert words in done.stderr
    assert not list(tmp_path.iterdir())


def test_in_a_terminal_it_asks_for_what_is_missing(tmp_path):
    studies = tmp_path / "config/studies"
    studies.mkdir(parents=True)
    (studies / "kjv-gpt.yaml").write_text(KJV.read_text())
    master, slave = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-m", "flopscape", "new"], cwd=tmp_path, stdin=slave, stdout=slave, stderr=slave
    )
    os.close(slave)
    # The study, a name, the compute, device-hours, how many of them.
    os.write(master, b"1\nmine\n1e14\n2\n0.5\n")
    said = b""
    while chunk := _read(master):
        said += chunk
    assert child.wait(60) == 0, said.decode()
    assert load_study(studies / "mine.yaml").recommend.flops == [1e14]


def _read(master: int) -> bytes:
    try:
        return os.read(master, 4096)
    except OSError:  # the other end is closed
        return b""
