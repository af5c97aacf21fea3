"""Opening Hugging Face datasets: a name on the Hub, or a folder. Imports `datasets` only when one is opened.

`datasets` runs no code of a dataset's authors: it has no such option from version 4 on.
"""

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from flopscape.errors import FlopscapeError

Rows = Iterator[dict[str, Any]]


@dataclass(frozen=True)
class Opened:
    """A dataset that was found: what it is, its licence as far as its authors state one, and a way to each split."""

    description: str
    licence: str
    take: Callable[[str], Any]

    def rows(self, split: str, columns: list[str]) -> Rows:
        """The rows of a split, in its own order, as {column: value}.

        Raises
        ------
        FlopscapeError
            There is no such split or column, or the rows cannot be read.
        """
        with readable(self.description):
            dataset = self.take(split)
            if dataset.column_names:
                self._require(columns, split, dataset.column_names)
                yield from dataset.select_columns(columns)
                return
            # A stream may not know its columns before its first row.
            for row in dataset:
                self._require(columns, split, list(row))
                yield row

    def _require(self, columns: list[str], split: str, names: list[str]) -> None:
        if absent := [column for column in columns if column not in names]:
            raise FlopscapeError(
                f"{self.description}: split {split} has no column {', '.join(absent)}, only {', '.join(names)}"
            )


def open_dataset(path: str, name: str | None = None, revision: str | None = None, stream: bool = False) -> Opened:
    """Find a dataset: a folder written by `save_to_disk` or holding data files, else a name on the Hub.

    Parameters
    ----------
    path, name, revision
        The folder or the name, the configuration, and the commit, tag or branch; the newest when left out.
    stream
        Read rows while downloading, and no more than are asked for, instead of downloading all first.

    Raises
    ------
    FlopscapeError
        The extra `hub` is not installed, or the dataset is not here and the Hub does not answer or has none.
    """
    datasets = import_extra("datasets")
    with readable(path):
        if is_saved(path):
            saved = datasets.load_from_disk(path)
            splits = saved if isinstance(saved, datasets.DatasetDict) else {"train": saved}
            info = next(iter(splits.values())).info
            return Opened(path, info.license or "not stated", lambda split: _saved_split(splits, split))
        builder = datasets.load_dataset_builder(path, name, revision=revision)
        # The commit that the name stands for today: the manifest keeps it, so that the same data can be had again.
        description = ", ".join([path, *([f"configuration {name}"] if name else []), f"revision {builder.hash}"])
        take = builder.as_streaming_dataset if stream else lambda split: _downloaded_split(builder, split)
        return Opened(description, _card_licence(path, builder.hash), take)


def is_saved(path: str) -> bool:
    """Whether a folder was written by `save_to_disk`, of a dataset or of several splits."""
    return any(Path(path, name).is_file() for name in ("state.json", "dataset_dict.json"))


def local_files(path: str) -> list[str]:
    """The files of a dataset that is a folder: when one changes, the data are prepared again."""
    return sorted(str(file) for file in Path(path).rglob("*") if file.is_file())


def import_extra(module: str) -> ModuleType:
    """A module of the extra `hub`."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise FlopscapeError(f"{module} is not installed ({error}); run pip install 'flopscape[hub]'") from error


@contextmanager
def readable(source: str) -> Iterator[None]:
    """Turn what the libraries raise while reading a source into a FlopscapeError: one sentence that begins with it."""
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        yield
    # Before the handler of OSError, of which both are kinds: what cures these is a network.
    except (ConnectionError, LocalEntryNotFoundError) as error:
        raise FlopscapeError(
            f"{source}: is not on this machine, and the Hugging Face Hub does not answer; correct the name, or prepare "
            "the data where there is a network"
        ) from error
    except IndexError as error:  # what datasets 5 says of a saved split without rows
        raise FlopscapeError(f"{source}: holds no rows; use a larger dataset") from error
    except (OSError, ValueError, RuntimeError, import_extra("datasets").exceptions.DatasetsError) as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise FlopscapeError(f"{source}: cannot be read: {reason}") from error


def _saved_split(splits: dict[str, Any], split: str) -> Any:
    if split not in splits:
        raise ValueError(f"it has no split {split}, only {', '.join(splits)}")
    return splits[split]


def _downloaded_split(builder: Any, split: str) -> Any:
    builder.download_and_prepare()
    return builder.as_dataset(split=split)


def _card_licence(path: str, revision: str) -> str:
    """What the dataset's card states."""
    from huggingface_hub import DatasetCard, hf_hub_download

    readme = Path(path) / "README.md"
    try:
        if not Path(path).is_dir():
            readme = Path(hf_hub_download(path, "README.md", repo_type="dataset", revision=revision))
        licence = DatasetCard.load(readme).data.license if readme.is_file() else None
    except (OSError, ValueError):
        licence = None
    return ", ".join([licence] if isinstance(licence, str) else licence or ["not stated"])
