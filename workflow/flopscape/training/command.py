"""Carrying out one run: `train` from Python, `main` from the command line. Torch is imported once all input is good.

A simulated run imports nothing that it does not need: there are thousands of them, and their start is all they cost.
"""

import argparse
import os
import sys
from contextlib import nullcontext, suppress
from dataclasses import replace
from pathlib import Path

from flopscape.errors import FlopscapeError
from flopscape.files.json_text import Spec
from flopscape.files.outputs import make_place, refuse_output
from flopscape.machine.environment import SET_ASIDE, note, own_environment, place_among
from flopscape.machine.measured import Options
from flopscape.plugins.loading import load_plugin
from flopscape.records.run_record import RunRecord
from flopscape.training.spec import check_spec, read_spec
from flopscape.training.stopping import INTERRUPTED, Interrupted, noted_signals
from flopscape.training.trackers import TRACKERS, require_installed

StrPath = str | os.PathLike[str]
OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
"""Environment of a run: the network is for preparing data."""


def train(spec: Spec, out: StrPath, data: StrPath | None = None, options: Options | None = None) -> RunRecord | None:
    """Carry out one run and write its record; a run that diverges leaves a record too.

    Beside the record a `.jsonl` file grows while the run trains: its curve, a point a line.

    Parameters
    ----------
    spec
        What is to be trained: everything that decides the result.
    out
        The record's file.
    data
        Folder of the prepared dataset; `results/data/{dataset_id}` when left out. The data of further held-out sets
        lie beside it, each in the folder of its id.
    options
        What the machine costs and can do, how many processes were launched, and where else to log.

    Returns
    -------
    RunRecord or None
        The record; None in the processes of a distributed run that are not the main one.

    Raises
    ------
    FlopscapeError
        The spec, a plug-in, the data or the launch is wrong, a tracker is missing, another trainer is at this run, its
        checkpoint was made under other conditions, or the record cannot be written: then there is none.
    Interrupted
        A signal asked to stop (see `stopping`); the run is saved, and the same call goes on with it.

    Examples
    --------
    From a shell, with the spec of a record; a second start after a kill goes on from the last checkpoint::

        flopscape train results/kjv-gpt/runs/0123456789ab.json --out again.json
    """
    # First of all: a run of days should not find at its end that its record has no place.
    make_place(out, [data])
    if "trainer" not in spec:
        options = options or Options()
        with noted_signals() as signals, own_environment(options.processes, options.threads, options.device) as names:
            if names and SET_ASIDE not in os.environ and _is_main(options):
                print(f"flopscape: {note(names)}", file=sys.stderr, flush=True)
            return _train_in_loop(spec, Path(out), data, replace(options, set_aside=tuple(names)), signals)
    trainer = load_plugin(spec["trainer"]["plugin"], spec["trainer"].get("kwargs"), needs=("train",))
    record: RunRecord = trainer.train(spec)
    record.write(out)
    return record


def _train_in_loop(
    spec: Spec, out: Path, data: StrPath | None, options: Options, signals: list[str]
) -> RunRecord | None:
    """Train while holding the lease on the run's checkpoints, which go once its record is on the disk."""
    from flopscape.machine.gpus import share_claim
    from flopscape.machine.lease import leased
    from flopscape.training.checkpoint_files import checkpoint_folder, discard
    from flopscape.training.components import load_parts
    from flopscape.training.journal import refuse_journal

    # Everything that can be refused without torch is, before it is imported.
    refuse_journal(out)
    share_claim(os.environ)
    task = check_spec(spec)
    require_installed(options.trackers)
    parts = load_parts(task, Path(data) if data is not None else task.data)
    folder = checkpoint_folder(out)
    # The lease is taken before torch is imported: of two trainers of one run on a machine the second ends at once.
    with leased(folder) if _is_main(options) else nullcontext() as lease:
        from flopscape.training.train import execute

        record = execute(parts, options, out, lease, signals)
        if lease and record:
            # Another may have taken the run over while this process was stopped: the record is written by one of them.
            lease.check()
            record.write(out)
            # In this order: a kill between the two leaves a checkpoint that nobody needs. The other way round it would
            # leave neither record nor checkpoint of a run that was paid for.
            discard(folder)
    return record


def _is_main(options: Options) -> bool:
    """Whether this is the main process of a launch, or the only one; where their places are in doubt, each is."""
    if options.processes == 1:
        return True
    with suppress(FlopscapeError):
        return place_among(options.processes, os.environ, needs_local_rank=False).rank == 0
    return True


def main(arguments: list[str] | None = None) -> int:
    """`python -m flopscape.training SPEC --out RUN.json`: bad input is one sentence on standard error and status 2.

    A run that a signal stopped says so and has status 75.
    """
    parsed = _parser().parse_args(arguments)
    os.environ.update(OFFLINE)
    options = Options(
        device=parsed.device,
        processes=parsed.processes,
        usd_per_hour=parsed.usd_per_hour,
        peak_flops=parsed.peak_flops,
        micro_batch_units=parsed.micro_batch_units,
        trackers=tuple(parsed.tracker or ()),
        tracking_folder=parsed.tracking_folder,
        branches=parsed.branches,
        threads=parsed.threads,
    )
    try:
        refuse_output(parsed.out, [parsed.spec])
        record = train(read_spec(parsed.spec), parsed.out, parsed.data, options)
    except FlopscapeError as error:
        return _say(error, 2, options)
    except Interrupted as stop:
        return _say(stop, INTERRUPTED, options)
    if record is not None:
        print(_summary(record), flush=True)
    return 0


def _say(sentence: Exception, status: int, options: Options) -> int:
    """All processes of a distributed run meet the same error: one of them says so."""
    if _is_main(options):
        print(f"flopscape: {sentence}", file=sys.stderr, flush=True)
    return status


def _summary(record: RunRecord) -> str:
    seen = f"{record.run_id}  {record.n_params:,} parameters  {record.n_tokens_seen:,} {record.unit}s"
    if record.loss is None:
        return f"{seen}  {record.status}: {record.reason}"
    error = "" if record.loss_se is None else f" ± {record.loss_se:.4f}"
    return f"{seen}  held-out loss {record.loss:.4f}{error} nats"


def _units(text: str) -> tuple[int, ...]:
    return tuple(int(word) for word in text.split(","))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="flopscape train",
        description="Carry out one run and write its record.",
        epilog="Example: flopscape train RUN.json --out again.json",
    )
    parser.add_argument("spec", metavar="SPEC", help="a run's spec: JSON text, a file, or a run record")
    parser.add_argument("--out", required=True, metavar="RUN.json", help="where to write the run record")
    parser.add_argument("--data", metavar="DIR", help="prepared dataset (default: results/data/{dataset_id})")
    parser.add_argument("--device", choices=("cpu", "gpu"), help="where to train (default: a GPU if there is one)")
    parser.add_argument("--processes", type=_positive, default=1, metavar="N", help="processes launched (default 1)")
    parser.add_argument("--threads", type=_positive, default=1, metavar="N", help="CPU threads (default 1)")
    parser.add_argument("--usd-per-hour", type=float, metavar="USD", help="price of one process for an hour")
    parser.add_argument(
        "--branches", type=_units, default=(), metavar="N,N", help="leave checkpoints for shorter runs of N tokens"
    )
    parser.add_argument("--peak-flops", type=float, metavar="FLOPS", help="peak FLOP/s of one process, for the MFU")
    parser.add_argument(
        "--micro-batch-units", type=_positive, metavar="UNITS", help="most that a process takes at once, for its memory"
    )
    parser.add_argument("--tracker", action="append", choices=TRACKERS, help="log there too; repeatable")
    parser.add_argument("--tracking-folder", type=Path, metavar="DIR", help="trackers' files (default: trackers/)")
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive integer")
    return int(text)
