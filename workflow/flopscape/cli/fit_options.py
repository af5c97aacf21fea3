"""The options of `flopscape fit` and `flopscape sensitivity`: those of every method, and those that methods declare.

The latter are read from the methods' sources (fitting/options.py): of all shipped methods, and of a module of a
user's own that stands behind `--method` on the same command line, for which `--help` shows them too.
"""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from operator import itemgetter
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from flopscape.cli.options import pairs, several
from flopscape.errors import joined
from flopscape.fitting.methods import options_of, shipped_methods
from flopscape.fitting.option_text import NUMBERS, is_collection
from flopscape.fitting.options import TAKEN, Option

RunsFile = Annotated[Path, typer.Argument(metavar="RUNS.csv", help="Table with n_params, n_tokens, loss.")]
Method = Annotated[
    str, typer.Option(help=f"{', '.join(shipped_methods())}, or a module of your own, as my_package.fit.")
]
Flops = Annotated[list[float] | None, several("Compute to predict the optimum for; repeatable.")]
Bootstrap = Annotated[int, typer.Option(min=100, help="Resamples behind the intervals of each fit.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of the resampling.")]
Seeds = Annotated[str | None, typer.Option(help="mean or median: one row for the seeds of a point.")]
Exclude = Annotated[str | None, typer.Option(help="Leave out rows, for example 'n_params < 1e4'.")]
MinFlops = Annotated[float | None, typer.Option(help="Leave out rows of less compute.")]
Column = Annotated[list[str] | None, typer.Option(help="Another convention: n_params=n_params_total.")]
WIDEST = 40
"""Characters of the words that stand behind an option in its help."""
SHORT = {"dict[float]": "NAME=NUMBER", "dict[list[float]]": "NAME=LOW:HIGH", "list[list[str]]": "NAME=NAME"}
"""How mappings and lists are written on a command line; all can be JSON too."""
KEY = "flopscape.options_of_the_method"


def columns_of(texts: list[str] | None) -> dict[str, str]:
    """Our column → the table's, from the words of `--column`."""
    return pairs(texts, "--column", "n_params=n_params_total")


def options_given(context: typer.Context, method: str | None) -> dict[str, Any]:
    """What a command line says to a method, each in the type that the method asks for.

    Raises
    ------
    FlopscapeError
        A text that is no number where a number is meant.
    """
    declared = options_of(method) if method else {}
    values: Mapping[str, Any] = context.meta[KEY]
    # An option that may be repeated and is not given is an empty tuple.
    return {name: _read(declared.get(name), value) for name, value in values.items() if value not in (None, ())}


def _read(option: Option | None, value: Any) -> Any:
    """What a word, or the words of an option that may be repeated, mean to the method."""
    if option and isinstance(value, list | tuple):
        return option.read_all(value) if option.is_collection else option.read(value[-1])
    return option.read(value) if option and isinstance(value, str) else value


class MethodCommand(TyperCommand):
    """A verb that takes, besides its own parameters, the options that methods declare."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the command line with the options of all methods that it may mean; they are kept beside the verb's."""
        # Help is printed while the words are read, so the options are added before that; and they are taken away again,
        # for a verb's own function does not know them and reads them from the context.
        of_verb = [*self.params]
        self.params = [*of_verb, *_parameters(_by_name(_methods_meant(args)))]
        try:
            rest = super().parse_args(ctx, args)
        finally:
            added, self.params = self.params[len(of_verb) :], of_verb
        ctx.meta[KEY] = {entry.name: ctx.params.pop(entry.name) for entry in added}
        return rest


def _methods_meant(args: Sequence[str]) -> list[str]:
    """The shipped methods, and the module that a command line names as its method."""
    # Both spellings of an option, for here the words are looked at before click reads them.
    named = [word.partition("=")[2] for word in args if word.startswith("--method=")]
    named += [value for word, value in pairwise(args) if word == "--method"]
    return [*shipped_methods(), *(method for method in named if method not in shipped_methods())]


def _by_name(methods: Sequence[str]) -> dict[str, dict[str, Option]]:
    """Name of an option → method → the option as that method declares it."""
    by_name: dict[str, dict[str, Option]] = {}
    for method in methods:
        for name, option in options_of(method).items():
            if name not in TAKEN:  # the fit itself refuses such a method
                by_name.setdefault(name, {})[method] = option
    return by_name


def _parameters(options: Mapping[str, Mapping[str, Option]]) -> list[Any]:
    """The options as typer's parameters, each group of methods under a heading of its own."""

    # Typer makes parameters of a function's signature, so here is a function that has nothing else.
    def holder(**_: Any) -> None: ...

    entries = sorted(((joined(methods), name, methods) for name, methods in options.items()), key=itemgetter(0))
    holder.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [_parameter(name, f"Options of {heading}", list(methods.values())) for heading, name, methods in entries]
    )
    app = typer.Typer(add_completion=False, rich_markup_mode="markdown")
    app.command(add_help_option=False)(holder)
    return [*typer.main.get_command(app).params]


def _parameter(name: str, heading: str, declared: Sequence[Option]) -> inspect.Parameter:
    """One option of one or more methods as a parameter of a verb; its first method's help stands for all."""
    first = declared[0]
    is_switch = all(option.is_switch for option in declared)
    info = typer.Option(
        *_flags(first, is_switch),
        help=" ".join(filter(None, [first.help, *_words(first)])),
        metavar=None if is_switch else _metavar(first),
        rich_help_panel=heading,
        show_default=False,
    )
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[_type(declared), info]
    )


def _flags(option: Option, is_switch: bool) -> Iterator[str]:
    """A switch that is on unless told otherwise can be turned off."""
    yield f"--{option.flag}" + (f"/--no-{option.flag}" if is_switch and option.default is True else "")


def _metavar(option: Option) -> str:
    """The words that an option takes, or what else it takes; where they are many its name, for the help lists them."""
    numbers = ["NUMBER"] if NUMBERS.keys() & {*option.types} else []
    short = [SHORT.get(name, "JSON") for name in option.types if is_collection(name)]
    words = "|".join([*option.words, *numbers, *short]) or ("PATH" if "Path" in option.types else "TEXT")
    return words if len(words) <= WIDEST else option.name.upper()


def _words(option: Option) -> Iterator[str]:
    """What a help text says besides the method's own words."""
    if len("|".join(option.words)) > WIDEST:
        yield f"One of {', '.join(option.words)}."
    if option.default and isinstance(option.default, str | int | float) and not option.is_switch:
        yield f"[default: {option.default}]"


def _type(declared: Sequence[Option]) -> Any:
    """Text is what a method reads itself; where all take a switch, or numbers alone, a wrong text is refused here."""
    if all(option.is_switch for option in declared):
        return bool | None
    if any(option.is_collection for option in declared):
        return list[str] | None
    if all(option.types in (("Positive",), ("float",)) and not option.words for option in declared):
        return float | None
    return str | None
