"""`flopscape check-plugin --study` on held-out sets besides the study's own, and on their metrics."""

from dataclasses import replace

import pytest

from flopscape.checks.conformance import study_cases
from flopscape.checks.run import run_checks
from flopscape.plugins.losses import Accuracy
from flopscape.training.further_sets import FurtherSet
from tests.checks.plugins import CONTEXT, SIZES, Model, Tokens


def metric(function, unit="share correct"):
    """A metric that makes something else of the number of right choices and of choices."""
    return type(
        "Odd", (), {"unit": unit, "__call__": lambda self, module, batch: function(*Accuracy()(module, batch))}
    )()


def faults(tmp_path, metric, dataset=None, model=None):
    """What is found wrong with a metric on the study's own rows, or on those of another dataset."""
    subject = study_cases(model or Model(), SIZES, Tokens(), tmp_path / "own", 4 * CONTEXT)[0].subject
    one = FurtherSet(subject.dataset, subject.manifest, subject.folder, "own", {"right": metric})
    if dataset:
        folder = tmp_path / "theirs"
        folder.mkdir()
        one = FurtherSet(dataset, dataset.prepare(folder), folder, "theirs", {"right": metric})
    found = list(run_checks(replace(subject, sets=(one,))))
    assert len([finding for finding in found if "metric" in finding.check.claim]) == 1
    return [fault for finding in found for fault in finding.faults]


class Elsewhere(Tokens):
    """Other windows than those that are trained on."""

    def windows(self, split):
        return (super().windows(split) + 1) % 32


def test_accuracy_and_a_set_of_other_rows_have_no_fault(tmp_path):
    assert faults(tmp_path, Accuracy()) == []
    assert faults(tmp_path / "other", Accuracy(), Elsewhere()) == []


class TrainedOn(Tokens):
    """Rows that are held out here and trained on there."""

    def windows(self, split):
        return super().windows("train")[: self.n_rows[split]]


class Beyond(Tokens):
    def windows(self, split):
        return super().windows(split) + 30


class Known(Model):
    vocab_size = 32


@pytest.mark.parametrize(
    ("odd", "sentence"),
    [
        (metric(lambda right, count: ((right + 1) / count, count)), "return the sum over units, not a mean"),
        (metric(lambda right, count: (right + 100, 1)), "for 1 units, and a share lies between 0 and 1"),
        (metric(lambda right, count: (right / 0.0, count), "nats"), "which is no number; return a finite sum"),
        (metric(lambda right, count: (right, 0), "nats"), "counted 0 units"),
        (metric(lambda right, count: (right, 99)), "counted 99 units in all rows and 198 in their halves"),
    ],
    ids=["mean", "no count", "infinite", "no units", "units"],
)
def test_a_metric_that_is_no_sum_is_named(tmp_path, odd, sentence):
    (fault,) = faults(tmp_path, odd)
    assert fault.startswith("heldout: right@own ")
    assert sentence in fault


def test_a_set_whose_rows_are_trained_on_is_named(tmp_path):
    assert "heldout.theirs, TrainedOn: 100% of the held-out rows occur in" in str(
        faults(tmp_path, Accuracy(), TrainedOn())
    )


def test_a_set_beyond_the_models_vocabulary_is_named(tmp_path):
    found = str(faults(tmp_path, Accuracy(), Beyond(), Known()))
    assert "heldout.theirs, Beyond: tokens range from 30 to" in found
