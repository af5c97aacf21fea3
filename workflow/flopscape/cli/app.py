"""`flopscape <verb>`: each verb reads files, calls one function of the package, writes files.

The verbs stand in one file for each group. Heavy imports stay inside them, so that `--help` and the plan are instant
and one verb's code is not another's.
"""

from typing import Annotated

import typer

import flopscape
from flopscape.cli import compare, design, downstream, fits, new, plan, runs, studies

app = typer.Typer(
    help="Plan, price, run and fit scaling-law sweeps.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for group in (plan, new, design, runs, fits, compare, downstream, studies):
    app.add_typer(group.verbs)


def _print_version(asked: bool) -> None:
    if asked:
        print(f"flopscape {flopscape.__version__}")
        raise typer.Exit


@app.callback()
def everything(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show where a command failed, as FLOPSCAPE_DEBUG=1 does.")
    ] = False,
) -> None:
    """Plan, price, run and fit scaling-law sweeps."""
