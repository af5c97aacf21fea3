"""Experiments run once for several tests."""

import importlib
import json
from functools import cache

import pytest

from flopscape.bias.outcome import Outcome
from flopscape.bias.run import run
from flopscape.config.bias import BiasSettings, experiment_module


@cache
def published(name: str) -> Outcome:
    """An experiment at its published settings, without the mirror."""
    return importlib.import_module(experiment_module(name)).run(getattr(BiasSettings(), name))


@pytest.fixture(scope="session")
def fast(tmp_path_factory):
    """Run an experiment at its fast setting; returns its folder and its verdict."""
    root = tmp_path_factory.mktemp("bias")

    def once(name):
        folder = root / name
        if not folder.exists():
            run(name, folder, fast=True)
        return folder, json.loads((folder / "verdict.json").read_text())

    return once
