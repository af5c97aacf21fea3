"""Plug-ins with one planted fault each, and the sound ones that they are made from. Batches are a row of bytes each."""

import itertools

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from flopscape.plugins.base import Counts, Manifest
from flopscape.plugins.losses import NextToken

VOCABULARY, CONTEXT = 32, 16
SIZES = [{"width": 4}, {"width": 6}]


class Model:
    """A recurrence that cannot look ahead: running means of embedded tokens, and a linear head."""

    causal = True

    def counts(self, size):
        width = size["width"]
        return Counts(width * width, VOCABULARY * width, VOCABULARY * width, 6 * width * (width + VOCABULARY))

    def build(self, size, seed):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return Network(size["width"])

    def optimizer(self, module, training):
        return None

    def example_batch(self, size):
        generator = torch.Generator().manual_seed(0)
        return {"tokens": torch.randint(VOCABULARY, (4, CONTEXT + 1), generator=generator)}


class Network(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, width)
        self.mix = nn.Linear(width, width, bias=False)
        self.head = nn.Linear(width, VOCABULARY, bias=False)

    def forward(self, tokens):
        return self.head(torch.tanh(self.mix(self.past(self.embedding(tokens)))))

    def past(self, x):
        return x.cumsum(1) / torch.arange(1, x.shape[1] + 1, device=x.device)[:, None]


def built(change):
    """A model whose module is changed after it is built."""

    class Changed(Model):
        def build(self, size, seed):
            module = super().build(size, seed)
            change(module, size)
            return module

    return Changed()


def counting(change):
    """A model that declares other counts."""

    class Miscounting(Model):
        def counts(self, size):
            return Counts(**vars(super().counts(size)) | change(super().counts(size)))

    return Miscounting()


class Tokens:
    """Random tokens: an endless stream of windows in an order drawn from the seed, and a few held out."""

    unit = "token"
    n_rows = {"train": 64, "heldout": 16}  # noqa: RUF012
    largest = VOCABULARY - 1

    def prepare(self, folder):
        return Manifest("", self.unit, {k: n * CONTEXT for k, n in self.n_rows.items()}, "by row", "random", "none")

    def windows(self, split):
        generator = torch.Generator().manual_seed(["train", "heldout"].index(split))
        return torch.randint(self.largest + 1, (self.n_rows[split], CONTEXT + 1), generator=generator)

    def order(self, seed, epoch):
        return torch.randperm(self.n_rows["train"], generator=torch.Generator().manual_seed(1000 * seed + epoch))

    def batches(self, folder, split, batch_units, seed, rank, world_size, start):
        n_rows = batch_units // CONTEXT
        share = n_rows // world_size
        if split == "heldout":
            yield from ({"tokens": part} for part in self.windows(split).split(n_rows))
            return
        for step in itertools.count(start):
            places = range(step * n_rows + rank * share, step * n_rows + (rank + 1) * share)
            length = self.n_rows["train"]
            rows = [int(self.order(seed, place // length)[place % length]) for place in places]
            yield {"tokens": self.windows("train")[rows]}


class Unshifted:
    """The token itself as the target."""

    def __call__(self, module, batch):
        inputs = batch["tokens"][:, :-1]
        return cross_entropy(module(inputs).flatten(0, 1), inputs.flatten(), reduction="sum"), inputs.numel()


class NotANumber(NextToken):
    def __call__(self, module, batch):
        value, count = super().__call__(module, batch)
        return value * float("nan"), count


class PerToken:
    """A loss for each token where their sum is needed."""

    def __call__(self, module, batch):
        value, count = NextToken()(module, batch)
        return value * torch.ones(count), count


class PerRow(NextToken):
    """Counts rows where the dataset counts tokens."""

    def __call__(self, module, batch):
        return super().__call__(module, batch)[0], len(batch["tokens"])
