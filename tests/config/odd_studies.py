"""Studies with something odd in them, as YAML text: shipped ones and two more, mutated at random."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml
from hypothesis import strategies as st

from flopscape.config.yaml12 import load_yaml
from tests.conftest import ROOT

MORE = """
title: What no shipped study has
model: {plugin: flopscape.plugins.gpt:GPT, kwargs: {mlp: swiglu}}
dataset: {plugin: flopscape.plugins.text:BibleText}
training:
  learning_rate_scaling: power_law
  learning_rate_law: {coefficient: 1.8, n_params: -0.7, n_tokens: 0.3, flops: 0.01}
  batch_scaling: power_law
  batch_law: step-law
  warmup_fraction: 0
  warmup_units: 1024
  decay_fraction: 0.2
sweep:
  branches: true
  grid: {sizes: [{width: 16, depth: 2}, {width: 32, depth: 2}], n_tokens: [1_000_000, 2e6], seeds: 2}
  rows: [{size: {width: 64, depth: 2, head_dim: 32}, n_tokens: 400_000, seed: 3}]
transfer: {rates: [0.001, 0.01, 0.1], sizes: [{width: 8, depth: 2}, {width: 16, depth: 2}, {width: 32, depth: 2}],
  n_tokens: 1e6}
fits:
  - {name: a, method: approach3, objective: huber, delta: scaled, weights: seeds}
  - {name: b, method: law, law: constrained, unique_tokens: 1e9, columns: {n_params: n_params_total}, seeds: mean}
  - {name: c, method: approach2, variant: exact, exclude: n_params < 1e4, min_flops: 1e9}
recommend: {flops: [1e12]}
tracking: {trackers: [tensorboard], folder: logs}
resources: {processes: 2, machines: 1, micro_batch_units: 64}
"""
THEIRS = """
title: Theirs
runs: {table: theirs.csv, map: {loss: val_loss, n_params: size}, mirror: mirror, curves: curves.csv}
fits: [approach1-horizon]
recommend: {flops: [1e12]}
"""
WEIRD = [
    # Numbers and what looks like one, as YAML text.
    *("0", "-1", "1", "2", "7", "010", "0x1F", "0o17", "1.5", ".5", "1e12", "-1e12", "1e99", "1e300", "1e309"),
    "1e-300",
    *("9223372036854775807", "9223372036854775808", "1" * 30, "9" * 320, "9" * 5000, "1_000_000", "1:30:00"),
    "2026_11_26",
    *(".nan", ".inf", "-.inf", "nan", "'nan'", "'1e12'", "1e9", "1000000000", "2147483647", "1000000000039", "١٢"),
    # Words of YAML 1.1 and 1.2.
    *("no", "yes", "on", "y", "true", "TRUE", "False", "null", "~", "''", "2026-11-26", "2026-11-26T12:00:00Z", "="),
    # Tags, anchors, merges, nesting.
    *("!!binary aGk=", "!!set {a, b}", "!!timestamp 2026-11-26", "!!python/name:os.system", "!mine x", "!!str 5"),
    "!!int x",
    *("&a [*a]", "&b {c: *b}", "*nothing", "{<<: {a: 1}}", "[" * 40 + "]" * 40, "{? [a, b] : c}", "{? : 1}", "&c x"),
    # Text.
    *("'" + "x" * 300 + "'", '"\\0"', '"a\\nb"', '"\\u202e"', '"\\x07"', "'../../x'", "'; rm x'", "'**/<b>'"),
    "'é 漢'",
    *("@x", "`x`", "%x", "'a: b'", "- a", "|", "[1, 2", "}", "'9**9**9 > n_params'", "this.x", "a..b", "flopscape.x:Y"),
    *("flopscape.plugins.mlp:MLP", "flopscape.plugins.base:Counts", "flopscape.plugins.surface:Surface", "loop"),
    "vpnls",
    # Collections.
    *("{}", "[]", "[[]]", "[null]", "{1: 2}", "{null: 1}", "{true: 1, 1: 2}", "{a: {b: {c: 1}}}", "[1, x, {}]"),
]  # fmt: skip


def places(node, path=()):
    """Paths to all values of a study."""
    for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield (*path, key)
        yield from places(value, (*path, key))


def bases():
    """Studies to mutate: the shipped ones, and what they have no example of."""
    with TemporaryDirectory() as folder:
        (Path(folder) / "more.yaml").write_text(MORE)
        (Path(folder) / "theirs.yaml").write_text(THEIRS)
        paths = [*(ROOT / "config/studies").glob("*.yaml"), *Path(folder).glob("*.yaml")]
        return [load_yaml(path) for path in sorted(paths, key=lambda path: path.name)]


STUDIES = bases()


@st.composite
def texts(draw):
    """YAML text: a shipped study with one to three changes, the odd values as raw text."""
    study = json.loads(json.dumps(draw(st.sampled_from(STUDIES))))
    raw = {}
    for i in range(draw(st.sampled_from([1, 1, 1, 2, 3]))):
        mutate(draw, study, raw, f"RAW{i}RAW")
    text = yaml.safe_dump(study, sort_keys=False)
    for placeholder, value in raw.items():
        text = text.replace(placeholder, value)
    return text


def mutate(draw, study, raw, placeholder):
    """One change: a value dropped, renamed, replaced, wrapped, scaled, repeated, or put where another belongs."""
    paths = list(places(study))
    *parents, key = draw(st.sampled_from(paths))
    node = study
    for part in parents:
        node = node[part]
    kind = draw(st.sampled_from([*["weird"] * 3, "delete", "rename", "list", "dict", "number", "repeat", "swap"]))
    if kind == "weird":
        node[key], raw[placeholder] = placeholder, draw(st.sampled_from(WEIRD))
    elif kind == "delete":
        del node[key]
    elif kind == "rename" and isinstance(node, dict):
        names = [f"{key}s", str(key)[:-1], str(key).upper(), "1", "", "kwargs", "sizes", "a\nb", "é"]
        node[draw(st.sampled_from(names))] = node.pop(key)
    elif kind == "list":
        node[key] = [node[key]]
    elif kind == "dict":
        node[key] = {draw(st.sampled_from(["flops", "width", "name", "plugin", "x"])): node[key]}
    elif kind == "number" and isinstance(node[key], int | float):
        node[key] = node[key] * draw(st.sampled_from([-1, 0, 0.5, 1.0001, 10, 1e6, 1e20]))
    elif kind == "repeat" and isinstance(node[key], list):
        node[key] = node[key] * draw(st.sampled_from([0, 2, 50]))
    elif kind == "swap":
        other = study
        for part in draw(st.sampled_from(paths)):
            other = other[part] if isinstance(other, dict | list) and _has(other, part) else other
        node[key] = json.loads(json.dumps(other))


def _has(node, key):
    return key in node if isinstance(node, dict) else isinstance(key, int) and key < len(node)
