"""What SLURM tells a job of itself."""

import pytest

from flopscape.machine.slurm import job_end


@pytest.mark.parametrize("end", ["1", "soon"])
def test_the_end_of_a_job_of_before_ends_no_run(end, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert job_end({"SLURM_JOB_ID": "7", "SLURM_JOB_END_TIME": end}) == float("inf")
