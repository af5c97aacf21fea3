"""What `flopscape check-plugin` is asked about: the plug-ins of a study, or those of the command line."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from flopscape.checks.subject import Subject
from flopscape.errors import FlopscapeError
from flopscape.files.json_text import Spec, canonical
from flopscape.plan.finished import look_at_runs, refuse_other_data
from flopscape.plan.plugin_kwargs import why_refused
from flopscape.plan.studies import plan_study
from flopscape.plugins.base import Size
from flopscape.plugins.loading import has_method, import_class, load_model, load_plugin
from flopscape.plugins.prepare import data_folder, prepare_dataset, verify_data
from flopscape.records.metrics import OWN
from flopscape.training.further_sets import PreparedData, load_sets

LOSS: Spec = {"plugin": "flopscape.plugins.losses:NextToken"}


def subject_of_study(path: Path, data: Path | None = None) -> Subject:
    """The plug-ins of a study at every size that it plans, with its prepared data.

    Raises
    ------
    FlopscapeError
        The study cannot be planned, simulates its runs, its data are not prepared, or they are others than those its
        finished runs saw.
    """
    planned = plan_study(path.stem, path)
    study = planned.study
    if study.simulated or study.dataset is None:
        raise FlopscapeError(f"{path}: its runs are simulated by {study.trainer.plugin}: there is nothing to check")
    # With the sizes that rungs are expected to have: what is wrong with one of them should not be found out last.
    rows = sorted(planned.all_rows, key=lambda row: row.n_params_body + row.n_params_head + row.n_params_embedding)
    # Each size once, smallest first, for dicts keep the order in which keys came: checks that train run at the first.
    sizes = tuple({canonical(row.size): row.size for row in rows}.values())
    specs = {"model": study.model.spec(), "dataset": study.dataset.spec(), "loss": study.loss.spec()}
    folder = data or data_folder(specs["dataset"])
    subject = constructed(specs, sizes, study.training.batch_units, folder)
    assert subject.manifest is not None
    heldout = load_sets(rows[0].spec.get("heldout", {}), PreparedData(subject.dataset, subject.manifest, folder))
    runs, prepared = [*rows, *planned.search], [one for one in heldout if not one.is_own]
    folders = {OWN: folder} | {one.name: one.folder for one in prepared}
    today = {OWN: subject.manifest.data_hash} | {one.name: one.manifest.data_hash for one in prepared}
    # As many records as there are runs: all of them, for before the first run is trained one on other data is enough to
    # refuse.
    finished = look_at_runs(runs, path.stem, Path("results"), today, len(runs))
    refuse_other_data(path.stem, finished, folders, today)
    return replace(subject, sets=heldout or None)


@contextmanager
def subject_of_plugins(
    specs: dict[str, Spec], sizes: list[Size], batch_units: int, data: Path | None
) -> Iterator[Subject]:
    """Plug-ins on their own; a dataset is prepared in a temporary folder unless `data` holds it."""
    if "model" in specs and not sizes:
        raise FlopscapeError("check-plugin: a model is checked at its sizes: give --sizes '{\"width\": 32}'")
    with TemporaryDirectory(prefix="flopscape-") as temporary:
        folder = data or Path(temporary) / "data"
        if "dataset" in specs and data is None:
            prepare_dataset(specs["dataset"], folder)
        yield constructed(specs, tuple(sizes), batch_units, folder)


def constructed(specs: dict[str, Spec], sizes: tuple[Size, ...], batch_units: int, folder: Path) -> Subject:
    """Plug-ins constructed from their specs.

    Parameters
    ----------
    specs : dict
        Part (`model`, `dataset`, `loss`): its `plugin` and `kwargs`.
    sizes : tuple of dict
        Sizes of the model, the smallest first.
    batch_units : int
        Units of a batch.
    folder : Path
        Of the prepared data, if a dataset is among the parts.

    Raises
    ------
    FlopscapeError
        A plug-in cannot be loaded or rejects its arguments, or the data are not those of the dataset.
    """
    if wrong := why_refused(specs):
        raise FlopscapeError("\n".join(wrong))
    loss = specs.get("loss", LOSS if "model" in specs else None)
    dataset = specs.get("dataset")
    return Subject(
        model=load_model(*_path(specs["model"])) if "model" in specs else None,
        loss=load_plugin(*_path(loss)) if loss else None,
        dataset=load_plugin(*_path(dataset), needs=("prepare", "batches")) if dataset else None,
        sizes=sizes,
        batch_units=batch_units,
        folder=folder if dataset else None,
        manifest=verify_data(folder, dataset) if dataset else None,
        names={part: spec["plugin"] for part, spec in specs.items()},
    )


def _path(spec: Spec) -> tuple[str, Any]:
    return spec["plugin"], spec.get("kwargs")


def part_of(path: str) -> str:
    """Which part of a study a class is, by the methods it has."""
    plugin_class = import_class(path)
    for part, method in (("model", "build"), ("dataset", "batches"), ("loss", "__call__")):
        if has_method(plugin_class, method):
            return part
    raise FlopscapeError(
        f"plugin {path}: the class has neither build (a model), batches (a dataset) nor __call__ (a loss); add one"
    )
