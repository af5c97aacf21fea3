"""A study whose figures are drawn once, for all tests that look at them."""

from pathlib import Path

import pytest

from flopscape.figures.tables import Tables
from tests.figures import studies


@pytest.fixture(scope="session")
def text_study() -> Tables:
    return studies.text_study()


@pytest.fixture(scope="session")
def text_figures(tmp_path_factory: pytest.TempPathFactory, text_study: Tables) -> dict[str, Path]:
    return studies.draw_study(text_study, tmp_path_factory.mktemp("text"))
