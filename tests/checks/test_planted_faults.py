"""Every check finds the fault it is for, in one sentence, and nothing is found where there is none."""

import dataclasses

import pytest
import torch
from torch import nn

from flopscape.checks.conformance import study_cases
from flopscape.checks.run import run_checks
from tests.checks.plugins import (
    CONTEXT,
    SIZES,
    Model,
    NotANumber,
    PerRow,
    PerToken,
    Tokens,
    Unshifted,
    built,
    counting,
)


def faults(tmp_path, model=None, loss=None, dataset=None):
    """Faults by the claim that they are against."""
    subject = study_cases(model or Model(), SIZES, dataset or Tokens(), tmp_path, 4 * CONTEXT, loss)[0].subject
    return {finding.check.claim: finding.faults for finding in run_checks(subject) if finding.faults}


def dataset(**changes):
    return type("Changed", (Tokens,), changes)()


def test_sound_plugins_have_no_fault(tmp_path):
    assert faults(tmp_path) == {}


def _sees_one_ahead(module, size):
    module.past = lambda x: x + x.roll(-1, 1)


def _ignores_its_input(module, size):
    module.past = torch.zeros_like


def _has_a_spare(module, size):
    module.spare = nn.Parameter(torch.ones(3))


def _is_wider(module, size):
    module.head = nn.Linear(size["width"], 40, bias=False)


def _reads_a_value(module, size):
    module.past = lambda x: x * x.sum().item()


MODELS = {
    "sees ahead": (built(_sees_one_ahead), "another input at position 1 changes the output at 0"),
    "ignores its input": (built(_ignores_its_input), "changes no output at all"),
    "has a spare parameter": (built(_has_a_spare), "no gradient reaches spare"),
    "is larger than declared": (built(_is_wider), "16 + 128 + 128 = 272 parameters (body, head, embedding) and build"),
    "cannot run on meta": (built(_reads_a_value), "a step fails on the meta device"),
    "declares 5 % more FLOPs": (counting(lambda c: {"flops_per_unit": c.flops_per_unit * 1.05}), "5.0% more"),
    "declares 5 % fewer FLOPs": (counting(lambda c: {"flops_per_unit": c.flops_per_unit * 0.95}), "5.0% less"),
    "counts its embedding's lookups": (
        counting(lambda c: {"flops_per_unit": c.flops_per_unit + 6 * c.n_params_embedding}),
        "looking a row up multiplies nothing",
    ),
    "counts the forward pass alone": (
        counting(lambda c: {"flops_per_unit": c.flops_per_unit / 3}),
        "forward pass alone",
    ),
}


@pytest.mark.parametrize(("model", "sentence"), MODELS.values(), ids=MODELS)
def test_a_models_fault_is_named(tmp_path, model, sentence):
    sentences = [fault for several in faults(tmp_path, model=model).values() for fault in several]
    assert any(sentence in fault for fault in sentences), sentences
    assert all(fault.startswith("model ") and "\n" not in fault for fault in sentences)


def unseeded():
    generator = torch.Generator()
    generator.seed()
    return generator


def test_weights_that_ignore_the_seed_or_nothing_are_named(tmp_path):
    deaf = type("Deaf", (Model,), {"build": lambda self, size, seed: Model.build(self, size, 0)})()
    wild = built(lambda module, size: nn.init.normal_(module.mix.weight, generator=unseeded()))
    assert "builds with seeds 0 and 1 are equal" in str(faults(tmp_path, model=deaf))
    assert "two builds with one seed differ in mix.weight" in str(faults(tmp_path, model=wild))


@pytest.mark.parametrize(
    ("loss", "sentence"),
    [
        (Unshifted(), "100% of the targets equal the input at the same position"),
        (NotANumber(), "is nan on an untrained model"),
        (PerToken(), "returns (64,) where a scalar tensor is needed"),
        (PerRow(), "counts 4 units in a batch of 64"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_losses_fault_is_named(tmp_path, loss, sentence):
    assert sentence in str(faults(tmp_path, loss=loss))


def _overlapping(self, split):
    return Tokens.windows(self, "train")[: self.n_rows[split]]


def _overlapping_at_an_offset(self, split):
    text = torch.randint(32, (80 * 64,), generator=torch.Generator().manual_seed(0))
    offset = 8 if split == "heldout" else 0
    return text[offset:].unfold(0, 65, 64)[: self.n_rows[split]]


def _without(*ignored):
    """Batches of a dataset that ignores some of its arguments."""

    def batches(self, folder, split, batch_units, seed, rank, world_size, start):
        arguments = {"seed": seed, "rank": rank, "start": start} | dict.fromkeys(ignored, 0)
        return Tokens.batches(
            self, folder, split, batch_units, arguments["seed"], arguments["rank"], world_size, arguments["start"]
        )

    return batches


def _ends(self, *arguments):
    return iter([next(Tokens.batches(self, *arguments))])


def _miscounted(self, folder):
    sound = Tokens.prepare(self, folder)
    return dataclasses.replace(sound, n_units=sound.n_units | {"heldout": 255})


DATASETS = {
    "held-out rows are trained on": ({"windows": _overlapping}, "of the held-out rows occur in the training data"),
    "held-out text is trained on": ({"windows": _overlapping_at_an_offset}, "of the held-out half windows occur"),
    "seed ignored": ({"batches": _without("seed")}, "seeds 0 and 1 give the same first batch"),
    "order drawn from nowhere": (
        {"order": lambda *_: torch.randperm(64)},
        "two streams with one seed begin differently",
    ),
    "start ignored": ({"batches": _without("start")}, "batches(start=3) does not begin"),
    "rank ignored": ({"batches": _without("rank")}, "processes 0 and 1 of 2 see the same data"),
    "stream ends": ({"batches": _ends}, "ends within 4 batches"),
    "tokens beyond the vocabulary": ({"largest": 40}, "has the classes 0 to 31"),
    "a tokeniser beyond the vocabulary": ({"vocab_size": 50}, "set the model's vocab_size to at least 50"),
    "less than a batch": (
        {"n_rows": {"train": 3, "heldout": 16}},
        "has 48 tokens to train on, fewer than a batch of 64",
    ),
    "nothing held out": ({"n_rows": {"train": 64, "heldout": 0}}, "nothing is held out"),
    "other held-out units than stated": ({"prepare": _miscounted}, "the manifest counts 255 held-out tokens"),
}


@pytest.mark.parametrize(("changes", "sentence"), DATASETS.values(), ids=DATASETS)
def test_a_datasets_fault_is_named(tmp_path, changes, sentence):
    model = type("Reader", (Model,), {"vocab_size": 32})()
    assert sentence in str(faults(tmp_path, model=model, dataset=dataset(**changes)))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"build": lambda self, size: None}, "model Changed: build cannot be called with (size, seed)"),
        (
            {"optimizer": None},
            "model Changed: optimizer is missing; declare it as def optimizer(self, module, training)",
        ),
        ({"counts": lambda self: None}, "model Changed: counts cannot be called with (size)"),
    ],
)
def test_a_wrong_signature_is_named_and_nothing_else_is_tried(tmp_path, changes, sentence):
    sentences = faults(tmp_path, model=type("Changed", (Model,), changes)())
    assert sentence in str(sentences)
    assert len(sentences) == 1
