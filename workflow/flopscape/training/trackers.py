"""TensorBoard, MLflow and W&B as Accelerate's own trackers, all of them into files. Imports no torch.

    {folder}/tensorboard/{run_id}/     event files
    {folder}/mlflow/                   a file store: the study is the experiment, the run is named by its id
    {folder}/wandb/{run_id}/           an offline run, for `wandb sync`

No two writers share a file, but for the MLflow experiment, which whoever comes first creates under a lock.
A package is imported when its tracker is asked for.
"""

import importlib.util
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flopscape.errors import FlopscapeError

if TYPE_CHECKING:
    from accelerate.tracking import GeneralTracker

TRACKERS = ("tensorboard", "mlflow", "wandb")
"""Names of the trackers, which are those of their packages."""
SILENCE = {"DO_NOT_TRACK": "true", "WANDB_ERROR_REPORTING": "false"}
"""MLflow's and W&B's own reports home are off, unless the environment says otherwise: training uses no network."""
LOCK_SECONDS = 60.0


@dataclass(frozen=True)
class Tracked:
    """One run's place in its trackers: their folder, the study's name, the run's id."""

    folder: Path
    project: str
    run_id: str


def require_installed(names: tuple[str, ...]) -> None:
    """Raise FlopscapeError for trackers whose package is missing."""
    missing = [name for name in names if importlib.util.find_spec(name) is None]
    if missing:
        raise FlopscapeError(
            f"tracking: {', '.join(missing)} is not installed; run pip install 'flopscape[trackers]', or take it out "
            f"of the study's tracking.trackers"
        )


def new_trackers(names: tuple[str, ...], place: Tracked) -> "list[GeneralTracker]":
    """Accelerate's trackers, not yet started; what an earlier part of this run left in them is removed.

    A run that goes on logs its whole curve again: then nothing is there twice, and nothing is missing, wherever the
    part before was killed.
    """
    for variable, value in SILENCE.items():
        os.environ.setdefault(variable, value)
    makers = {"tensorboard": _tensorboard, "mlflow": _mlflow, "wandb": _wandb}
    # Each once, though a list in a config may name one twice.
    return [makers[name](place) for name in dict.fromkeys(names)]


def _tensorboard(place: Tracked) -> "GeneralTracker":
    from accelerate.tracking import TensorBoardTracker

    return TensorBoardTracker(place.run_id, _emptied(place.folder / "tensorboard", place.run_id).parent)


def _mlflow(place: Tracked) -> "GeneralTracker":
    from accelerate.tracking import MLflowTracker

    os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")  # since version 3.17 MLflow wants it said
    import mlflow

    mlflow.set_tracking_uri((place.folder / "mlflow").resolve().as_uri())
    client = mlflow.MlflowClient()
    if experiment := client.get_experiment_by_name(place.project):
        # By its name, which is the id of ours: MLflow gives each run an id of its own, which no checkpoint keeps.
        for run in client.search_runs([experiment.experiment_id], f"attributes.run_name = '{place.run_id}'"):
            client.delete_run(run.info.run_id)
    return MLflowTracker(place.project, run_name=place.run_id)


def _wandb(place: Tracked) -> "GeneralTracker":
    import wandb
    from accelerate.tracking import WandBTracker

    folder = _emptied(place.folder / "wandb", place.run_id)
    folder.mkdir(parents=True)
    quiet = wandb.Settings(console="off", disable_git=True, save_code=False, silent=True)
    names = {"id": place.run_id, "name": place.run_id}
    return WandBTracker(place.project, mode="offline", dir=str(folder), settings=quiet, **names)


def _emptied(parent: Path, name: str) -> Path:
    folder = parent / name
    shutil.rmtree(folder, ignore_errors=True)
    return folder


@contextmanager
def one_at_a_time(place: Tracked) -> Iterator[None]:
    """Runs that start together create the MLflow experiment of their study once."""
    from filelock import FileLock

    place.folder.mkdir(parents=True, exist_ok=True)
    # MLflow looks for the experiment and then creates it: two runs at once would both find none.
    with FileLock(place.folder / ".lock", timeout=LOCK_SECONDS):
        yield
