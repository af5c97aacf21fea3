"""Whatever launchers have left in the environment, a run ends with the same loss to the last digit.

FLOPSCAPE_FAULT_ENVIRONMENTS sets the number of environments, 100 when unset.
"""

import os
from concurrent.futures import ThreadPoolExecutor

from tests.training.conftest import make_spec, text
from tests.training.leftovers import drawn, loss_under

__all__ = ["make_spec", "text"]
N_ENVIRONMENTS = int(os.environ.get("FLOPSCAPE_FAULT_ENVIRONMENTS", "100"))


def test_forty_variables_at_random_change_no_digit(make_spec, text, tmp_path, capsys):
    spec = make_spec({"curve_heldout_points": 0}, n_tokens=1280)
    undisturbed = loss_under({}, spec, text[0], tmp_path / "undisturbed.json")
    assert undisturbed[0] == 0, undisturbed[-1]

    def of(seed):
        return loss_under(drawn(seed), spec, text[0], tmp_path / f"{seed}.json")

    with ThreadPoolExecutor(2) as pool:
        ended = dict(enumerate(pool.map(of, range(N_ENVIRONMENTS))))
    assert {seed: one for seed, one in ended.items() if one[:3] != undisturbed[:3]} == {}
    with capsys.disabled():
        print(f"\n{N_ENVIRONMENTS} environments of 40 variables each, 0 differences")
