"""The place of a process among those of its run, from what launchers leave; what else they leave is set aside."""

import os

import pytest

from flopscape.errors import FlopscapeError
from flopscape.machine.environment import leftovers, own_environment, place_among

MEETING = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500"}
TORCH = {"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1"}
OMPI = {"OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_LOCAL_RANK": "0"}


def test_caches_and_places_of_threads_stay():
    kept = {"TORCHINDUCTOR_CACHE_DIR": "/c", "OMP_PROC_BIND": "true", "NCCL_SOCKET_IFNAME": "eth0", "RANKING": "1"}
    kept |= {"MKL_THREADING_LAYER": "GNU", "DS_FOLDER": "/mine"}
    assert leftovers(kept | {"TORCHINDUCTOR_MAX_AUTOTUNE": "1"}, None) == ["TORCHINDUCTOR_MAX_AUTOTUNE"]


@pytest.mark.parametrize("left", [TORCH, OMPI, TORCH | OMPI, TORCH | {"OMPI_COMM_WORLD_SIZE": "8"}])
def test_one_of_several_processes_knows_its_place_from_torchrun_or_mpirun(left):
    place = place_among(2, left | MEETING, needs_local_rank=True)
    local = left.get("LOCAL_RANK", "0")
    assert place.variables == {"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": local, **MEETING}


@pytest.mark.parametrize(
    ("left", "sentence"),
    [
        ({}, "2 processes were asked for and the environment names none; start them by flopscape launch --processes 2"),
        ({"WORLD_SIZE": "4", "RANK": "0"}, r"2 processes were .* names others \(RANK=0 WORLD_SIZE=4\)"),
        ({"WORLD_SIZE": "2", "RANK": "one"}, r"2 processes were .* names others \(RANK=one WORLD_SIZE=2\)"),
        (TORCH | OMPI | {"RANK": "0"}, "RANK is 0 and OMPI_COMM_WORLD_RANK is 1: one of them was left by another"),
        (TORCH | {"RANK": "2"}, "RANK is 2, of 2 processes: these processes could not meet"),
        (TORCH | {"LOCAL_RANK": "x"}, "LOCAL_RANK is 'x', no number below 2"),
        (TORCH | {"MASTER_ADDR": ""}, "MASTER_ADDR is not set"),
        (TORCH | {"MASTER_PORT": "http"}, "MASTER_PORT is 'http', no number of a port"),
    ],
)
def test_a_place_that_contradicts_what_was_asked_for_is_refused(left, sentence):
    with pytest.raises(FlopscapeError, match=sentence):
        place_among(2, MEETING | left, needs_local_rank=True)


def test_torchrun_is_believed_where_it_starts_under_mpirun_in_another_order():
    left = TORCH | OMPI | MEETING | {"RANK": "0", "TORCHELASTIC_RUN_ID": "7"}
    assert place_among(2, left, needs_local_rank=True).rank == 0


def test_under_mpirun_a_torchrun_of_before_is_set_aside(monkeypatch):
    left = OMPI | MEETING | {"TORCHELASTIC_USE_AGENT_STORE": "True", "WORLD_SIZE": "8", "RANK": "5"}
    for name, value in left.items():
        monkeypatch.setenv(name, value)
    with own_environment(2, 1, "cpu") as names:
        assert "TORCHELASTIC_USE_AGENT_STORE" not in os.environ
        assert (os.environ["RANK"], os.environ["WORLD_SIZE"]) == ("1", "2")
    assert names == ["RANK", "TORCHELASTIC_USE_AGENT_STORE", "WORLD_SIZE"]
    assert os.environ["RANK"] == "5"
