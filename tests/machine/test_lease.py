"""One trainer at a time: a lease whose holder lives is respected, a dead one's is taken over."""

import json
import os
import threading
import time

import pytest

from flopscape.errors import FlopscapeError
from flopscape.machine import lease as module
from flopscape.machine.lease import leased


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "checkpoints" / "run"


@pytest.fixture
def leave_lease(folder):
    """A lease like this process's own, with changes, whose last heartbeat was some seconds ago."""

    def leave(age=0.0, **changes):
        folder.mkdir(parents=True)
        path = folder / "lease.json"
        path.write_text(json.dumps(module._myself() | changes))
        os.utime(path, (time.time() - age,) * 2)
        return path

    return leave


def test_a_second_trainer_is_refused_by_name_while_the_first_lives(folder):
    refusal = pytest.raises(FlopscapeError, match=f"process {os.getpid()} on .* is training this run")
    with leased(folder), refusal, leased(folder):
        pass
    assert not folder.parent.exists()


def test_a_holder_on_another_host_lives_while_its_heartbeat_moves(folder, leave_lease):
    path = leave_lease(age=60, host="elsewhere")
    beat = threading.Timer(0.2, os.utime, [path])
    beat.start()
    with pytest.raises(FlopscapeError, match="on elsewhere is training this run"), leased(folder):
        pass
    beat.join()
    assert path.exists()


@pytest.mark.parametrize(
    "changes",
    [{"pid": 2**30}, {"started": 1.0}, {"host": "elsewhere"}, {"pid_namespace": "another container"}],
    ids=str,
)
def test_a_dead_holders_lease_is_taken_over_with_what_it_had_spent(folder, leave_lease, changes):
    leave_lease(age=400, **{"started": time.time() - 1000, "seconds_before": 50.0, **changes})
    with leased(folder) as lease:
        assert lease.is_held()
        assert lease.inherited_seconds >= 50
        if "started" not in changes:
            assert lease.inherited_seconds == pytest.approx(650, abs=5)


def test_an_empty_lease_is_one_that_is_being_written_until_it_is_old(folder, leave_lease):
    path = leave_lease(age=400)
    path.write_text("")
    os.utime(path, (time.time() - 400,) * 2)
    with leased(folder) as lease:
        assert lease.is_held()


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "checkpoints").touch()
    with pytest.raises(FlopscapeError, match=r"lease\.json: cannot be written"), leased(tmp_path / "checkpoints/run"):
        pass
