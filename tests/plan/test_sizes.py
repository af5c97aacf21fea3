"""Counting a user's model: in a process of its own, cached under the fingerprint of its code."""

import pytest

from flopscape.config.plugins import Plugin
from flopscape.errors import FlopscapeError
from flopscape.plan.ask import CACHE
from flopscape.plan.sizes import count_sizes

CODE = """
from flopscape.plugins.base import Counts

class Mine:
    def counts(self, size):
        if size["n"] < 0:
            raise ValueError(f"n is {size['n']}, not positive")
        return Counts(size["n"] * FACTOR, 0, 0, 6.0 * size["n"])

    def build(self, size, seed):
        return None
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mymodel.py").write_text("FACTOR = 1" + CODE)
    return Plugin(plugin="mymodel:Mine")


def test_a_users_model_is_counted_and_cached_until_its_code_changes(tmp_path, mine):
    assert count_sizes(mine, [{"n": 3}])[0].n_params_body == 3
    assert count_sizes(mine, [{"n": 3}])[0].n_params_body == 3
    assert len(list(CACHE.iterdir())) == 1
    (tmp_path / "mymodel.py").write_text("FACTOR = 2" + CODE)
    assert count_sizes(mine, [{"n": 3}])[0].n_params_body == 6


@pytest.mark.parametrize(
    ("plugin", "sentence"),
    [
        ("mymodel", "write it as module:Class"),
        ("nowhere.at.all:Mine", "nowhere.at.all cannot be imported"),
        ("mymodel:Other", "mymodel has no class Other"),
        ("mymodel:Counts", "no method counts, build"),
    ],
)
def test_a_wrong_path_or_class_is_one_sentence(mine, plugin, sentence):
    with pytest.raises(FlopscapeError, match=sentence) as error:
        count_sizes(Plugin(plugin=plugin), [{"n": 1}])
    assert "\n" not in str(error.value)


def test_a_refused_size_is_one_sentence(mine):
    with pytest.raises(FlopscapeError, match="n is -1, not positive"):
        count_sizes(mine, [{"n": -1}])
