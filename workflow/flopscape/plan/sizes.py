"""Counts of every size of a study, without importing torch here.

The package's own plug-ins are asked directly. A user's plug-in may import torch, or declare no counts and have to be
measured, so it is asked in a process of its own (plan/count_sizes.py) and the answer is kept in `.flopscape/counts/`
under the fingerprint of its code.
"""

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from flopscape.config.study import Plugin
from flopscape.errors import FlopscapeError
from flopscape.fingerprint import fingerprint
from flopscape.outputs import write_text
from flopscape.plugins.base import Counts, Size, load_plugin
from flopscape.plugins.counted import counts_at, load_model
from flopscape.records import Spec, canonical, read_json, short_hash

CACHE = Path(".flopscape/counts")


def count_sizes(model: Plugin, sizes: list[Size], loss: Plugin | None = None) -> list[Counts]:
    """Counts of `sizes`, in order; a model that declares none is measured under `loss`.

    Raises
    ------
    FlopscapeError
        The plug-in cannot be loaded, lacks a method, or refuses a size.
    """
    if model.plugin.startswith("flopscape."):
        return counts_of(model.plugin, model.kwargs, sizes)
    question: Spec = {"model": model.spec(), "sizes": sizes} | ({"loss": loss.spec()} if loss else {})
    modules = [plugin.plugin.partition(":")[0] for plugin in (model, loss) if plugin]
    code = fingerprint(*modules, "flopscape.checks.measure")
    cached = CACHE / f"{short_hash(question | {'code': code}, 16)}.json"
    if not cached.exists():
        write_text(cached, json.dumps({"counts": _ask_in_subprocess(question)}))
    return [Counts(**counts) for counts in read_json(cached, "delete it")["counts"]]


def counts_of(plugin: str, kwargs: dict[str, Any] | None, sizes: list[Size], loss: Spec | None = None) -> list[Counts]:
    """Counts from the plug-in itself; its ValueErrors become one sentence that names the plug-in and the size."""
    model = load_model(plugin, kwargs)
    try:
        built_loss = load_plugin(loss["plugin"], loss.get("kwargs")) if loss else None
        counts = [counts_at(model, size, built_loss) for size in sizes]
    except (ValueError, TypeError, KeyError) as error:
        raise FlopscapeError(f"model {plugin}: {error}") from error
    for size, count in zip(sizes, counts, strict=True):
        if not (isinstance(count, Counts) and count.n_params_body + count.n_params_head > 0 < count.flops_per_unit):
            raise FlopscapeError(f"model {plugin}: counts({size}) gives {count}, not a Counts with positive numbers")
    return counts


def _ask_in_subprocess(question: Spec) -> list[dict[str, float]]:
    command = [sys.executable, "-m", "flopscape.plan.count_sizes"]
    done = subprocess.run(command, input=canonical(question), capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"it ended with status {done.returncode}"]
        raise FlopscapeError(f"model {question['model']['plugin']}: counting its sizes failed: {lines[-1]}")
    return json.loads(done.stdout.splitlines()[-1])


def answer(question: str) -> str:
    """The other side of `count_sizes`: JSON question in, JSON list of counts out."""
    asked = json.loads(question)
    model = asked["model"]
    counts = counts_of(model["plugin"], model.get("kwargs"), asked["sizes"], asked.get("loss"))
    return json.dumps([asdict(count) for count in counts])
