"""A study's file from a question: the base's own text, with another sweep, and what is expected of it as comments.

The base's model, data, recipe and resources are kept as they are written, with what its comments say of them: the
source of a rate, what a batch costs. Title, sweep, fits and recommendation are written anew.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from flopscape.config.study import Study
from flopscape.config.yaml12 import dump_yaml
from flopscape.errors import FlopscapeError
from flopscape.files.outputs import write_text

OWN = ("title", "sweep", "fits", "recommend", "transfer", "strict", "limits", "twin")
"""Keys that the new study does not take from its base."""
NO_TEXT = "cannot be taken over as text: write its keys at the left edge, one below the other"
KEY = re.compile(r"^([A-Za-z_]+):", re.MULTILINE)


def blocks(text: str) -> dict[str, str]:
    r"""The text of each key at the top of a study, with the comments right above it.

    >>> blocks("# first\ntitle: A\n\n# the data\ndataset: {plugin: a:B}\n")
    {'title': '# first\ntitle: A\n', 'dataset': '# the data\ndataset: {plugin: a:B}\n'}
    """
    keys = list(KEY.finditer(text))
    starts = [_with_comments(text, key.start()) for key in keys]
    ends = [*starts[1:], len(text)][: len(starts)]
    return {key[1]: text[start:end].strip("\n") + "\n" for key, start, end in zip(keys, starts, ends, strict=True)}


def _with_comments(text: str, at: int) -> int:
    """Where the comments begin that stand right above a place."""
    lines = text[:at].splitlines(keepends=True)
    while lines and lines[-1].startswith("#") and not lines[-1].startswith("# yaml-language-server"):
        at -= len(lines.pop())
    return at


def text_of(base: str, header: Sequence[str], own: Mapping[str, str]) -> str:
    """The new file: the header as comments, then the title, what is kept of the base, and the rest of `own`.

    Raises
    ------
    FlopscapeError
        The base is written in a way that cannot be taken over as text.
    """
    found = blocks(base)
    if "model" not in found:
        raise FlopscapeError(f"the base study's model {NO_TEXT}")
    kept = [text for key, text in found.items() if key not in OWN]
    head = "".join(f"# {line}".rstrip() + "\n" for line in header)
    return "\n".join([head, own["title"], *kept, *(text for key, text in own.items() if key != "title")])


def with_entry(text: str, key: str, entry: str, comment: str) -> str:
    r"""The text of a study with an entry of one of its keys in the place of the one of that name, or as its first.

    >>> print(with_entry("a: 1\nb:\n  c: null  # old\n  d: 2\n", "b", "c: 3", "why"), end="")
    a: 1
    b:
      # why
      c: 3
      d: 2
    """
    own = blocks(text).get(key)
    if own is None:
        return f"{text.rstrip()}\n\n{key}:\n  # {comment}\n  {entry}\n"
    if flow := re.search(rf"^{key}:[ \t]*\{{", own, re.MULTILINE):
        return text.replace(own.rstrip("\n"), f"{own[: flow.end()]}{entry}, {own[flow.end() :]}".rstrip("\n"), 1)
    first = re.search(rf"^{key}:.*\n(?:[ \t]*(?:#.*)?\n)*([ \t]+)", own, re.MULTILINE)
    if not first:
        raise FlopscapeError(f"the base study's {key} {NO_TEXT}")
    lines = f"{first[1]}# {comment}\n{first[1]}{entry}\n"
    changed, n = re.subn(rf"^{first[1]}{re.escape(entry.partition(':')[0])}:.*\n", lines, own, flags=re.MULTILINE)
    if not n:
        at = own.index("\n", first.start()) + 1
        changed = own[:at] + lines + own[at:]
    return text.replace(own, changed, 1)


def write_study(path: Path, text: str) -> None:
    """Write the file; raises FlopscapeError where there is one of that name."""
    if path.exists():
        raise FlopscapeError(f"{path}: there is a study of that name already; choose another name")
    write_text(path, text)


def refuse_other_meaning(read: Study, meant: Study) -> None:
    """Raise FlopscapeError where what was written is another study than was meant."""
    if odd := [part for part in Study.model_fields if getattr(read, part) != getattr(meant, part)]:
        raise FlopscapeError(f"the base study's {odd[0]} {NO_TEXT}")


BASE = """\
# How often the runs are to be trained anew: bump it, and all are.
recipe: 1

# The architecture: a class by import path, and its arguments.
{model}

# The data.
{dataset}

# Nats per unit of data; its mean over the held-out set is the loss of a run.
{loss}

# How each run is trained.
{training}

# What one run asks of the machine.
{resources}
"""
"""A base made of plug-ins alone."""
ON_CPU = """\
training:
  learning_rate: 0.012             # at base_width; measured on small decoders on a CPU
  learning_rate_scaling: width     # proportional to base_width / width (Yang et al. 2022, arXiv 2203.03466, table 3)
  base_width: 32"""
ON_GPU = """\
training:
  learning_rate_scaling: power_law
  learning_rate_law: step-law      # 1.79·N^-0.713·D^0.307 (Li et al. 2025, arXiv 2503.04715)
  batch_scaling: power_law
  batch_law: step-law              # 0.58·D^0.571 tokens (the same)
  weight_decay: 0.1
  mixed_precision: bf16
  compile: true"""


def base_text(model: Mapping[str, object], dataset: Mapping[str, object], loss: str, device: str) -> str:
    """The text of a base study of plug-ins, each a mapping of `plugin` and `kwargs`, with rules of published rates."""
    return BASE.format(
        model=dump_yaml({"model": model}),
        dataset=dump_yaml({"dataset": dataset}),
        loss=dump_yaml({"loss": {"plugin": loss}}),
        training=ON_GPU if device == "gpu" else ON_CPU,
        resources=dump_yaml({"resources": {"device": device}}),
    )
