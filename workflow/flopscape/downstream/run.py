"""`flopscape downstream`: reads runs and a fit, predicts the accuracy, and writes what it was told to."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from flopscape.answers.predict import read_with_draws
from flopscape.downstream.kept import options_given
from flopscape.downstream.results import Downstream, Refused, Untold, write_numbers
from flopscape.downstream.scored_runs import read_scored
from flopscape.downstream.two_steps import two_steps
from flopscape.downstream.words import text
from flopscape.errors import FlopscapeError
from flopscape.figures.save import draw_to, refuse_figure
from flopscape.files.outputs import refuse_output
from flopscape.fitting.common.draws_file import draws_file, fit_name
from flopscape.records.stamps import Stamp, of_downstream, text_of


def run(
    path: Path,
    fit: Path,
    column: str,
    *,
    flops: Sequence[float] = (),
    n_params: Sequence[float] = (),
    n_tokens: Sequence[float] = (),
    loss: str | None = None,
    chance: float | None = None,
    items: float | None = None,
    exclude: str | None = None,
    columns: Mapping[str, str] | None = None,
    seed: int = 0,
    out: Path | None = None,
    numbers: Path | None = None,
    as_json: bool = False,
) -> str:
    """What is printed; the figure of `out` is written, and the file of `numbers`.

    Parameters
    ----------
    path, fit : path
        A table of runs, and the fit of the loss with its draws beside it.
    column : str
        The accuracy's column.
    flops, n_params, n_tokens, seed
        As for `two_steps`.
    loss, chance, items, exclude, columns
        As for `read_scored`; the loss is that of the fit when left out.
    out, numbers : path, optional
        The figure, and all numbers as JSON. With `numbers` runs that tell no accuracy are an answer, which is written.

    Raises
    ------
    FlopscapeError
        Whatever is wrong with what is asked; nothing is written then.
    """
    read = [path, fit, draws_file(fit)]
    if out is not None:
        refuse_figure(out, read)
    if numbers is not None:
        refuse_output(numbers, read)
    result, draws = read_with_draws(fit)
    known = {"chance": chance, "items": items}
    found: Downstream | Refused
    try:
        runs = read_scored(path, column, loss or result.metric, **known, exclude=exclude, columns=_conventions(columns))
        found = two_steps(runs, result, draws, flops, n_params, n_tokens, name=fit_name(fit), seed=seed)
    except Untold as reason:
        if numbers is None:
            raise
        found = Refused(column, fit_name(fit), str(reason), result.simulated)
    asked = options_given(column, flops, n_params, n_tokens, **known, exclude=exclude, columns=columns, seed=seed)
    stamp = of_downstream(path, fit, asked)
    written = _write(found, out, numbers, stamp)
    if as_json:
        return json.dumps(found.to_json(), indent=2, ensure_ascii=False, allow_nan=False)
    return "\n\n".join([text(found), *(f"{path}: written" for path in written)])


def _write(found: Downstream | Refused, out: Path | None, numbers: Path | None, stamp: Stamp) -> list[Path]:
    written: list[Path] = []
    if out is not None:
        # Imported only where a figure is asked for: matplotlib takes longer than both steps.
        from flopscape.downstream.figure import draw

        written = draw_to(out, draw, found, stamp=stamp)
    if numbers is not None:
        write_numbers(found, numbers, text_of(stamp))
        written.append(numbers)
    return written


def _conventions(columns: Mapping[str, str] | None) -> Mapping[str, str]:
    if columns and "loss" in columns:
        raise FlopscapeError("--column loss=…: the loss is that of the fit; give it as --loss")
    return columns or {}
