"""Surface: a trainer whose loss is a known law plus seeded noise. It trains nothing and says so in every record."""

import platform
import random
import sys
import time

from flopscape import __version__
from flopscape.files.json_text import Spec, short_hash
from flopscape.fingerprint import run_fingerprint
from flopscape.plugins.loading import counts_at, load_model, load_plugin
from flopscape.recipe.settings import TrainingSettings
from flopscape.records.run_record import Curve, RunRecord


class Surface:
    """L(N, D) = E + A·N^−alpha + B·D^−beta + noise, N counted as body + head.

    For trying out sweeps, fits and the workflow on losses whose truth is known, thousands of runs a minute.

    Parameters
    ----------
    E, A, B, alpha, beta : float
        The law; the defaults are Hoffmann et al. 2022 (arXiv 2203.15556, equation 10).
    noise : float
        Standard deviation of the loss between runs, in nats; drawn from the run's own id, so it repeats.
    diverge : list of str
        Run ids that diverge, for trying out what a study does then.
    """

    def __init__(
        self,
        E: float = 1.69,
        A: float = 406.4,
        B: float = 410.7,
        alpha: float = 0.34,
        beta: float = 0.28,
        noise: float = 0.0,
        diverge: tuple[str, ...] = (),
    ) -> None:
        if min(A, B, alpha, beta) <= 0 or min(E, noise) < 0:
            raise ValueError("A, B, alpha and beta must be positive, E and noise zero or more")
        self.E, self.A, self.B, self.alpha, self.beta = E, A, B, alpha, beta
        self.noise, self.diverge = noise, diverge

    def loss(self, n_params: float, n_tokens: float) -> float:
        """The law without noise, in nats per unit.

        >>> round(Surface().loss(70e9, 1.4e12), 3)
        1.937
        """
        return float(self.E + self.A * n_params**-self.alpha + self.B * n_tokens**-self.beta)

    def train(self, spec: Spec) -> RunRecord:
        """The record of one simulated run, with its field `simulated` set."""
        started = time.perf_counter()
        run_id = short_hash(spec)
        loss = load_plugin(**_plugin(spec["loss"])) if "loss" in spec else None
        counts = counts_at(load_model(**_plugin(spec["model"])), spec["size"], loss)
        # From the run's own id: the same run has the same noise, wherever and whenever it is simulated.
        error = random.Random(run_id).gauss(0.0, self.noise) if self.noise else 0.0
        diverged = run_id in self.diverge
        record = RunRecord(
            run_id=run_id,
            spec=spec,
            status="diverged" if diverged else "completed",
            reason="the surface was told to diverge here" if diverged else "",
            simulated=True,
            unit="token",
            n_params_body=counts.n_params_body,
            n_params_head=counts.n_params_head,
            n_params_embedding=counts.n_params_embedding,
            flops_per_unit=counts.flops_per_unit,
            n_tokens_planned=spec["n_tokens"],
            n_tokens_seen=spec["n_tokens"],
            loss=None,
            loss_se=None,
            n_heldout_units=0,
            curve=Curve(),
            code_fingerprint=run_fingerprint(spec),
            cost={"cpu_hours": 0.0, "gpu_hours": 0.0, "usd": 0.0},
            versions={"python": platform.python_version(), "flopscape": __version__},
            hardware={"device": "none (simulated)", "host": platform.node(), "platform": sys.platform},
        )
        if not diverged:
            record.loss, record.loss_se = self.loss(record.n_params, record.n_tokens_seen) + error, 0.0
            record.curve = self._curve(record, TrainingSettings(**spec.get("training", {})), error)
        seconds = time.perf_counter() - started
        record.timings = {"seconds_total": seconds, "seconds_training": 0.0, "seconds_evaluation": 0.0}
        return record

    def _curve(self, record: RunRecord, settings: TrainingSettings, error: float) -> Curve:
        """The law along the run: what a constant-rate run would show, with the run's own error."""
        n_steps = record.n_tokens_planned // settings.batch_units
        n_points = min(n_steps, settings.curve_points, 32)
        steps = sorted({max(1, round(n_steps * (i + 1) / n_points)) for i in range(n_points)})
        tokens = [step * settings.batch_units for step in steps]
        # The run's error is one shift of its whole curve: an envelope of curves then sees the scatter between runs and
        # none within.
        losses: list[float | None] = [self.loss(record.n_params, n) + error for n in tokens]
        return Curve(
            step=steps,
            n_tokens=tokens,
            flops=[float(record.flops_per_unit * n) for n in tokens],
            train_loss=losses,
            heldout_loss=list(losses),
            learning_rate=[settings.learning_rate] * len(steps),
        )


def _plugin(part: Spec) -> Spec:
    return {"path": part["plugin"], "kwargs": part.get("kwargs", {})}
