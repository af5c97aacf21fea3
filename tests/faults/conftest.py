"""The quick study, undisturbed: what every disturbed one must come to."""

from pathlib import Path
from typing import Any

import pytest

from tests.outcomes import outcome
from tests.workflow.conftest import Checkout, copy_checkout


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory) -> Path:
    once = copy_checkout(tmp_path_factory.mktemp("undisturbed"))
    once.snakemake(studies="quick")
    return once.folder


@pytest.fixture(scope="session")
def expected(undisturbed) -> dict[str, Any]:
    return outcome(undisturbed, "quick")


@pytest.fixture
def checkout(tmp_path) -> Checkout:
    return copy_checkout(tmp_path)
