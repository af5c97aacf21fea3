"""A batch in pieces that fit a machine: how many, and cutting them. Imports no torch."""

from typing import TYPE_CHECKING

from flopscape.errors import FlopscapeError

if TYPE_CHECKING:
    from torch import Tensor


def n_micro_batches(batch_units: int, processes: int, micro_batch_units: int | None) -> int:
    """Pieces in which each process takes its share of a batch, for memory; the batch is the same for any number.

    Raises
    ------
    ValueError
        The batch is not a whole number of pieces for every process.
    """
    if batch_units % processes:
        raise ValueError(f"batch_units is {batch_units}, not a multiple of {processes} processes")
    share = batch_units // processes
    if micro_batch_units is None or micro_batch_units >= share:
        return 1
    if share % micro_batch_units:
        raise ValueError(
            f"batch_units is {batch_units}, not a multiple of processes × micro_batch_units = "
            f"{processes} × {micro_batch_units}"
        )
    return share // micro_batch_units


def micro_batches(batch: "dict[str, Tensor]", n_pieces: int) -> "list[dict[str, Tensor]]":
    """Cut a process's share of a batch into equal pieces along its rows (windows, images).

    Raises
    ------
    FlopscapeError
        The rows cannot be shared out equally.
    """
    if n_pieces == 1:
        return [batch]
    n_rows = len(next(iter(batch.values())))
    if n_rows % n_pieces:
        raise FlopscapeError(f"{n_rows} rows cannot be cut into {n_pieces} micro-batches; raise micro_batch_units")
    pieces = {key: value.split(n_rows // n_pieces) for key, value in batch.items()}
    return [{key: values[i] for key, values in pieces.items()} for i in range(n_pieces)]
