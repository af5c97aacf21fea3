"""Plans of simulated studies, in a folder of their own."""

from pathlib import Path

import pytest

from flopscape.plan.coverage import Coverage
from flopscape.plan.rows import plan_rows
from flopscape.plan.studies import PlannedStudy


@pytest.fixture
def planned(surface_study, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def make(**changes):
        study = surface_study(**changes)
        return PlannedStudy("mine", Path("mine.yaml"), study, plan_rows(study), [], Coverage("fair", []))

    return make
