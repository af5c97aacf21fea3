"""`flopscape init`: a whole folder or none, and nothing that was there is touched."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from flopscape.config.read import read_study, validate
from flopscape.config.study import Config
from flopscape.config.working_folder import FIRST_STUDIES, make_working_folder, shipped_studies
from flopscape.errors import FlopscapeError
from tests.conftest import ROOT


def files(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, hidden ones too."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("exists", [False, True])
def test_a_new_folder_has_the_studies_and_profiles_of_the_checkout_and_selects_these_studies(tmp_path, exists):
    folder = tmp_path / "some where/sweeps"
    if exists:
        folder.mkdir(parents=True)
    make_working_folder(folder)
    made = files(folder)
    for name in FIRST_STUDIES:
        assert made[f"config/studies/{name}.yaml"] == (ROOT / f"config/studies/{name}.yaml").read_bytes()
        read_study(folder / f"config/studies/{name}.yaml")
    for path in (ROOT / "profiles").rglob("config.yaml"):
        assert made[str(path.relative_to(ROOT))] == path.read_bytes()
    selected = validate(Config, yaml.safe_load(made["config/config.yaml"]), "config.yaml")
    assert selected.studies == list(FIRST_STUDIES)
    assert (folder / "slurm/config.yaml").read_bytes() == made["profiles/slurm/config.yaml"]
    assert not [name for name in made if ".tmp" in name]
    assert not [text for text in made.values() if b"VERSION" in text]


def test_an_editor_finds_the_schema_that_each_file_names(tmp_path):
    make_working_folder(tmp_path / "sweeps", shipped_studies())
    for path in (tmp_path / "sweeps/config").rglob("*.yaml"):
        (line,) = (line for line in path.read_text().splitlines() if "yaml-language-server" in line)
        assert (path.parent / line.partition("$schema=")[2]).resolve().is_file()


def test_what_git_ignores_in_a_new_folder_is_all_that_runs_leave(tmp_path):
    make_working_folder(tmp_path)
    for made in ("results/quick/runs.csv", "logs/train/a.log", ".snakemake/log/a"):
        (tmp_path / made).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / made).touch()
    for words in (["init", "-q"], ["add", "-A"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    kept = subprocess.run(["git", "ls-files"], cwd=tmp_path, check=True, capture_output=True, text=True).stdout.split()
    assert {"Snakefile", "config/config.yaml", "results/README.md", "README.md"} <= set(kept)
    assert not [name for name in kept if name.startswith(("logs", ".snakemake", "results/quick"))]


@pytest.mark.parametrize("place", ["", "mine"])
def test_a_folder_with_something_in_it_is_left_as_it_is(tmp_path, place):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/.hidden").write_text("kept")
    (tmp_path / "notes.txt").write_text("kept")
    before = files(tmp_path)
    with pytest.raises(FlopscapeError, match="not empty, and nothing in it is touched; name a new folder or an empty"):
        make_working_folder(tmp_path / place)
    assert files(tmp_path) == before


def test_a_file_in_the_place_of_the_folder_is_left_as_it_is(tmp_path):
    (tmp_path / "sweeps").write_text("kept")
    with pytest.raises(FlopscapeError, match="sweeps: a file, where a folder is needed"):
        make_working_folder(tmp_path / "sweeps")
    assert files(tmp_path) == {"sweeps": b"kept"}


def test_an_unknown_study_is_refused_with_those_that_there_are_before_anything_is_made(tmp_path):
    with pytest.raises(FlopscapeError, match=r"quik: no example study; there are chinchilla, .* and tinystories-gpt$"):
        make_working_folder(tmp_path / "sweeps", ["quick", "quik"])
    assert not (tmp_path / "sweeps").exists()


def test_the_verb_says_what_to_type_next_and_a_refusal_is_one_line(tmp_path):
    words = [sys.executable, "-m", "flopscape", "init", "my sweeps", "--study", "quick"]
    first, second = (subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False) for _ in range(2))
    assert first.returncode == 0
    assert "cd 'my sweeps'\nsnakemake -n " in first.stdout
    assert [path.name for path in (tmp_path / "my sweeps/config/studies").iterdir()] == ["quick.yaml"]
    assert second.returncode == 2
    assert second.stderr.count("\n") == 1
    assert "my sweeps: not empty" in second.stderr
