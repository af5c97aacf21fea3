"""The list of small faults is one of today's code: mutations.py itself takes minutes and is run by hand."""

import pytest

from tests.mutations import MUTATIONS, PACKAGE, ROOT, Mutation


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.fault)
def test_a_fault_has_its_text_in_its_file_and_tests_to_see_it(mutation: Mutation) -> None:
    assert mutation.old in (ROOT / PACKAGE / mutation.file).read_text()
    assert all((ROOT / "tests" / name).exists() for name in mutation.tests.split())
