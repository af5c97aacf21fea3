"""What is said of a plan's expected intervals: worked out once, kept by plan and code, and never waited for."""

from flopscape.design.of_plan import KEPT, expected_of, kept_sentences, sentences, sentences_of


def test_a_dry_run_names_the_command_until_the_intervals_are_known_and_then_says_them(planned):
    first = planned()
    assert kept_sentences(first) == ["expected intervals of the answer: `flopscape plan mine.yaml` works them out"]
    assert kept_sentences(first, is_due=False) == []
    said = sentences_of(first)
    assert said[0].startswith("expected of the answer before any run")
    assert said[1].startswith("  - at 10²¹ FLOPs N* within a factor ")
    assert kept_sentences(first) == said
    assert len(list(KEPT.iterdir())) == 1


def test_another_sweep_or_question_is_worked_out_anew(planned):
    sentences_of(planned())
    for other in (planned(n_params=(1e8, 3e8, 2e9)), planned(recommend={"flops": [1e22]})):
        assert "works them out" in kept_sentences(other)[0]


def test_hidden_runs_tell_the_answer_nothing(planned):
    rows = [{"size": {"n_params": 10**9}, "n_tokens": 10**10}]
    sweep = {"isoflop": {"budgets": [1e18, 1e19, 1e20], "sizes": [{"n_params": n} for n in (10**8, 3 * 10**8, 10**9)]}}
    hidden = planned(sweep=sweep | {"validate": {"rows": rows}})
    assert len(hidden.rows) == 10
    assert expected_of(hidden) == expected_of(planned())


def told(*narrows):
    width = {"typical": 0.4, "low": 0.3, "high": 0.7}
    expected = [{"flops": 1e13, "n_params": width, "loss": width}]
    changes = ("7 budgets", "3 seeds of every run")
    improved = [{"change": change, "cost": 2, "expected": expected} for change in changes]
    return {
        "expected": expected,
        "improved": [one | {"narrows": by} for one, by in zip(improved, narrows, strict=False)],
    }


def test_a_change_that_narrows_no_interval_by_a_twentieth_is_left_out():
    assert [line.partition(",")[0] for line in sentences(told(0.06, 0.04))[2:]] == ["  - with 7 budgets"]
    none = "  - none of the usual changes narrows an interval by 5 %: 7 budgets, 3 seeds of every run"
    assert sentences(told(0.03, 0.04))[2:] == [none]
    assert len(sentences(told())) == 2


def test_what_lacks_is_priced_at_the_largest_compute(planned):
    said = sentences_of(planned(recommend={"flops": [1e21, 1e22]}))
    assert [line.partition(",")[0] for line in said[3:]] == [
        "  - with 7 budgets",
        "  - with 7 sizes at every budget",
        "  - with 3 seeds of every run",
    ]
    assert all("at 10²² N* within a factor " in line for line in said[3:])
