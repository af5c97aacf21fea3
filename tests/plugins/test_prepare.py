"""Preparing a dataset puts a whole folder in place, and never another one's."""

from pathlib import Path

import pytest

from flopscape.errors import FlopscapeError
from flopscape.files.json_text import dataset_id
from flopscape.plugins.prepare import prepare_dataset

DIGITS = {"plugin": "flopscape.plugins.digits:Digits"}


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_dataset_is_prepared_again_in_its_place(tmp_path: Path) -> None:
    first = prepare_dataset(DIGITS, tmp_path / "digits")
    (tmp_path / "digits/left-over").touch()
    assert prepare_dataset(DIGITS, tmp_path / "digits") == first
    assert "left-over" not in names(tmp_path / "digits")
    assert names(tmp_path) == {"digits"}


def test_a_folder_of_the_datasets_own_name_is_replaced_without_its_manifest_too(tmp_path: Path) -> None:
    """Snakemake removes the manifest before it has a dataset prepared again."""
    folder = tmp_path / dataset_id(DIGITS)
    prepare_dataset(DIGITS, folder)
    (folder / "manifest.json").unlink()
    prepare_dataset(DIGITS, folder)
    assert "manifest.json" in names(folder)


@pytest.mark.parametrize("manifest", [None, '{"table": "runs.csv", "data_hash": "1f", "columns": {}}', "{", "[]"])
def test_a_folder_with_anything_else_in_it_is_not_replaced(manifest: str | None, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.tex").write_text("years")
    if manifest is not None:
        (tmp_path / "mine/manifest.json").write_text(manifest)
    with pytest.raises(FlopscapeError, match=r"mine: holds files and no manifest\.json of a prepared dataset"):
        prepare_dataset(DIGITS, tmp_path / "mine")
    assert (tmp_path / "mine/thesis.tex").read_text() == "years"


@pytest.mark.parametrize("make", [Path.touch, lambda path: path.symlink_to(path.parent)])
def test_a_file_or_a_link_is_not_replaced(make, tmp_path: Path) -> None:
    make(tmp_path / "there")
    with pytest.raises(FlopscapeError, match="there: a link or a file, which stays as it is"):
        prepare_dataset(DIGITS, tmp_path / "there")
    assert names(tmp_path) == {"there"}


def test_a_dataset_stays_where_the_new_one_cannot_take_its_place(tmp_path: Path, monkeypatch) -> None:
    before = prepare_dataset(DIGITS, tmp_path / "digits")
    rename = Path.rename

    def refuses_new(path: Path, target: Path) -> Path:
        if target.name == "digits" and not (path / "old").exists():
            raise OSError(5, "Input/output error")
        return rename(path, target)

    (tmp_path / "digits/old").touch()
    monkeypatch.setattr(Path, "rename", refuses_new)
    with pytest.raises(FlopscapeError, match=r"digits: cannot be written \(Input/output error\)"):
        prepare_dataset(DIGITS, tmp_path / "digits")
    assert names(tmp_path) == {"digits"}
    assert "old" in names(tmp_path / "digits")
    assert before.data_hash
