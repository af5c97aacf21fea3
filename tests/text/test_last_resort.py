"""A command that fails says so in one sentence; where it failed is told to those who ask."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from flopscape.errors import FlopscapeError
from flopscape.text.last_resort import DEBUG_VARIABLE, ended, without_debug


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(DEBUG_VARIABLE, "0")
    monkeypatch.chdir(tmp_path)
    Path("runs.csv").touch()


def too_deep() -> int:
    return too_deep()


def too_large() -> None:
    raise MemoryError


def stopped() -> None:
    raise KeyboardInterrupt


def not_ours() -> None:
    raise ValueError("the first line\nand  the second")


def no_rights() -> None:
    raise PermissionError(13, "Permission denied", "/data/x")


def ours() -> None:
    raise FlopscapeError("runs.csv, row 3: no loss")


@pytest.mark.parametrize(
    ("verb", "status", "sentence"),
    [
        (
            not_ours,
            1,
            "fit: ValueError: the first line and the second (given runs.csv); `flopscape --debug fit …` shows where",
        ),
        (no_rights, 1, "fit: /data/x: Permission denied (given runs.csv); `flopscape --debug fit …` shows where"),
        (too_large, 1, "fit: the memory is used up; give it more, or a smaller table (given runs.csv); `flopscape"),
        (too_deep, 1, "fit: something in the input is nested too deeply (given runs.csv); `flopscape --debug fit"),
        (stopped, 130, "stopped by Ctrl-C"),
        (ours, 2, "runs.csv, row 3: no loss"),
    ],
)
def test_any_exception_is_one_sentence_and_its_own_status(verb, status, sentence, capsys) -> None:
    assert ended(verb, ["fit", "runs.csv", "--out", "f.json"]) == status
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"flopscape: {sentence}")
    assert printed.err.count("\n") == 1


@pytest.mark.parametrize("verb", [not_ours, ours])
def test_whoever_asks_sees_the_trace_and_then_the_sentence(verb, monkeypatch, capsys) -> None:
    monkeypatch.setenv(DEBUG_VARIABLE, "1")
    ended(verb, ["fit"])
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("Traceback")
    assert any(verb.__name__ in line for line in lines)
    assert lines[-1].startswith("flopscape: ")


def test_the_option_is_for_all_verbs_and_for_the_processes_that_they_start(monkeypatch) -> None:
    assert without_debug(["--debug", "train", "a.json"]) == ["train", "a.json"]
    assert os.environ[DEBUG_VARIABLE] == "1"
    assert without_debug(["fit", "--debug"]) == ["fit", "--debug"]
    assert without_debug([]) == []


def test_a_status_of_a_verb_is_kept_and_none_means_success() -> None:
    assert [ended(lambda status=status: status, []) for status in (None, 0, 75)] == [0, 0, 75]
    assert [ended(lambda status=status: sys.exit(status), []) for status in (None, 0, 2)] == [0, 0, 2]


@pytest.mark.parametrize("verb", ["print(9)", "(print(9), sys.exit(0))"])
def test_a_reader_that_stops_early_such_as_head_is_no_fault(verb: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    program = f"import sys; from flopscape.text.last_resort import ended; sys.exit(ended(lambda: {verb}, []))"
    done = subprocess.run([sys.executable, "-c", program], stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")


def test_what_cannot_be_printed_on_a_full_disk_is_one_sentence() -> None:
    program = "import sys; from flopscape.text.last_resort import ended; sys.exit(ended(lambda: print(9), ['plan']))"
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, "-c", program], stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 1
    assert done.stderr.decode() == (
        "flopscape: plan: No space left on device; `flopscape --debug plan …` shows where\n"
    )


def test_the_commands_end_in_sentences_too(tmp_path: Path) -> None:
    """The plug-in of a run raises what nobody foresaw."""
    Path("mine.py").write_text("class Broken:\n    def train(self, spec):\n        return 1 / 0\n")
    spec = '{"trainer": {"plugin": "mine:Broken"}}'
    for words in (["flopscape", "train"], ["flopscape.training"]):
        line = [sys.executable, "-m", *words, spec, "--out", "run.json"]
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert done.stderr == (
            "flopscape: train: ZeroDivisionError: division by zero; `flopscape --debug train …` shows where\n"
        )
    line = [sys.executable, "-m", "flopscape", "--debug", "train", spec, "--out", "run.json"]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert "return 1 / 0" in done.stderr
