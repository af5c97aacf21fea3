"""`flopscape downstream`: reads runs and a fit, predicts the accuracy, and writes what it was told to."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from flopscape.answers.predict import read_with_draws
from flopscape.downstream.scored_runs import read_scored
from flopscape.downstream.two_steps import two_steps
from flopscape.downstream.words import text
from flopscape.errors import FlopscapeError
from flopscape.figures.save import draw_to, refuse_figure
from flopscape.fitting.common.draws_file import draws_file, fit_name


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
    as_json: bool = False,
) -> str:
    """What is printed; the figure of `out` is written.

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

    Raises
    ------
    FlopscapeError
        Whatever is wrong with what is asked; nothing is written then.
    """
    if out is not None:
        refuse_figure(out, [path, fit, draws_file(fit)])
    result, draws = read_with_draws(fit)
    known = {"chance": chance, "items": items}
    runs = read_scored(path, column, loss or result.metric, **known, exclude=exclude, columns=_conventions(columns))
    found = two_steps(runs, result, draws, flops, n_params, n_tokens, name=fit_name(fit), seed=seed)
    written: list[Path] = []
    if out is not None:
        # Imported only where a figure is asked for: matplotlib takes longer than both steps.
        from flopscape.downstream.figure import draw

        written = draw_to(out, draw, found)
    if as_json:
        return json.dumps(found.to_json(), indent=2, ensure_ascii=False, allow_nan=False)
    return "\n\n".join([text(found), *(f"{path}: written" for path in written)])


def _conventions(columns: Mapping[str, str] | None) -> Mapping[str, str]:
    if columns and "loss" in columns:
        raise FlopscapeError("--column loss=…: the loss is that of the fit; give it as --loss")
    return columns or {}
