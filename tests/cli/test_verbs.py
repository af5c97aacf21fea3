"""Every verb: its output is refused before anything is computed, and nothing that was there is changed."""

import json
import os
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.main import get_command

from flopscape.cli.app import app
from flopscape.errors import FlopscapeError
from flopscape.training.command import main as train

ROOT = Path(__file__).resolve().parents[2]
STUDY = (ROOT / "config/studies/quick.yaml").read_text()
SEARCHED = (ROOT / "config/studies/kjv-gpt.yaml").read_text()
ONE_FILE = [
    "plan study.yaml --csv {out}",
    "forecast study.yaml --out {out}",
    "collect study.yaml --runs runs --out {out}",
    "import runs.csv --out {out}",
    "fit runs.csv --method vpnls --out {out}",
    "sensitivity runs.csv --out {out}",
    "predict f.json --out {out}",
    "validate runs.csv --fits f.json --out {out}",
    "backtest runs.csv --out {out}",
    "figure isoflop f.json --runs runs.csv --out {out}",
    "bias-report --results results --out {out}",
    "atlas porian --out {out}",
    "atlas-page runs.csv --out {out}",
    "report study.yaml --results . --out {out}",
    "checklist study.yaml --results . --out {out}",
    "check-plugin --study study.yaml --out {out}",
    "next runs.csv --target 1e21 --spend 1e20 --out {out}",
    "plan-rung study.yaml --rung refine --results results --out {out}",
    "rung study.yaml --flops 1e13 --out {out}",
    "compare runs.csv f.json --csv {out}",
    "compare runs.csv f.json --out {out}",
    "downstream runs.csv --fit f.json --accuracy accuracy@x --out {out}",
    "downstream runs.csv --fit f.json --accuracy accuracy@x --numbers {out}",
    "take-run f.json spec.json --out {out}",
    "train spec.json --out {out}",
]
FOLDER = [
    "init {out}",
    "import runs.csv --folder {out}",
    "transfer searched.yaml --runs runs --out {out}",
    "bias exp00 --fast --out {out}",
    "twin runs.csv --out {out}",
    "compare-report runs.csv f.json --name c --out {out}",
    'prepare \'{{"plugin": "flopscape.plugins.text:BibleText"}}\' --out {out}',
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with the inputs of every verb, none of which is read before a refusal."""
    monkeypatch.chdir(tmp_path)
    Path("study.yaml").write_text(STUDY)
    Path("searched.yaml").write_text(SEARCHED)
    for name in ("runs.csv", "f.json", "spec.json"):
        Path(name).write_text(f"the user's {name}")
    return tmp_path


def call(line: str, capsys: pytest.CaptureFixture[str]) -> str:
    """The sentence in which a command is refused."""
    verb, *words = shlex.split(line)
    if verb == "train":
        assert train(words) == 2
        return capsys.readouterr().err
    with pytest.raises(FlopscapeError) as error:
        app([verb, *words], standalone_mode=False)
    return str(error.value)


def contents(folder: Path) -> dict[str, bytes | str]:
    return {
        str(path.relative_to(folder)): os.readlink(path) if path.is_symlink() else path.read_bytes()
        for path in folder.rglob("*")
        if path.is_symlink() or path.is_file()
    }


def made(make: Callable[[], object], name: str) -> str:
    make()
    return name


def a_link(ending: str) -> str:
    return made(lambda: os.symlink("runs.csv", f"a{ending}"), f"a{ending}")


def read_only(ending: str) -> str:
    return made(lambda: (Path(f"a{ending}").write_text("mine"), Path(f"a{ending}").chmod(0o444)), f"a{ending}")


def a_folder(ending: str) -> str:
    return made(lambda: Path(f"a{ending}").mkdir(), f"a{ending}")


PLACES = {
    "device": (lambda ending: "/dev/full", "a device"),
    "link": (a_link, "a link to runs.csv"),
    "read-only": (read_only, "read-only"),
    "folder": (a_folder, "a folder; name a file"),
    "here": (lambda ending: ".", ".: a folder; name a file"),
    "above": (lambda ending: "..", "..: a folder; name a file"),
    "in a file": (lambda ending: f"runs.csv/a{ending}", "runs.csv: a file, where a folder is needed"),
    "long": (lambda ending: "a" * 300 + ending, "File name too long"),
}


def ending_of(line: str) -> str:
    """What a verb adds to a name without it: no device has it."""
    figures = {"figure": ".svg", "compare": ".svg" if "--csv" not in line else ""}
    figures["downstream"] = ".svg" if "--numbers" not in line else ""
    return (figures | {"report": ".html", "bias-report": ".html", "atlas-page": ".html"}).get(line.split()[0], "")


@pytest.mark.parametrize(
    ("line", "place"),
    [(line, place) for line in ONE_FILE for place in PLACES if not (place == "device" and ending_of(line))],
)
def test_a_place_where_no_file_can_be_is_refused_first(line: str, place: str, folder, capsys) -> None:
    make, words = PLACES[place]
    out = make(ending_of(line))
    before = contents(folder)
    text = call(line.format(out=out), capsys)
    assert words in text
    assert len(text.splitlines()) == 1
    assert contents(folder) == before


@pytest.mark.parametrize("line", [*ONE_FILE, *FOLDER])
def test_an_empty_output_is_refused(line: str, folder, capsys) -> None:
    before = contents(folder)
    text = call(line.format(out="''"), capsys)
    assert "empty" in text or "a folder" in text
    assert contents(folder) == before


@pytest.mark.parametrize("line", FOLDER)
def test_a_file_in_the_place_of_a_folder_is_refused(line: str, folder, capsys) -> None:
    before = contents(folder)
    assert "runs.csv: " in call(line.format(out="runs.csv"), capsys)
    assert contents(folder) == before


@pytest.mark.parametrize(
    ("line", "file"),
    [
        ("plan study.yaml --csv ./study.yaml", "study.yaml"),
        ("forecast study.yaml --out ./study.yaml", "study.yaml"),
        ("plan study.yaml --config f.json --csv f.json", "f.json"),
        ("collect study.yaml --runs . --out linked/study.yaml", "study.yaml"),
        ("import runs.csv --out ./runs.csv", "runs.csv"),
        ("import linked/runs.csv --folder .", "runs.csv"),
        ("fit runs.csv --method vpnls --out linked/runs.csv", "runs.csv"),
        ("fit f.json --method vpnls --out f.json", "f.json"),
        ("fit runs.csv --method approach1 --curves f.json --out ./f.json", "f.json"),
        ("fit r.draws.parquet --method vpnls --out r.json", "r.draws.parquet"),
        ("sensitivity runs.csv --out hard.csv", "hard.csv"),
        ("figure isoflop f.json --runs runs.svg --out runs.svg", "runs.svg"),
        ("report page.html --results . --out page.html", "page.html"),
        ("check-plugin --study study.yaml --out study.yaml", "study.yaml"),
        ("transfer t/verdict.json --runs runs --out t", "t/verdict.json"),
        ("bias exp00 --settings b/table.csv --out b", "b/table.csv"),
        ("twin t/twin.csv --out t", "t/twin.csv"),
        ("plan-rung study.yaml --rung 1 --results . --out linked/study.yaml", "study.yaml"),
        ("train spec.json --out linked/spec.json", "spec.json"),
    ],
)
def test_an_input_is_never_an_output(line: str, file: str, folder, capsys) -> None:
    (folder / "linked").symlink_to(folder)
    os.link("runs.csv", "hard.csv")
    for name in ("t", "b"):
        (folder / name).mkdir()
    for name in ("r.draws.parquet", "runs.svg", "b/table.csv", "t/twin.csv"):
        Path(name).write_text(f"the user's {name}")
    Path("page.html").write_text(STUDY)
    Path("t/verdict.json").write_text(SEARCHED)
    before = contents(folder)
    text = call(line, capsys)
    assert file in text
    assert "which this command reads" in text
    assert contents(folder) == before


@pytest.mark.parametrize(
    ("line", "files"),
    [
        ("fit runs.csv --method vpnls --out a.json", ["a.draws.parquet"]),
        ("collect study.yaml --runs runs --out a.csv", ["a.parquet", "a.curves.parquet"]),
        ("collect study.yaml --runs runs --out d/runs.csv", ["d/runs.parquet", "d/curves.parquet"]),
        ("import runs.csv --folder d", ["d/runs.csv", "d/runs.parquet", "d/curves.parquet", "d/manifest.json"]),
        ("figure isoflop f.json --runs runs.csv --out a.svg", ["a.png"]),
        ("report study.yaml --results . --out README.html", ["README.md"]),
        ("bias-report --results results --out README.html", ["README.md"]),
        ("atlas-page runs.csv --out README.html", ["README.md", "README.csv"]),
        ("twin runs.csv --out d", ["d/twin.csv", "d/verdict.json", "d/figure.svg", "d/figure.png"]),
        ("bias exp00 --fast --out d", ["d/table.csv", "d/verdict.json", "d/figure.svg", "d/figure.png"]),
        ("compare-report runs.csv f.json --name c --out d", ["d/report.html", "d/table.tex", "d/comparison.json"]),
        ("transfer searched.yaml --runs runs --out d", ["d/table.csv", "d/verdict.json"]),
        ('prepare \'{"plugin": "flopscape.plugins.text:BibleText"}\' --out d', ["d/thesis.tex"]),
    ],
)
def test_a_file_of_the_users_that_no_option_names_is_not_replaced(line, files, folder, capsys) -> None:
    (folder / "d").mkdir()
    for file in files:
        Path(file).write_text("the user's own")
        before = contents(folder)
        assert file.rpartition("/")[2] in call(line, capsys) or file == "d/thesis.tex"
        assert contents(folder) == before
        Path(file).unlink()


def test_the_journal_of_a_run_replaces_no_data_of_the_users(folder, capsys) -> None:
    spec = {"model": {"plugin": "a:B"}, "dataset": {"plugin": "c:D"}}
    Path("spec.json").write_text(json.dumps(spec))
    Path("data.jsonl").write_text('{"text": "mine"}\n')
    assert "data.jsonl: would be written along with" in call("train spec.json --out data.json", capsys)
    assert Path("data.jsonl").read_text() == '{"text": "mine"}\n'


def test_every_verb_with_an_output_is_tried() -> None:
    commands = get_command(app).commands
    with_output = {n for n, c in commands.items() if {"out", "csv_out", "folder"} & {p.name for p in c.params}}
    assert with_output == {line.split()[0] for line in [*ONE_FILE, *FOLDER]}
