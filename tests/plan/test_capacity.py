"""How many runs find room at a time."""

import psutil
import pytest

from flopscape.config.machine import Resources
from flopscape.plan.capacity import Capacity, machine_limits


@pytest.mark.parametrize(
    ("room", "resources", "at_a_time"),
    [
        (Capacity(8), {"threads": 2}, 4),
        (Capacity(8), {"threads": 2, "processes": 2}, 2),
        (Capacity(8), {"threads": 16}, 1),
        (Capacity(8, memory_mb=10_000), {"memory_mb": 4_000}, 2),
        (Capacity(8, memory_mb=10_000, gpus=4), {"device": "gpu", "memory_mb": 1_000}, 4),
        (Capacity(8, memory_mb=10_000, gpus=4), {"device": "gpu", "processes": 2, "memory_mb": 1_000}, 2),
        (Capacity(100), {"device": "gpu", "processes": 8}, 100),
        (Capacity(8, memory_mb=1_000, gpus=0), {"device": "gpu"}, 1),
    ],
)
def test_cores_memory_and_gpus_each_limit_the_runs_at_a_time(room, resources, at_a_time):
    assert room.parallel(Resources(**resources)) == at_a_time


def test_the_limits_of_this_machine_are_no_more_than_it_has(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2")
    assert machine_limits(with_gpus=True)["gpu"] == 3
    assert 0 < machine_limits(with_gpus=False)["mem_mb"] <= psutil.virtual_memory().total / 1e6
