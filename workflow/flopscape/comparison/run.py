"""`flopscape compare`: reads the recipes, compares them, and writes what it was told to."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from flopscape.comparison.compare import compare
from flopscape.comparison.recipes import read_recipes
from flopscape.comparison.results import AtCompute, Comparison, Pair
from flopscape.comparison.words import text
from flopscape.figures.save import draw_to, refuse_figure
from flopscape.files.outputs import refuse_output, write_text


def run(
    places: Sequence[str],
    flops: Sequence[float],
    *,
    out: Path | None = None,
    csv: Path | None = None,
    as_json: bool = False,
    results: Path = Path("results"),
    columns: Mapping[str, str] | None = None,
    exclude: str | None = None,
    use_pairs: bool = True,
    same_text: bool = False,
) -> str:
    """What is printed; the figure of `out` and the table of `csv` are written.

    Raises
    ------
    FlopscapeError
        Whatever is wrong with what is asked; nothing is written then.
    """
    read: list[str | Path] = [*places, *(results / place / "runs.csv" for place in places)]
    if out is not None:
        refuse_figure(out, read)
    if csv is not None:
        refuse_output(csv, read)
    recipes = read_recipes(places, results, columns, exclude)
    found = compare(recipes, flops, use_pairs=use_pairs, same_text=same_text)
    told = json.dumps(found.to_json(), indent=2, ensure_ascii=False, allow_nan=False) if as_json else text(found)
    if csv is not None:
        write_text(csv, table(found).to_csv(index=False))
    if out is not None:
        # Imported only where a figure is asked for: matplotlib takes longer than a comparison.
        from flopscape.comparison.figure import draw

        draw_to(out, draw, found)
    written = [f"{path}: written" for path in (csv, out) if path is not None and not as_json]
    return "\n".join([told, *written])


def table(found: Comparison) -> pd.DataFrame:
    """A line for each pair and told compute; open ends and what never happens are empty."""
    return pd.DataFrame([_line(pair, at) for pair in found.pairs for at in pair.points])


def _line(pair: Pair, at: AtCompute) -> dict[str, Any]:
    return {"a": pair.a, "b": pair.b, **dict(_flat(asdict(at)))}


def _flat(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """An estimate under its own name, its ends under the name with _low and _high."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from ((name if end == "estimate" else f"{name}_{end}", number) for end, number in value.items())
        else:
            yield name, value
