"""Which method is trusted: error over all truths, coverage on the possible laws, and whether the study has it."""

import numpy as np
import pytest

from flopscape.twin import verdict
from flopscape.twin.sentences import deciding
from flopscape.twin.summary import Errors
from flopscape.twin.verdict import Grounds, Improvement

WORDS = {"surface": "the fitted surface", "possible": "laws that are possible"}
WEIGHTS = {"surface": 0.5, "possible": 0.5}


def seen(error, held=1.0, missing=0, tables=100, intervals=True):
    """Errors of one size and either sign, of which the first are missing; a share of the intervals holds the truth."""
    errors = np.full((tables, 5), error)
    errors[::2] *= -1
    errors[:missing] = np.nan
    covered = np.repeat((np.arange(tables) < held * tables)[:, None], 5, axis=1)[: tables if intervals else 0]
    status = np.where(np.isnan(errors[:, 0]), "none", "ok")
    return Errors(errors, covered, np.ones(covered.shape), np.ones((tables, 5)), status)


def judged(methods, **grounds):
    """The verdict on methods, name → errors of each truth, or of both."""
    outcomes = {
        (truth, name): one[truth] if isinstance(one, dict) else one for name, one in methods.items() for truth in WORDS
    }
    return verdict.judge(outcomes, [], Grounds(WORDS, WEIGHTS, 1e22, **grounds))


def test_a_method_that_often_has_no_estimate_is_not_trusted():
    content = judged({"rare": seen(0.01, missing=20), "steady": seen(0.05)})
    assert content["trusted"] == "steady"
    assert "20 % of its fits fail" in " ".join(content["sentences"])


def test_a_method_is_not_trusted_whose_intervals_hold_the_possible_laws_too_seldom():
    narrow = {"surface": seen(0.01), "possible": seen(0.01, held=0.8)}
    content = judged({"narrow": narrow, "honest": seen(0.05, held=0.95)})
    assert content["trusted"] == "honest"
    assert "hold N* by narrow in 80 ± 4 %." in " ".join(content["sentences"])
    assert [row["narrow"] for row in content["methods"]] == [True, False]


def test_one_without_intervals_is_not_trusted_where_others_have_some():
    content = judged({"silent": seen(0.01, intervals=False), "honest": seen(0.05)})
    assert content["trusted"] == "honest"
    assert any("for want of intervals of N* on these copies: silent" in sentence for sentence in content["sentences"])
    assert judged({"silent": seen(0.01, intervals=False), "worse": seen(0.05, intervals=False)})["trusted"] == "silent"


def test_a_method_that_the_study_does_not_have_is_named_and_not_trusted():
    content = judged({"elsewhere": seen(0.01), "here": seen(0.05)}, elsewhere={"elsewhere"})
    assert content["trusted"] == "here"
    assert any(
        sentence.startswith("elsewhere (not in this study): error of N* ×0.20") for sentence in content["sentences"]
    )


def test_none_is_trusted_where_all_are_too_narrow_and_the_least_error_is_what_others_are_compared_with():
    content = judged({"near": seen(0.01, held=0.5), "far": seen(0.05, held=0.6)})
    assert (content["trusted"], content["reference"]) == (None, "near")
    assert content["sentences"][0].startswith("No method of this study is to be trusted here")
    assert content["methods"][1]["ratio"] == pytest.approx(5)


@pytest.mark.parametrize(("error", "expected"), [(0.0495, "law"), (0.05, "answer"), (0.06, "law")])
def test_the_answer_is_trusted_where_no_other_errs_clearly_less(error, expected):
    """Of equal errors the answer's counts, since it assumes least; errors of one size have no Monte Carlo error."""
    better = error == 0.0495
    content = judged(
        {"law": seen(0.04 if better else 0.05), "answer": seen(error, tables=20)}, few={"answer"}, answer="answer"
    )
    assert content["trusted"] == expected


@pytest.mark.parametrize(("error", "expected"), [(0.049, "few"), (0.0499, "many")])
def test_a_method_of_fewer_tables_is_trusted_where_it_is_clearly_better_on_these(error, expected):
    content = judged({"many": seen(0.05), "few": seen(error, tables=10)}, few={"few"})
    assert content["trusted"] == expected
    assert [row.get("simulations") for row in content["methods"]] == [None, 10]


def test_an_error_under_few_tables_of_a_truth_is_not_told():
    several = {"surface": seen(0.02, tables=10), "possible": seen(0.03, tables=20)}
    few = {"surface": seen(0.02, tables=9), "possible": seen(0.03, tables=20)}
    told, not_told = (judged({"few": one}, few={"few"})["sentences"][0] for one in (several, few))
    assert "Where the fitted surface itself is true, it is off by 2 " in told
    assert told.startswith(not_told)


def test_the_share_of_intervals_that_hold_says_of_how_many_where_some_tables_have_none():
    """A NaN width is a table without an interval; 18 of the other 20 hold the truth, and 18 of 24 would be narrow."""
    some = seen(0.03, held=0.75, tables=24)
    some.width[20:] = np.nan
    content = judged({"few": {"surface": seen(0.02, tables=24), "possible": some}}, few={"few"})
    assert content["trusted"] == "few"
    assert "its 95 % intervals hold it in 90 ± 8 % of the 20 of which it gives one" in content["sentences"][0]


def test_a_bias_of_the_answer_on_laws_that_it_holds_possible_is_said_to_be_no_fault():
    biased = seen(0.05)
    biased.error[:] = 0.03 + biased.error
    said = [judged({name: biased}, answer="answer")["sentences"][0] for name in ("answer", "law")]
    assert ["A bias is no fault there: what the runs leave open its prior has decided" in text for text in said] == [
        True, False,
    ]  # fmt: skip
    assert "no fault" not in judged({"answer": seen(0.05)}, answer="answer")["sentences"][0]


def test_a_report_has_what_decides_and_all_changes_of_the_design_in_one_sentence():
    bigger = Improvement("budget", "one more budget", 2e20, -0.18, 0.0)
    seeds = Improvement("seed", "one more seed", 0.0, -0.02, 0.004)
    outcomes = {(truth, name): seen(0.05, held=held) for truth in WORDS for name, held in (("law", 0.5), ("wide", 1.0))}
    content = verdict.judge(outcomes, [bigger, seeds], Grounds(WORDS, WEIGHTS, 1e22))
    first, narrow, gains = deciding(content)
    assert first == content["sentences"][0]
    assert "hold N* by law in 50 ± 5 %" in narrow
    assert gains == (
        "The error of wide would change by -18 % with one more budget (2×10²⁰ FLOPs more) and by -2 ± 0.4 % with one"
        " more seed (no more FLOPs)."
    )


def test_possible_laws_weigh_half_of_the_error_over_all_truths():
    """√(½·0.3² + ½·0.1²) is more than 0.2, whatever the surface alone says."""
    uneven = {"surface": seen(0.1), "possible": seen(0.3)}
    content = judged({"even": seen(0.2), "uneven": uneven})
    assert content["trusted"] == "even"
    assert content["methods"][1]["ratio"] == pytest.approx(np.sqrt(0.05) / 0.2)
