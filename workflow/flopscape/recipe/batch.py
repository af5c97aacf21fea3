"""A batch in equal pieces, for processes and for the memory of each. Imports no torch: the config asks here as well.

The batch decides the result of a run, the pieces do not: a gradient is a sum over the units of the batch, in whichever
order and by whichever process its parts are added up.
"""

from typing import TYPE_CHECKING

from flopscape.errors import FlopscapeError

if TYPE_CHECKING:
    from torch import Tensor


def n_micro_batches(batch_units: int, processes: int, micro_batch_units: int | None) -> int:
    """Pieces in which each process takes its share of a batch.

    Parameters
    ----------
    batch_units : int
        Units (tokens, images) of the batch of all processes together.
    processes : int
        Processes of the run.
    micro_batch_units : int or None
        Most units that one process takes at once; None for its whole share.

    Raises
    ------
    ValueError
        The batch is not a whole number of pieces for every process.

    Examples
    --------
    Of 4,096 tokens each of 2 processes has 2,048, which it takes in 4 pieces of 512:

    >>> n_micro_batches(4096, processes=2, micro_batch_units=512)
    4
    >>> n_micro_batches(4096, processes=2, micro_batch_units=None)
    1
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
    # All tensors of a batch have its rows in their first dimension.
    n_rows = len(next(iter(batch.values())))
    if n_rows % n_pieces:
        raise FlopscapeError(f"{n_rows} rows cannot be cut into {n_pieces} micro-batches; raise micro_batch_units")
    pieces = {key: value.split(n_rows // n_pieces) for key, value in batch.items()}
    return [{key: values[i] for key, values in pieces.items()} for i in range(n_pieces)]
