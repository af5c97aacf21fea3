"""The verb that sets recipes beside each other."""

from pathlib import Path
from typing import Annotated, Any

import typer

from flopscape.cli.fit_options import Column, Exclude, columns_of
from flopscape.cli.options import Results, output, several
from flopscape.text.terminal import say

verbs = typer.Typer()

Flops = Annotated[list[float] | None, several("Compute to answer for, the verdict being of the largest; repeatable.")]
Pairs = Annotated[
    bool, typer.Option("--pairs/--no-pairs", help="Runs of one seed and budget share the order of their data.")
]
SameText = Annotated[bool, typer.Option("--same-text", help="Losses are of one held-out text, though the data differ.")]


@verbs.command(
    epilog="Example: `flopscape compare kjv-gpt kjv-gpt-swiglu --flops 1e13 --out compare.svg`, "
    "or `flopscape compare adamw.csv muon.csv sophia.parquet --flops 1e22 --csv compare.csv`"
)
def compare(
    recipes: Annotated[
        list[str],
        typer.Argument(metavar="A B [C …]", help="Studies with results, or tables of runs; the first is the baseline."),
    ],
    flops: Flops = None,
    json_: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    csv: Annotated[Path | None, output("CSV to write: a line a pair and compute.")] = None,
    out: Annotated[Path | None, output("Figure to write, as SVG and PNG.")] = None,
    pairs: Pairs = True,
    same_text: SameText = False,
    exclude: Exclude = None,
    column: Column = None,
    results: Results = Path("results"),
) -> None:
    """Say which of two or more recipes is better, by what factor of compute, and whether that will last."""
    from flopscape.api.comparison import compare
    from flopscape.files.side_outputs import both_files

    asked: dict[str, Any] = {"pairs": pairs, "same_text": same_text, "columns": columns_of(column), "exclude": exclude}
    found = compare(*recipes, flops=flops, results=results, csv=csv, out=out, **asked)
    if json_:
        print(found.to_json())
    else:
        written = [*([csv] if csv else []), *(both_files(out, (".svg", ".png")) if out else [])]
        say("\n".join([found.summary(), *(f"{path}: written" for path in written)]))


@verbs.command(
    epilog="Example: `flopscape compare-report results/kjv-gpt/runs.csv results/kjv-gpt-swiglu/runs.csv --name mlp "
    "--flops 1e13 --out results/compare/mlp`"
)
def compare_report(
    tables: Annotated[list[Path], typer.Argument(metavar="A.csv B.csv …", help="Tables of runs, the baseline first.")],
    name: Annotated[str, typer.Option(help="What the comparison is called.")],
    out: Annotated[Path, output("Folder for report.html, report.md and the files that go with them.")],
    fits: Annotated[
        list[Path] | None, typer.Option(help="The fit that each recommends by, in the order of the tables; repeatable.")
    ] = None,
    flops: Flops = None,
    pairs: Pairs = True,
    same_text: SameText = False,
    difference: Annotated[
        list[str] | None, typer.Option(help="A line for the page on what the recipes differ in; repeatable.")
    ] = None,
) -> None:
    """Write the page of a comparison, with its figure, its numbers, a LaTeX table and BibTeX entries."""
    from flopscape.report.write_comparison import Asked, write_comparison

    say(write_comparison(Asked(name, tables, fits or [], flops or [], pairs, same_text, difference or []), out))
