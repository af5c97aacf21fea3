"""What an exclusion may say, what its columns are, and that it ends."""

import pandas as pd
import pytest

from flopscape.errors import FlopscapeError
from flopscape.runs.cells import typed
from flopscape.runs.chosen import without
from flopscape.runs.read import table_of
from flopscape.text.expression import check_expression

CELLS = {
    "run_id": ["007", "1e3", "x"],
    "n_params": ["1e7", "2e7", "4e7"],
    "n_tokens": ["1e9", "1e9", "1e9"],
    "loss": ["4.25", "3.75", "3.5"],
    "seed": ["0", "1", "2"],
    "rate": ["0.1", "", "0.3"],
    "best": ["true", "False", " TRUE"],
    "tied": ["true", "", "false"],
    "family": ["a", "b", ""],
    "code_fingerprint": ["123456789e12", "1e3", "7"],
}


def kept(expression):
    return without(table_of(pd.DataFrame(CELLS), "runs.csv"), expression).run_id.tolist()


@pytest.mark.parametrize(
    ("expression", "left"),
    [
        ("seed == 0", ["1e3", "x"]),
        ("seed == '0'", ["1e3", "x"]),
        ("seed in ['0', 2]", ["1e3"]),
        ("'2' <= seed", ["007", "1e3"]),
        ("rate > 0.2", ["007", "1e3"]),
        ("rate != rate", ["007", "x"]),
        ("best", ["1e3"]),
        ("not best", ["007", "x"]),
        ("tied", ["1e3", "x"]),
        ("not tied", ["007", "1e3"]),
        ("family == ''", ["007", "1e3"]),
        ("run_id == '007'", ["1e3", "x"]),
        ("code_fingerprint == '7'", ["007", "1e3"]),
        ("n_params ** 2 > 5e14 and n_params ** 0.5 < 1e4", ["007", "1e3"]),
        ("loss > 2 ** 1.9", ["x"]),
        ("(family == 'a') * loss > 1", ["1e3", "x"]),
        ("seed == 0\n or\tseed == 1\n", ["x"]),
        (f"run_id in {['x'] + [f'run{i}' for i in range(1000)]}", ["007", "1e3"]),
    ],
)
def test_columns_have_the_type_of_their_cells(expression, left):
    assert kept(expression) == left


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["", None, ""], "float64"),
        (["1", "", "nan"], "float64"),
        (["1", " 2", "3"], "int64"),
        ([True, None, "false"], "boolean"),
        ([True, "false", "TRUE"], "bool"),
        ([1, "2", 3.5], "float64"),
        (["x", "1", ""], "object"),
        (["true", "", "x"], "object"),
        ([[1], 2, 3], "object"),
        ([10**400, 1, 2], "object"),
    ],
)
def test_a_column_is_what_all_its_cells_are(cells, kind):
    assert str(typed(pd.DataFrame({"c": pd.Series(cells, dtype=object)})).c.dtype) == kind


@pytest.mark.parametrize(
    ("expression", "sentence"),
    [
        ("9**9**9 > n_params", r"9 \*\* 387420489.0 is larger than any number"),
        ("(9*9)**(9*99999999) > n_params", "is larger than any number"),
        ("(81 // 1) ** (10**9 // 1) > n_params", "not allowed in a power"),
        ("(-1) ** 0.5 > n_params", "is larger than any number, or none"),
        ("1 << 9999999999 > n_params", "write comparisons"),
        ("'a' * 9999999999 == family", "write comparisons"),
        ("family * 9999999999 == family", "write comparisons"),
        ("('a' + family) * 9999999999 == family", "write comparisons"),
        ("[1] * 9999999999 == family", "write comparisons"),
        ("'%9999999999d' % seed == family", "write comparisons"),
        ("n_params == 1" + 400 * "0", "int too large"),
        ("(" * 150 + "seed" + ")" * 150 + " > 0" + " + 1" * 300, "nested more than 250 levels deep"),
        (" or ".join(f"run_id == 'run{i}'" for i in range(900)), "nested more than 250 levels deep"),
        ("-" * 9000 + "1 > seed", "nested more than 250 levels deep"),
        ("seed == 0 or " * 5000 + "seed == 0", "65009 characters, and at most 20000 are read"),
        ("seed == 0\x00", "control character '.x00'"),
        ("family == '\x1b[31m'", "control character '.x1b'"),
        ("sead == 0", "no column sead; did you mean seed?"),
        ("loss", "is not true or false for each row"),
        ("1 < 2", "is not true or false for each row"),
        ("family > 1", "--exclude"),
    ],
)
def test_an_expression_without_a_bound_or_a_meaning_is_refused_at_once(expression, sentence):
    with pytest.raises(FlopscapeError, match=sentence):
        kept(expression)


def test_a_plan_can_check_an_expression_without_its_table():
    check_expression("family * 2 == 'aa'")
    with pytest.raises(ValueError, match="larger than any number"):
        check_expression("9**9**9 > n_params")
