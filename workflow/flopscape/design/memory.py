"""The memory of one training process, from shapes alone: nothing is allocated, so that any size is told in seconds.

    M = 16 bytes × parameters + fixed + saved × units of a micro-batch

In fp32 a parameter has its weight, its gradient and AdamW's two moments, 4 bytes each. `saved` are the tensors that the
forward pass keeps for the backward pass, per unit of data; `fixed` are those that do not grow with the batch, such as
weights cast to bf16. Both are told from steps on one and on two rows of the plug-in's example batch. What a compiler
fuses away, what allocators waste and what kernels need for themselves is not in it: the number is of an eager step, and
a machine should have a fifth more.
"""

from typing import TYPE_CHECKING, Any, NamedTuple

from flopscape.config.study import Study
from flopscape.files.json_text import Spec
from flopscape.plan.ask import answer_of
from flopscape.plan.rates import window_of
from flopscape.plugins.base import Size
from flopscape.plugins.loading import load_model, load_plugin
from flopscape.records.plan_row import PlanRow

if TYPE_CHECKING:
    from torch import Tensor

BYTES_OF_STATE = 16
"""Of a parameter: weight, gradient and two moments in fp32."""
ROOM = 70e9
"""Bytes of a process: with a little room, what a GPU of 80 GB holds."""


class Memory(NamedTuple):
    """Bytes of states and of what does not grow with the batch, and bytes per unit of a micro-batch."""

    fixed: float
    per_unit: float

    def of(self, units: int) -> float:
        """Bytes of a process that takes so many units at once.

        >>> Memory(fixed=1e9, per_unit=1e6).of(1000)
        2000000000.0
        """
        return self.fixed + self.per_unit * units


class Pieces(NamedTuple):
    """The memory of a model, the units that its process has of a batch, and as many of them as fit at once, or None."""

    memory: Memory
    share: int
    at_once: int | None

    @property
    def is_cut(self) -> bool:
        """Whether the share is taken in pieces, or would have to be."""
        return self.at_once != self.share


def pieces_of(study: Study, row: PlanRow, memory: Memory) -> Pieces:
    """In what pieces a process takes its share of a batch of a run: the whole, what the study says, or what fits.

    A piece is whole windows, and the share a whole number of pieces. Where a rule makes the batch of each run, only a
    window at a time divides them all.
    """
    share, window = share_of(study, row), window_of(study)
    wished = units_at_once(study, row)
    if memory.of(wished) <= ROOM:
        return Pieces(memory, share, wished)
    most = share if study.training.batch_scaling == "fixed" else window
    lengths = (most // n for n in range(1, most // window + 1) if most % n == 0)
    fitting = (units for units in lengths if units % window == 0 and memory.of(units) <= ROOM)
    return Pieces(memory, share, next(fitting, None))


def share_of(study: Study, row: PlanRow) -> int:
    """Units of a batch of a run that each of its processes has."""
    return row.n_tokens // row.n_steps // study.resources.processes


def units_at_once(study: Study, row: PlanRow) -> int:
    """Units that one process takes at once: its share of a batch, or of that as much as it may."""
    share = share_of(study, row)
    return min(share, study.resources.micro_batch_units or share)


def memories(study: Study, sizes: list[Size]) -> list[Memory] | None:
    """The memory of each size under the study's recipe; None for a model without an example batch."""
    if study.simulated:
        return None
    question: Spec = {"model": study.model.spec(), "loss": study.loss.spec(), "sizes": sizes}
    question |= {"precision": study.training.mixed_precision}
    modules = [plugin.plugin.partition(":")[0] for plugin in (study.model, study.loss)]
    subject = f"model {study.model.plugin}: telling its memory failed"
    reply = answer_of("flopscape.design.memory", question, modules, subject)
    return [Memory(*pair) for pair in reply["memories"]] if reply["memories"] else None


def answer(question: Spec) -> Spec:
    """What plan/ask.py asks for: bytes of every size."""
    model = load_model(question["model"]["plugin"], question["model"].get("kwargs"))
    if not callable(getattr(model, "example_batch", None)):
        return {"memories": []}
    loss = load_plugin(question["loss"]["plugin"], question["loss"].get("kwargs"))
    return {"memories": [_memory(model, loss, size, question["precision"]) for size in question["sizes"]]}


def _memory(model: Any, loss: Any, size: Size, precision: str) -> list[float]:
    """Fixed bytes and bytes per unit of one size."""
    from torch._subclasses.fake_tensor import FakeTensorMode

    # Fake tensors have a device and a type besides a shape, so that autocast treats them as it will treat real ones;
    # those of the meta device it leaves as they are.
    with FakeTensorMode(allow_non_fake_inputs=True):
        module = model.build(size, 0)
        n_params = sum(parameter.numel() for parameter in module.parameters())
        batch = model.example_batch(size)
        (one, units), (two, more) = (_saved(module, loss, batch, rows, precision) for rows in (1, 2))
    per_unit = (two - one) / (more - units)
    return [BYTES_OF_STATE * n_params + one - per_unit * units, per_unit]


def _saved(module: Any, loss: Any, batch: "dict[str, Tensor]", rows: int, precision: str) -> tuple[float, int]:
    """Bytes that a forward pass on so many rows keeps for the backward pass, and the units of its loss."""
    import torch
    from torch.autograd.graph import saved_tensors_hooks

    weights = {parameter.untyped_storage()._cdata for parameter in module.parameters()}
    # The storages themselves are kept beside their sizes: a freed one would give its address to another.
    kept: dict[int, Any] = {}

    def pack(tensor: "Tensor") -> "Tensor":
        storage = tensor.untyped_storage()
        if storage._cdata not in weights:
            kept[storage._cdata] = storage
        return tensor

    # Cloned, for a part of a batch is a view and keeps the storage of the whole.
    types = {"bf16": torch.bfloat16, "fp16": torch.float16}
    cast = torch.autocast("cpu", dtype=types.get(precision), enabled=precision in types)
    with saved_tensors_hooks(pack, lambda tensor: tensor), cast:
        _, units = loss(module, {key: value[:rows].clone() for key, value in batch.items()})
    return float(sum(storage.nbytes() for storage in kept.values())), int(units)
