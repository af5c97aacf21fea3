"""The section on tasks: a sentence each with chance beside it, the table, doubts and picture; why one has none."""

from dataclasses import replace
from pathlib import Path

import pytest

from flopscape.downstream.results import Downstream, Refused, Target
from flopscape.records.fit_result import Estimate
from flopscape.report.after_run import checked
from flopscape.report.blocks import Report, Section
from flopscape.report.markdown import render
from flopscape.report.tasks import TITLE, Task, blocks

AT = Target(1e21, 1.85e9, 9e10, False, Estimate(2.337, 2.32, 2.353), Estimate(0.954, 0.906, 0.963))
GIVEN = Target(1e21, 4.56e8, 3.65e11, True, Estimate(2.4, 2.384, 2.421), Estimate(0.935, 0.892, 0.946))
ONE = Estimate(1.0, 0.9, 1.0)
FOUND = Downstream(
    "accuracy@quiz", "loss@quiz", "nats per token", "quiz", 0.25, 200.0, 35, Estimate(0.25, 0.25, 0.25), ONE, False,
    Estimate(2.8, 2.79, 2.84), Estimate(5.88, 5.4, 6.7), 0.032, 0.031, [AT, GIVEN], [], [], [], ["No ceiling."], False,
)  # fmt: skip


@pytest.fixture
def text(tmp_path) -> str:
    figure = tmp_path / "quiz.svg"
    figure.write_text("<svg/>")
    refused = Refused("accuracy@flat", "quiz", "it does not rise clearly", False)
    asked = {"quiz": Task(FOUND, figure), "bare": Task(replace(FOUND, chance=None, warnings=[]), figure)}
    found = blocks({**asked, "flat": Task(refused, Path("gone.svg"))})
    return render(Report("t", False, [], [Section(TITLE, found)]), tmp_path)


def test_each_task_has_a_sentence_with_intervals_and_chance_and_the_terminal_repeats_it(text):
    at, given = "0.954 [0.906, 0.963] at 10²¹ FLOPs", "0.935 [0.892, 0.946] at 10²¹ FLOPs by 456 M on 365 B"
    said = f"quiz: {at}; {given}; chance is 0.25."
    assert f"- {said}" in text
    assert "the chance level is not given." in text
    assert "- flat refused: it does not rise clearly." in text
    assert f"- {said}" in checked(text)


def test_a_told_task_has_its_table_its_curve_its_doubts_and_its_picture(text):
    assert "| 10²¹ | 456 M | 365 B | 800 | 2.400 [2.384, 2.421] | 0.935 [0.892, 0.946] |" in text
    assert "halfway at a loss of 2.800 [2.790, 2.840]" in text
    assert "- quiz: No ceiling." in text
    assert text.count("quiz.svg)") == 2
    assert "gone.svg" not in text


def test_a_study_without_tasks_has_no_section():
    assert blocks({}) == []
