"""The checks as a suite for a plug-in author's own tests.

import pytest
from flopscape.checks.conformance import model_cases
from mymodel import Mine

@pytest.mark.parametrize("case", model_cases(Mine(), sizes=[{"width": 8}, {"width": 64}]), ids=str)
def test_mine_conforms(case):
    case()
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flopscape.checks.run import CHECKS, SIGNATURES, Check, carry_out
from flopscape.checks.subject import Subject
from flopscape.plugins.base import Size
from flopscape.plugins.losses import NextToken


@dataclass(frozen=True)
class Case:
    """One check of one subject: call it to carry it out, `str` says what it claims."""

    check: Check
    subject: Subject

    def __call__(self) -> None:
        """Raises AssertionError with a sentence for each fault."""
        if faults := carry_out(self.check, self.subject).faults:
            raise AssertionError("\n".join(faults))

    def __str__(self) -> str:
        return self.check.claim


def cases(subject: Subject) -> list[Case]:
    """Every check that applies to a subject."""
    return [Case(check, subject) for check in (SIGNATURES, *CHECKS) if check.applies(subject)]


def model_cases(model: Any, sizes: Iterable[Size], loss: Any = None) -> list[Case]:
    """Checks of a model on its own `example_batch`, at `sizes` (smallest first), under a loss (NextToken)."""
    return cases(Subject(model=model, loss=loss or NextToken(), sizes=tuple(sizes)))


def dataset_cases(dataset: Any, folder: Path, batch_units: int) -> list[Case]:
    """Checks of a dataset, which is prepared in the empty `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    manifest = dataset.prepare(folder)
    return cases(Subject(dataset=dataset, folder=folder, manifest=manifest, batch_units=batch_units))


def study_cases(
    model: Any, sizes: Iterable[Size], dataset: Any, folder: Path, batch_units: int, loss: Any = None
) -> list[Case]:
    """Checks of a model, a dataset and a loss together, as a study has them."""
    alone = dataset_cases(dataset, folder, batch_units)[0].subject
    return cases(Subject(model, loss or NextToken(), dataset, tuple(sizes), batch_units, alone.folder, alone.manifest))


def check_model(model: Any, sizes: Iterable[Size], loss: Any = None) -> None:
    """All checks of `model_cases` at once; AssertionError names every fault."""
    _check(model_cases(model, sizes, loss))


def check_dataset(dataset: Any, folder: Path, batch_units: int) -> None:
    """All checks of `dataset_cases` at once; AssertionError names every fault."""
    _check(dataset_cases(dataset, folder, batch_units))


def _check(all_cases: list[Case]) -> None:
    findings = (carry_out(case.check, case.subject) for case in all_cases)
    if faults := list(dict.fromkeys(fault for finding in findings for fault in finding.faults)):
        raise AssertionError("\n".join(faults))
