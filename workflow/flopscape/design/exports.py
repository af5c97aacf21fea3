"""Recommended runs in other words: a table, rows of this study, a study of their own, configs of other trainers.

What another trainer builds is not the module that was measured. Each export says where it differs, for the recommended
numbers are of the study's own architecture and recipe.
"""

import json
import math
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from flopscape.answers.extrapolation import beyond
from flopscape.config.matrix import study_data
from flopscape.config.yaml12 import dump_yaml
from flopscape.design.recommended import Recommendation, Recommended
from flopscape.errors import FlopscapeError
from flopscape.plan.coverage import MAX_EPOCHS
from flopscape.plan.studies import data_unit
from flopscape.plugins.gpt import GPT
from flopscape.plugins.loading import load_plugin
from flopscape.recipe.settings import TrainingSettings
from flopscape.text import numbers
from flopscape.text.terminal import aligned

Format = Literal["table", "rows", "study", "json", "huggingface", "nanochat"]
NANOCHAT_ASPECT, NANOCHAT_HEAD = 64, 128
"""nanochat builds a width of 64 times its depth, in whole heads of 128 (its scripts/base_train.py)."""
DEEPEST = 200
OF_SWEEP = ("sweep", "transfer", "limits", "strict", "twin")
"""Keys of a study that are of its sweep and not of a run."""


def written(found: Recommendation, path: Path, as_: Format) -> str:
    """The recommendation in one of the formats, as text that ends without a new line; `path` is the study's file."""
    formats = {
        "table": lambda: table(found),
        "rows": lambda: rows(found),
        "study": lambda: study(found, path),
        "json": lambda: json.dumps(as_json(found), indent=1),
        "huggingface": lambda: json.dumps(huggingface(found), indent=1),
        "nanochat": lambda: json.dumps(nanochat(found), indent=1),
    }
    return formats[as_]()


def table(found: Recommendation) -> str:
    """A line a run with its shape, data, recipe and price, and below it what to know before it is started."""
    units, devices = f"{data_unit(found.study)}s", "GPUs" if found.study.resources.device == "gpu" else "threads"
    head = ["", "size", "N", units, f"{units}/N", "steps", "batch", "rate", "loss", "memory", devices, "time", "USD"]
    lines = aligned([head, *map(_cells, found.runs)], range(2, 13))
    return "\n".join([f"Runs at {numbers.flops(found.flops)} FLOPs", lines, *_notes(found)])


def _cells(run: Recommended) -> list[str]:
    row = run.row
    return [
        run.what,
        size_text(row.size),
        numbers.count(row.n_params),
        numbers.count(row.n_tokens),
        f"{row.n_tokens / row.n_params:.3g}",
        numbers.count(row.n_steps),
        numbers.count(row.n_tokens // row.n_steps),
        f"{_rate(run):.3g}",
        numbers.interval(run.loss, numbers.loss),
        numbers.storage(run.memory),
        str(run.devices),
        numbers.duration(3600 * run.hours),
        numbers.money(run.usd),
    ]


def size_text(size: dict[str, Any]) -> str:
    """A size on one line.

    >>> size_text({"width": 64, "depth": 2})
    'width 64, depth 2'
    """
    return ", ".join(f"{name} {value}" for name, value in size.items())


def _rate(run: Recommended) -> float:
    return TrainingSettings(**run.row.spec.get("training", {})).rate_at(run.row.size)


def _notes(found: Recommendation) -> Iterator[str]:
    """Sentences on what the runs rest on, and on what is out of reach."""
    if found.fit.sampled:
        yield from (f"warning: {text}" for text in beyond(found.flops, found.fit.sampled.flops))
    yield f"the fit {found.fit.method} is {found.fit.status}: {found.fit.reason}"
    yield f"speed from: {found.speed_source}"
    if any(run.memory is not None for run in found.runs):
        yield "memory: tensors of one process in an eager step, beside PyTorch itself; give a machine a fifth more"
    for run in found.runs:
        if run.is_far:
            meant, nearest = numbers.count(run.wished), numbers.count(run.row.n_params)
            yield f"warning: {run.what}: {meant} parameters are meant, and the nearest size of the family has {nearest}"
        for what, wished in run.also.items():
            meant = numbers.count(wished)
            yield f"{what}: {meant} parameters are meant, and the nearest size of the family is that of {run.what}"
    yield from (f"warning: {text}: it is left out" for text in found.left_out)
    longest = max(run.row.n_tokens for run in found.runs)
    if found.train_units and longest > MAX_EPOCHS * found.train_units:
        epochs = longest / found.train_units
        yield f"warning: up to {epochs:.1f} epochs; beyond {MAX_EPOCHS} repeated data are worth less and less"
    if found.tokens_served is not None:
        yield f"with {numbers.count(found.tokens_served)} served: compute is of training and serving together"


def as_json(found: Recommendation) -> list[dict[str, Any]]:
    """All numbers of each run, and with the first one what no size of the family stands for."""
    first, *rest = (_numbers(found, run) for run in found.runs)
    return [first | {"left_out": [*found.left_out]}, *rest]


def _numbers(found: Recommendation, run: Recommended) -> dict[str, Any]:
    """The numbers of one run, in base units: parameters, FLOPs, bytes, hours, US dollars."""
    row = run.row
    return {
        "what": run.what,
        "n_params_wished": run.wished,
        "also": dict(run.also),
        **row.size,
        **{key: row.spec.get(key) for key in ("n_tokens", "seed")},
        "n_params": row.n_params,
        "n_params_embedding": row.n_params_embedding,
        "flops": row.flops,
        "n_steps": row.n_steps,
        "batch_units": row.n_tokens // row.n_steps,
        "learning_rate": _rate(run),
        "loss": asdict(run.loss) if run.loss else None,
        "memory_bytes": run.memory,
        "processes": found.study.resources.processes,
        "hours": run.hours,
        "usd": run.usd,
        "training": row.spec.get("training", {}),
    }


def rows(found: Recommendation) -> str:
    """The runs as entries of `sweep.rows`, or of `sweep.validate.rows`, to be pasted into the study."""
    return dump_yaml(_sweep(found))


def study(found: Recommendation, path: Path) -> str:
    """A study of these runs alone: the same model, data and recipe, without limits that were the sweep's."""
    kept = {key: value for key, value in study_data(path).items() if key not in OF_SWEEP}
    kept["title"] = f"{found.study.title}: runs at {numbers.flops(found.flops)} FLOPs"
    kept["sweep"] = _sweep(found)
    kept["recommend"] = {"flops": [found.flops]}
    kept["fits"] = ["answer"]
    return dump_yaml(kept)


def _sweep(found: Recommendation) -> dict[str, Any]:
    """What a study has in `sweep` for these runs."""
    return {"rows": [{"size": run.row.size, "n_tokens": run.row.n_tokens, "seed": run.row.seed} for run in found.runs]}


def huggingface(found: Recommendation) -> dict[str, Any]:
    """A config for Hugging Face's transformers: `llama` of a SwiGLU decoder, `nemotron` of one with squared ReLU."""
    model, run = _gpt(found, "huggingface"), found.runs[0]
    width, depth, head_dim = model.shape(run.row.size)
    kind = {"swiglu": "llama", "relu2": "nemotron"}[model.mlp]
    return {
        "model_type": kind,
        "hidden_size": width,
        "num_hidden_layers": depth,
        "num_attention_heads": width // head_dim,
        "num_key_value_heads": width // head_dim,
        "head_dim": head_dim,
        "intermediate_size": model.hidden_width(width),
        "hidden_act": {"swiglu": "silu", "relu2": "relu2"}[model.mlp],
        "vocab_size": model.vocab_size,
        "max_position_embeddings": model.context,
        "tie_word_embeddings": False,
        "_flopscape": {
            "n_tokens": run.row.n_tokens,
            "n_steps": run.row.n_steps,
            "learning_rate": _rate(run),
            "differs": "norms of transformers have gains, nemotron's are layer norms with a share of rotary positions; "
            "the head of the measured model begins at zero",
        },
    }


def nanochat(found: Recommendation) -> dict[str, Any]:
    """Arguments of nanochat's base_train: the depth whose matrices are nearest to N, and the same tokens.

    Its width is 64·depth in whole heads, so that depth alone decides the size: body 12·depth·width² and the head.
    """
    model, run = _gpt(found, "nanochat"), found.runs[0]
    counted = {depth: _nanochat_size(depth, model.vocab_size) for depth in range(1, DEEPEST + 1)}
    depth = min(counted, key=lambda d: abs(math.log(counted[d] / run.row.n_params)))
    return {
        "depth": depth,
        "target_param_data_ratio": round(run.row.n_tokens / counted[depth], 3),
        "arguments": f"--depth={depth} --target-param-data-ratio={run.row.n_tokens / counted[depth]:.3f}",
        "n_params": counted[depth],
        "n_params_wished": run.row.n_params,
        "differs": "nanochat trains by Muon with its own rates, batch and data; the recommended size and tokens are of "
        f"this study's recipe. {_nanochat_distance(counted[depth], run.row.n_params)}",
    }


def _nanochat_distance(n_params: int, wished: int) -> str:
    """How far the nearest depth is from the recommended size."""
    return f"Its depth has {numbers.ratio(n_params / wished)} times the recommended parameters, on as many tokens"


def _nanochat_size(depth: int, vocab_size: int) -> int:
    """Parameters of the layers and the head at a depth.

    >>> _nanochat_size(20, 65536)
    477102080
    """
    width = -(-NANOCHAT_ASPECT * depth // NANOCHAT_HEAD) * NANOCHAT_HEAD
    return 12 * depth * width**2 + vocab_size * width


def _gpt(found: Recommendation, as_: str) -> GPT:
    model = load_plugin(found.study.model.plugin, found.study.model.kwargs)
    if not isinstance(model, GPT):
        raise FlopscapeError(
            f"--as {as_}: only of the shipped GPT is it known what another trainer builds of it, and the model of this "
            f"study is {found.study.model.plugin}; use --as json"
        )
    return model
