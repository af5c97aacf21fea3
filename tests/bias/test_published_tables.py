"""Experiments 0 and 12: real tables from a mirror, and what is said without one."""

import json

import pytest

from flopscape.bias.run import run
from tests.fitting.fit_tables import MIRROR


@pytest.mark.parametrize("name", ["exp00", "exp12"])
def test_without_a_mirror_it_is_skipped_in_words(name, tmp_path):
    assert run(name, tmp_path).startswith("skipped: no data")
    verdict = json.loads((tmp_path / "verdict.json").read_text())
    assert verdict["status"].startswith("skipped: no data")
    assert verdict["claims"] == []


@pytest.mark.skipif(not (MIRROR / "isoflops.csv").is_file(), reason="no published tables (set FLOPSCAPE_PUBLISHED)")
@pytest.mark.parametrize(("name", "held", "claims"), [("exp00", 30, 30), ("exp12", 3, 4)])
def test_published_numbers_are_met_but_for_the_one_that_is_explained(name, held, claims, tmp_path):
    run(name, tmp_path, mirror=MIRROR)
    verdict = json.loads((tmp_path / "verdict.json").read_text())
    assert [sum(c["holds"] for c in verdict["claims"]), len(verdict["claims"])] == [held, claims]
    assert all(claim["note"] for claim in verdict["claims"] if not claim["holds"])
