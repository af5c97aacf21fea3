"""Scores in literals, and what is said of them."""

import dataclasses

import pytest

from flopscape.answers.backtest.scores import score, scores
from flopscape.answers.backtest.words import HEAD, by_factor, sentences, table, text
from flopscape.records.backtest import Forecast, forecasts_of


def optimum(fit: str, factor: float, n_params: float, loss: float, n_holds: bool, loss_holds: bool) -> Forecast:
    return Forecast(
        fit, "vpnls", f"the largest {factor:g} budgets", 20, "ok", "fine", "optimum", 1e20 * factor, factor,
        true_n_params=1e9, se_log_n_params=0.1, n_params=n_params, n_params_low=n_params / 2,
        n_params_high=n_params * 2, n_params_holds=n_holds, true_loss=2.0, se_loss=0.01, loss=loss,
        loss_low=loss - 0.01, loss_high=loss + 0.03, loss_holds=loss_holds, regret=0.002 * factor,
    )  # fmt: skip


def run(fit: str, holds: bool, log_score: float) -> Forecast:
    return Forecast(
        fit, "vpnls", "the largest 2 budgets", 20, "ok", "fine", "run", 2e20, 2.0, "r", true_loss=2.0, loss=2.1,
        loss_low=2.0, loss_high=2.2, loss_holds=holds, log_score=log_score,
    )  # fmt: skip


LINES = [
    optimum("one", 2, 1.5e9, 2.02, True, True),
    optimum("one", 4, 3e9, 2.06, False, True),
    optimum("one", 20, 1e9, 1.9, True, False),
    run("one", True, 3.0),
    run("one", False, 2.0),
    optimum("two", 2, 1e9, 2.0, True, True),
]


def test_a_score_counts_means_and_medians() -> None:
    one, two = scores(LINES)
    assert (one.n_n_params, one.held_n_params, one.n_loss, one.held_loss) == (3, 2, 3, 2)
    assert one.width_n_params == pytest.approx(1.386294)
    assert one.rms_n_params == pytest.approx(((0.405465**2 + 1.098612**2) / 3) ** 0.5, rel=1e-5)
    assert one.width_loss == pytest.approx(0.02)
    assert one.rms_loss == pytest.approx(((0.01**2 + 0.03**2 + 0.05**2) / 3) ** 0.5)
    assert one.regret == pytest.approx((0.004 + 0.008 + 0.04) / 3 / 2)
    assert (one.n_runs, one.held_runs, one.log_score, one.n_silent) == (2, 1, 2.5, 0)
    assert (two.n_runs, two.log_score) == (0, None)


def test_open_ends_make_a_width_infinite_and_refusals_count_as_silence() -> None:
    open_end = dataclasses.replace(LINES[0], n_params_high=None)
    assert score([open_end]).width_n_params == float("inf")
    silent = dataclasses.replace(LINES[0], n_params=None, n_params_holds=None, loss=None, loss_holds=None)
    assert (score([silent]).n_silent, score([silent]).n_n_params) == (1, 0)


def test_every_number_has_its_column() -> None:
    assert len(HEAD) == 11
    assert table(LINES)[0] == [
        "one", "2 of 3", "×4", "97 %", "2 of 3", "2 %", "3.4 %", "0.87 %", "1 of 2", "2.50", "beyond chance",
    ]  # fmt: skip
    assert by_factor(LINES) == [
        ["held, N* and L*", "up to ×3", "×3 to ×10", "beyond ×10"],
        ["one", "1 of 1, 1 of 1", "0 of 1, 1 of 1", "1 of 1, 0 of 1"],
        ["two", "1 of 1, 1 of 1", "–", "–"],
    ]


def test_sentences_say_whose_intervals_held_what_the_choice_cost_and_who_misses_beyond_chance() -> None:
    assert sentences(LINES) == [
        "Fitted again without the largest 2 budgets, the largest 4 budgets and the largest 20 budgets, the 95 %"
        " intervals held the hidden N* and L*: one 2 and 2 of 3 times; two 1 and 1 of 1 times.",
        "The sizes that they recommended there cost, beyond the lowest loss at that compute, on average of that loss:"
        " two 0.2 %, one 0.87 %.",
        "Weak, for misses beyond chance: one, without the largest 4 budgets N* at 4×10²⁰ FLOPs is 200 % too high, where"
        " its interval allows 110 % and without the largest 20 budgets L* at 2×10²¹ FLOPs is 5.0 % too low, where its"
        " interval allows 1.8 %.",
    ]


def test_a_fit_that_refused_every_time_is_said_to_be_silent() -> None:
    refused = dataclasses.replace(LINES[0], fit="mute", n_params=None, n_params_holds=None, loss=None, loss_holds=None)
    assert sentences([*LINES, refused])[0].endswith("two 1 and 1 of 1 times; mute said nothing of them.")


NOTHING = Forecast("one", "vpnls", "", 7, "", "", "nothing", 0.0, 0.0, left_out="there are 7 runs")


def test_nothing_hidden_is_said_in_one_sentence_without_a_table() -> None:
    assert text([NOTHING]) == "No backtest: there are 7 runs."


def test_where_only_runs_are_known_they_speak() -> None:
    assert sentences(LINES[3:5]) == [
        "Fitted again without the largest 2 budgets: no whole budget was hidden, so that only single runs tell how good"
        " the predictions were.",
        "Of the losses of single hidden runs the 95 % intervals held: one 1 of 2.",
    ]


def test_a_hidden_budget_that_does_not_tell_its_optimum_is_named() -> None:
    left_out = Forecast(
        "one", "vpnls", "the largest budget", 9, "ok", "", "optimum", 1e20, 3.0, left_out="it has 3 runs"
    )
    assert sentences([left_out])[0].endswith(
        "no hidden budget tells its own optimum (that of 10²⁰ FLOPs: it has 3 runs)."
    )


def test_cells_of_a_file_become_lines_again() -> None:
    cells = {
        **dataclasses.asdict(LINES[0]),
        "n_params_holds": "True",
        "log_score": float("nan"),
        "run_id": float("nan"),
    }
    assert forecasts_of([cells], Forecast) == [LINES[0]]
