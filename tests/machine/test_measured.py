"""What a run cost, against numbers worked out by hand."""

import pytest

from flopscape.machine.measured import Options, cost


@pytest.mark.parametrize(("device", "gpu_hours"), [("cpu", 0.0), ("cuda", 4.0)])
def test_hours_are_those_of_all_processes_and_on_cpus_of_all_their_threads(device, gpu_hours):
    """Two hours of 2 processes with 3 threads each, at 1.5 dollars a process and hour."""
    hours = cost(7200, 3, device, Options(processes=2, usd_per_hour=1.5))
    assert hours == {"cpu_hours": 12.0, "gpu_hours": gpu_hours, "usd": 6.0}
    assert cost(7200, 3, device, Options(processes=2))["usd"] is None
