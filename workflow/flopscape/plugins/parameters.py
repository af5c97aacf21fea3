"""A model known by its number of parameters alone, for planning and for surfaces: C = 6·N·D exactly."""

from typing import Any, NoReturn

from flopscape.plugins.base import Counts, Size


class Parameters:
    """Size {n_params}; cannot be built or trained."""

    def counts(self, size: Size) -> Counts:
        """All parameters in the body, 6 FLOPs each per unit (Kaplan et al. 2020, arXiv 2001.08361, section 2.1)."""
        n_params = size.get("n_params")
        if set(size) != {"n_params"} or not isinstance(n_params, int) or n_params < 1:
            raise ValueError(f"size {size}: write {{n_params: N}} with a positive integer N")
        return Counts(n_params_body=n_params, n_params_head=0, n_params_embedding=0, flops_per_unit=6 * n_params)

    def build(self, size: Size, seed: int) -> NoReturn:
        """Refuse with NotImplementedError: there is no module of this size."""
        raise NotImplementedError("Parameters describes a size only: train it with flopscape.plugins.surface:Surface")

    def optimizer(self, module: Any, training: dict[str, Any]) -> None:
        """None: nothing is trained."""
