"""Arguments and options that several verbs share, and how their text is read."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flopscape.errors import FlopscapeError

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


def _pair(text: str, option: str, example: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not (separator and name and value):
        raise FlopscapeError(f"{option} {text!r}: write it as {example}")
    return name, value
