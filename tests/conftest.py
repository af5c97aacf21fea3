"""What several test files need: the checkout, and small studies."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from flopscape.config.read import validate
from flopscape.config.study import Study
from flopscape.machine.environment import take_over

ROOT = Path(__file__).resolve().parent.parent

# Read when huggingface_hub is imported: no test waits for a hub that it cannot reach.
os.environ["HF_HUB_OFFLINE"] = "1"

# Nor does a test see what launchers have left, or compute in more threads than its neighbours leave it.
take_over(threads=1)

# Tests compare digits of CPU runs, so a machine's GPUs are hidden from them; those of tests/gpu need one.
if "FLOPSCAPE_TEST_GPU" not in os.environ:
    os.environ["CUDA_VISIBLE_DEVICES"] = ""


# No claim of a test depends on how busy its machine is. The environment of tests/vision has no hypothesis.
with suppress(ImportError):
    from hypothesis import settings

    settings.register_profile("untimed", deadline=None)
    settings.load_profile("untimed")


@pytest.fixture
def root() -> Path:
    return ROOT


@pytest.fixture
def surface_study():
    """Make a simulated study from the parts that a test cares about; sizes are parameter counts, C = 6ND."""

    def make(budgets: Any = (1e18, 1e19, 1e20), n_params: Any = (1e8, 3e8, 1e9), **changes: Any) -> Study:
        data = {
            "title": "a surface",
            "model": {"plugin": "flopscape.plugins.parameters:Parameters"},
            "trainer": {"plugin": "flopscape.plugins.surface:Surface"},
            "sweep": {"isoflop": {"budgets": list(budgets), "sizes": [{"n_params": int(n)} for n in n_params]}},
            "fits": ["approach2"],
            "recommend": {"flops": [1e21]},
        }
        return validate(Study, data | changes, "a test's study")

    return make
