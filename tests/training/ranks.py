"""Runs in several processes of one host: what starts them, and the plug-ins and the spec that they train with."""

PLUGINS = '''
"""What the runs below need: losses that note or mask their batches or kill their process, a model that drifts apart."""

import os
import signal
from pathlib import Path

import torch
from torch.nn.functional import cross_entropy

from flopscape.plugins.gpt import GPT
from flopscape.plugins.losses import NextToken

RANK = int(os.environ.get("RANK", "0"))


class Masked(NextToken):
    """Leaves out the v in some windows: other numbers in each process, less than a batch in all."""

    def __call__(self, module, batch):
        inputs, targets = batch["tokens"][:, :-1], batch["tokens"][:, 1:]
        kept = (targets != ord("v")) | (inputs[:, :1] < ord("r"))
        return cross_entropy(module(inputs)[kept], targets[kept], reduction="sum"), int(kept.sum())


class Noting(NextToken):
    """Writes down every window that it trains on."""

    def __call__(self, module, batch):
        if module.training:
            with Path(os.environ["NOTES"], str(RANK)).open("ab") as file:
                file.write(batch["tokens"].numpy().tobytes())
        return super().__call__(module, batch)


class Killing(NextToken):
    """Kills the process of one rank in its 36th step."""

    steps = 0

    def __call__(self, module, batch):
        self.steps += module.training
        if self.steps == 36 and os.environ.get("KILLED") == str(RANK):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(module, batch)


class DriftingSGD(torch.optim.SGD):
    @torch.no_grad()
    def step(self):
        super().step()
        self.param_groups[0]["params"][0] += 1e-9 * RANK


class Drifting(GPT):
    def optimizer(self, module, training):
        return DriftingSGD(module.parameters(), lr=0.1)
'''

RANKS = """
import json, os, socket, sys
import flopscape.training.train, torch._dynamo  # slow, and needed by all processes

def start(rank, launch):
    several = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": launch["world"], "MASTER_ADDR": "127.0.0.1"}
    if launch["world"] > 1:
        os.environ |= {name: str(value) for name, value in several.items()}
    os.environ |= launch["environment"]
    from flopscape.training.command import main
    return main(launch["words"])

for launch in json.loads(sys.argv[1]):
    with socket.socket() as probe:
        probe.bind(("", 0))
        os.environ["MASTER_PORT"] = str(probe.getsockname()[1])
    children = {}
    for rank in range(launch["world"]):
        if not (child := os.fork()):
            sys.exit(start(rank, launch))
        children[child] = rank
    ended = [os.waitpid(-1, 0) for _ in children]
    print(json.dumps({children[child]: os.waitstatus_to_exitcode(status) for child, status in ended}), flush=True)
"""


def parity_spec(dataset, **training):
    settings = {"batch_units": 256, "heldout_units": 2048, "curve_heldout_points": 0, "curve_points": 100} | training
    return {
        "model": {"plugin": "flopscape.plugins.gpt:GPT", "kwargs": {"context": 32}},
        "size": {"width": 16, "depth": 1},
        "dataset": dataset,
        "loss": {"plugin": "flopscape.plugins.losses:NextToken"},
        "n_tokens": 100 * 256,
        "seed": 0,
        "recipe": 1,
        "training": settings,
    }
