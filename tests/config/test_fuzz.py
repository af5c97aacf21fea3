"""Shipped studies, mutated at random: each is planned, or refused in sentences that name a key or a line.

FLOPSCAPE_FUZZ=2000 sets the number of studies.
"""

import os
import re
import signal
from contextlib import contextmanager

from hypothesis import HealthCheck, given, settings

from flopscape.config.study import Config
from flopscape.dag.commands import launch_command
from flopscape.errors import FlopscapeError
from flopscape.plan.capacity import Capacity
from flopscape.plan.imported import PlannedImport
from flopscape.plan.price_table import plan_json, price_text
from flopscape.plan.studies import plan_any, price_planned, resolved_yaml
from tests.config.odd_studies import texts
from tests.conftest import ROOT

CASES = int(os.environ.get("FLOPSCAPE_FUZZ", "200"))
CPU_SECONDS = 5
MIRROR = "config/studies"
KEYS = set(re.findall(r'"(\w+)": \{', (ROOT / "workflow/schemas/study.schema.json").read_text()))
JARGON = re.compile(r"[Ii]nput should|should (be|have|match)|constrained-|validation|[a-z]+_type\b|\bliteral\b")
"""What pydantic says where no sentence of the project's own takes its place."""


class NotDoneError(BaseException):
    """No Exception, or code that turns a plug-in's exceptions into sentences would catch it."""


@contextmanager
def at_most_seconds_of_cpu(seconds):
    """Interrupt what goes on for longer; the machine's other work does not count."""

    def stop(*_):
        raise NotDoneError(f"not done after {seconds} seconds of CPU time")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def plan_and_show(path, results):
    """What `flopscape plan` and a dry run do with a study."""
    resolved_yaml(path)
    planned = plan_any("some", path, Config(studies=["some"], data_mirror=MIRROR))
    if not isinstance(planned, PlannedImport):
        seen = price_planned(planned, Config(studies=["some"]).prices, Capacity(2), results)
        price_text(seen.study, seen.price, seen.coverage, seen.finished)
        plan_json(seen.rows, seen.price, seen.coverage)
        launch_command(seen.study, Config(studies=["some"]).prices)


@settings(max_examples=CASES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(text=texts())
def test_a_mutated_study_is_planned_or_refused_in_words(tmp_path_factory, text):
    folder = tmp_path_factory.getbasetemp()
    path = folder / "some.yaml"
    path.write_text(text, encoding="utf-8")
    try:
        with at_most_seconds_of_cpu(CPU_SECONDS):
            plan_and_show(path, folder / "results")
    except FlopscapeError as error:
        for line in str(error).splitlines():
            assert line.startswith(str(path))
            rest = line.removeprefix(str(path))
            assert re.match(r", line \d+: ", rest) or KEYS & set(re.findall(r"\w+", rest)), line
            assert not JARGON.search(rest), line
