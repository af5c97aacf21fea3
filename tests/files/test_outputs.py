"""Where an output may be written: nothing that is there already is lost, and a refusal is one sentence."""

import os
import socket
import stat
from pathlib import Path

import pytest

from flopscape.errors import FlopscapeError
from flopscape.files import outputs
from flopscape.files.outputs import refuse_output, replacing, write_text
from flopscape.files.side_outputs import side_output


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a file."""
    monkeypatch.chdir(tmp_path)
    Path("old.txt").write_text("old")
    return tmp_path


def link_to(target: str) -> str:
    os.symlink(target, "there")
    return "there"


def fifo() -> str:
    os.mkfifo("there")
    return "there"


def server() -> str:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("there")
    return "there"


def read_only() -> str:
    Path("old.txt").chmod(0o444)
    return "old.txt"


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (lambda: "", "a folder; name a file"),
        (lambda: ".", "a folder; name a file"),
        (lambda: "/dev/null", "a device"),
        (lambda: "/dev/full", "a device"),
        (lambda: "/dev/stdout", "a link to"),
        (fifo, "a device, pipe or socket"),
        (server, "a device, pipe or socket"),
        (lambda: link_to("old.txt"), "a link to old.txt"),
        (lambda: link_to("nothing"), "a link to nothing"),
        (read_only, "read-only"),
        (lambda: "old.txt/new.txt", "old.txt: a file, where a folder is needed"),
        (lambda: "old.txt/a/b/new.txt", "old.txt: a file, where a folder is needed"),
        (lambda: "a" * 300, r"cannot be written \(File name too long\); give it a shorter name"),
        (lambda: "a/" * 3000 + "b", r"cannot be written \(File name too long\); give it a shorter name"),
    ],
)
def test_what_is_no_ordinary_file_stays_as_it_is(place, words, folder) -> None:
    out = place()
    before = {path: path.lstat() for path in folder.iterdir()}
    for write in (refuse_output, lambda path: write_text(path, "new")):
        with pytest.raises(FlopscapeError, match=words) as error:
            write(out)
        assert "\n" not in str(error.value)
    assert {path: path.lstat().st_ino for path in folder.iterdir()} == {p: found.st_ino for p, found in before.items()}
    assert Path("old.txt").read_text() == "old"
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


@pytest.mark.parametrize(
    "spelling", ["old.txt", "./old.txt", "sub/../old.txt", "{folder}/old.txt", "sub/linked/old.txt"]
)
def test_an_input_is_not_an_output_however_it_is_spelt(spelling: str, folder: Path) -> None:
    (folder / "sub").mkdir()
    (folder / "sub/linked").symlink_to(folder)
    with pytest.raises(FlopscapeError, match=r"old\.txt: would be written over .*old\.txt, which this command reads"):
        refuse_output(spelling.format(folder=folder), [None, "gone.txt", "old.txt"])


def test_an_input_behind_a_link_of_either_kind_is_not_an_output(folder: Path) -> None:
    os.link("old.txt", "hard.txt")
    os.symlink("old.txt", "soft.txt")
    for read in ("hard.txt", "soft.txt"):
        with pytest.raises(FlopscapeError, match=f"would be written over {read}"):
            refuse_output("old.txt", [read])


def test_a_folder_that_may_not_be_written_to_is_refused_by_the_final_path(folder: Path) -> None:
    """/proc takes no files, from an administrator either."""
    for write in (refuse_output, lambda path: write_text(path, "new")):
        with pytest.raises(FlopscapeError, match=r"^/proc/fit\.json: cannot be written \(.*\); .*name another$"):
            write("/proc/fit.json")


def test_a_planted_link_at_the_temporary_name_is_not_followed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outputs, "temporary_name", lambda: "known.tmp")
    os.symlink("old.txt", "known.tmp")
    with pytest.raises(FlopscapeError, match=r"^new\.txt: cannot be written"):
        write_text("new.txt", "new")
    assert Path("old.txt").read_text() == "old"
    assert not Path("new.txt").exists()


def test_nobody_can_foresee_the_temporary_name(folder: Path) -> None:
    assert len({outputs.temporary_name() for _ in range(100)}) == 100


def test_a_failed_write_leaves_the_old_file_and_nothing_else(folder: Path) -> None:
    def write_half() -> None:
        with replacing("old.txt") as temporary:
            temporary.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half()
    assert {path.name: path.read_text() for path in folder.iterdir()} == {"old.txt": "old"}


def test_an_error_of_the_disk_names_the_final_path_and_the_cure(folder: Path) -> None:
    def write_to_a_full_disk() -> None:
        with replacing("old.txt"), open("/dev/full", "w") as full:
            full.write("new")

    with pytest.raises(FlopscapeError, match=r"^old\.txt: cannot be written \(No space left on device\); free space$"):
        write_to_a_full_disk()
    assert {path.name: path.read_text() for path in folder.iterdir()} == {"old.txt": "old"}


def test_an_output_has_the_rights_of_any_new_file(folder: Path) -> None:
    write_text("a/b/new.txt", "new")
    Path("plain.txt").touch()
    assert Path("a/b/new.txt").stat().st_mode == Path("plain.txt").stat().st_mode


@pytest.mark.parametrize(
    ("out", "beside"),
    [
        ("f.all.json", "f.all.draws.parquet"),
        ("f.all", "f.all.draws.parquet"),
        ("d/mine.JSON", "d/mine.draws.parquet"),
        ("f.v1.2", "f.v1.2.draws.parquet"),
        (".json", ".json.draws.parquet"),
    ],
)
def test_what_stands_beside_an_output_has_its_whole_name(out: str, beside: str) -> None:
    assert side_output(out, ".draws.parquet") == Path(beside)
