"""Arguments and options that several verbs share, and how their text is read."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flopscape.errors import FlopscapeError, joined
from flopscape.fitting.options import Option

if TYPE_CHECKING:
    from flopscape.config.machine import Prices

StudyFile = Annotated[Path, typer.Argument(metavar="CONFIG", help="Study file, such as config/studies/kjv-gpt.yaml.")]
ConfigFile = Annotated[Path, typer.Option("--config", help="Prices and list of studies.")]
GivenPrices = Annotated[
    str | None, typer.Option("--prices", metavar="JSON", help="Prices and speeds; those of the config when left out.")
]
Results = Annotated[Path, typer.Option("--results", help="Folder of all results.")]


def output(words: str, *names: str) -> Any:
    """The option of an output, under the parameter's own name unless another is given."""
    return typer.Option(*names, parser=_output_path, metavar="PATH", help=words)


def output_argument(words: str, metavar: str) -> Any:
    """The argument of an output."""
    return typer.Argument(parser=_output_path, metavar=metavar, help=words)


def refuse_together(verb: str, given: Mapping[str, object]) -> None:
    """Raise FlopscapeError where more than one is given of options that exclude each other, by their names."""
    if len(names := [name for name, value in given.items() if value]) > 1:
        raise FlopscapeError(f"{verb}: {joined(names)} exclude each other; give one of them")


def refuse_without(option: str, given: Mapping[str, object]) -> None:
    """Raise FlopscapeError where options, by their names, are given that mean something beside this one alone."""
    if names := [name for name, value in given.items() if value]:
        raise FlopscapeError(f"{joined(names)}: for {option} alone; leave it out, or give {option}")


def several(words: str, *names: str) -> Any:
    """The option of a list of numbers, each of which counts once: one that is given twice is refused."""
    return typer.Option(*names, callback=_each_once, help=words)


def _each_once(option: typer.CallbackParam, values: list[float] | None) -> list[float] | None:
    if twice := [value for value, n in Counter(values or []).items() if n > 1]:
        raise FlopscapeError(f"{option.opts[0]} {twice[0]!r}: given twice; leave one out")
    return values


def _output_path(text: str) -> Path:
    """The path of an output; an empty one, as of a variable that is not set, would mean the current folder."""
    if not text:
        raise FlopscapeError("the path of an output is empty; name a file or a folder")
    return Path(text)


def prices_of(given: str | None, config_file: Path) -> "Prices":
    """The prices that were given as JSON, or those of the config: a workflow may have others than its file says."""
    from flopscape.config.machine import Prices
    from flopscape.config.read import validate
    from flopscape.files.json_text import parse_object
    from flopscape.plan.studies import settings

    if given is None:
        return settings(config_file).prices
    return validate(
        Prices, parse_object(given, "--prices", "quote it, such as '{\"usd_per_gpu_hour\": 2}'"), "--prices"
    )


def pairs(texts: list[str] | None, option: str, example: str) -> dict[str, str]:
    """Names and values of a repeatable option; a name that is given twice is refused."""
    pairs = [_pair(text, option, example) for text in texts or []]
    if twice := [name for name, n in Counter(name for name, _ in pairs).items() if n > 1]:
        raise FlopscapeError(f"{option} {twice[0]}=…: given twice; leave one out")
    return dict(pairs)


def numbers_of(texts: list[str] | None, option: str) -> dict[str, float]:
    """Names and numbers of a repeatable option, or of JSON, as an option of a method is read.

    >>> numbers_of(["experts=8", "1 - sparsity=0.5"], "--at")
    {'experts': 8.0, '1 - sparsity': 0.5}
    """
    name = option.removeprefix("--")
    numbers: dict[str, float] = Option(name, ("dict[float]",), (), None, "").read_all(texts or [])
    return numbers


def _pair(text: str, option: str, example: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not (separator and name and value):
        raise FlopscapeError(f"{option} {text!r}: write it as {example}")
    return name, value
