"""Preparing a dataset once, and checking that a run reads what was prepared. Imports no torch."""

import dataclasses
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flopscape.errors import FlopscapeError
from flopscape.files.json_text import Spec, canonical, dataset_id, read_json
from flopscape.files.outputs import cannot_write, temporary_name, write_text
from flopscape.files.side_outputs import has_keys
from flopscape.plugins.base import Manifest
from flopscape.plugins.loading import load_plugin

MANIFEST = "manifest.json"
OF_A_DATASET = {"data_hash", "n_units"}
"""Keys by which the manifest of a dataset is told from others of that name, such as an imported study's."""
READ_SIZE = 1 << 20


def data_folder(dataset_spec: Spec, results: Path = Path("results")) -> Path:
    """Where the workflow prepares a dataset; its manifest is `MANIFEST` in there.

    >>> data_folder({"plugin": "flopscape.plugins.digits:Digits"}).parent.as_posix()
    'results/data'
    """
    return results / "data" / dataset_id(dataset_spec)


def prepare_dataset(dataset_spec: Spec, folder: str | os.PathLike[str]) -> Manifest:
    """Prepare a dataset in a temporary sibling of `folder` and put it in place when it is whole.

    `data_hash` is always `hash_folder` of what the plug-in wrote, and `notes["dataset"]` the spec it was made from.

    Parameters
    ----------
    dataset_spec
        `plugin` and, if there are any, `kwargs`.
    folder
        Usually `results/data/{dataset_id}`; replaced if it exists.

    Raises
    ------
    FlopscapeError
        The plug-in cannot be loaded or its source not be used, `folder` holds other files, or the disk
        refuses; `folder` is left as it was.

    Examples
    --------
    From a shell::

        flopscape prepare '{"plugin": "flopscape.plugins.digits:Digits"}' --out digits
    """
    plugin = load_plugin(dataset_spec["plugin"], dataset_spec.get("kwargs"), needs=("prepare", "batches"))
    target = Path(folder)
    _refuse(target, dataset_spec)
    with _replacement(target) as temporary:
        manifest: Manifest = plugin.prepare(temporary)
        notes = manifest.notes | {"dataset": dataset_spec}
        manifest = dataclasses.replace(manifest, data_hash=hash_folder(temporary), notes=notes)
        write_text(temporary / MANIFEST, json.dumps(dataclasses.asdict(manifest), indent=1) + "\n")
    return manifest


def _refuse(target: Path, dataset_spec: Spec) -> None:
    """Raise FlopscapeError where a folder must not be replaced: one that holds anything but a prepared dataset."""
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise FlopscapeError(f"{target}: a link or a file, which stays as it is; name a new folder")
    prepared = has_keys(target / MANIFEST, OF_A_DATASET) or target.name == dataset_id(dataset_spec)
    if target.is_dir() and any(target.iterdir()) and not prepared:
        raise FlopscapeError(
            f"{target}: holds files and no {MANIFEST} of a prepared dataset, and would be replaced; name a new folder"
        )


@contextmanager
def _replacement(target: Path) -> Iterator[Path]:
    """An empty sibling of `target` that takes its place if the block succeeds and is removed if not."""
    temporary, old = target.with_name(temporary_name()), target.with_name(temporary_name())
    try:
        # A sibling, for a rename is atomic within one file system only.
        temporary.mkdir(parents=True)
        yield temporary
        if target.exists():
            # A folder cannot replace one with files in it, so that two renames are needed. A kill between them leaves
            # the target missing, which is prepared again, and never half of it.
            target.rename(old)
        try:
            temporary.rename(target)
        except OSError:
            if old.exists():
                old.rename(target)
            raise
    except OSError as error:
        raise cannot_write(error.filename or target, error) from error
    finally:
        for leftover in (temporary, old):
            shutil.rmtree(leftover, ignore_errors=True)


def hash_folder(folder: str | os.PathLike[str]) -> str:
    """SHA-256 over the names, sizes and bytes of every file in a folder but its manifest."""
    root = Path(folder)
    digest = hashlib.sha256()
    # The manifest holds this hash and so cannot be part of it.
    for path in sorted(p for p in root.rglob("*") if p.is_file() and p.name != MANIFEST):
        # The size ends a file's bytes: without it, bytes that moved from the end of one file to the beginning of the
        # next would give the same hash.
        digest.update(f"{path.relative_to(root).as_posix()} {path.stat().st_size}\n".encode())
        with path.open("rb") as stream:
            while block := stream.read(READ_SIZE):
                digest.update(block)
    return digest.hexdigest()


def read_manifest(folder: str | os.PathLike[str]) -> Manifest:
    """Read a prepared dataset's manifest.

    Raises
    ------
    FlopscapeError
        The folder holds no manifest, or one that is cut short or lacks a field.
    """
    path = Path(folder) / MANIFEST
    if not path.is_file():
        raise FlopscapeError(
            f"{path}: the dataset is not prepared; run snakemake with this file as its target, or flopscape prepare"
        )
    data = read_json(path, "delete the folder and prepare the dataset again")
    try:
        return Manifest(**data)
    except TypeError as error:
        raise FlopscapeError(f"{path}: not a manifest ({error}); delete the folder and prepare it again") from error


def verify_data(folder: str | os.PathLike[str], dataset_spec: Spec) -> Manifest:
    """The manifest of a folder that holds the dataset of a spec, unchanged since it was prepared.

    Raises
    ------
    FlopscapeError
        The manifest is missing or broken, belongs to another dataset, or its hash is not that of the files.
    """
    manifest = read_manifest(folder)
    prepared = manifest.notes.get("dataset", {})
    if canonical(prepared) != canonical(dataset_spec):
        raise FlopscapeError(f"{folder}: holds the dataset {canonical(prepared)}, not {canonical(dataset_spec)}")
    if hash_folder(folder) != manifest.data_hash:
        raise FlopscapeError(
            f"{folder}: its files are not those the manifest was written for; delete the folder and prepare it again"
        )
    return manifest
