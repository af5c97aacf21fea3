"""What the set-up says on a machine that cannot be set up."""

import os
import subprocess
import sys

import pytest


@pytest.fixture
def machine(tmp_path, root):
    """Run the check with programs of our own in front of the real ones."""

    def check(python, *room, **programs):
        for name, script in programs.items():
            (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
            (tmp_path / name).chmod(0o755)
        path = f"{tmp_path}:{os.environ['PATH']}"
        command = ["sh", str(root / "envs/check-machine.sh"), python, ".", *room]
        return subprocess.run(command, env={"PATH": path}, cwd=tmp_path, capture_output=True, text=True, check=False)

    return check


def test_a_good_machine_passes_in_silence(machine):
    done = machine(sys.executable)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("python", "programs", "sentence"),
    [
        ("no-such-python", {}, "no no-such-python on this machine: install Python 3.11 or newer"),
        ("old", {"old": '[ "$1" = --version ] && echo Python 3.8.1; exit 1'}, "Python 3.8.1 is too old"),
        (sys.executable, {"df": "printf 'h\\nd 1 1 12 1%% /\\n'"}, "12 MB free in"),
    ],
)
def test_a_bad_machine_gets_one_sentence(machine, python, programs, sentence):
    done = machine(python, **programs)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1


def test_another_environment_may_need_more_room(machine):
    little = {"df": "printf 'h\\nd 1 1 5000 1%% /\\n'"}
    assert machine(sys.executable, **little).returncode == 0
    done = machine(sys.executable, ".venv-vision", "10000", **little)
    assert "5000 MB free in" in done.stderr
    assert "needs 10000 MB" in done.stderr
