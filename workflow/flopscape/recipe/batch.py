"""The arithmetic of a batch: into how many equal pieces it can be cut. Pure, no torch."""


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
