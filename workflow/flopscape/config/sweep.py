"""Which runs: IsoFLOP budgets, grids, explicit rows, and the search for a learning rate."""

from collections import Counter
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from flopscape.config.ladder import Family, Ladder, Refine
from flopscape.config.model import MAX_RUNS, Model, Positive, PositiveInt, Seed, Size, Sizes
from flopscape.text.written import Switch, number, shown


def _seeds(value: Any) -> Any:
    """A count n stands for the seeds 0 … n − 1."""
    count = value if isinstance(value, list) else number(value)
    # Before the list is made: 10^12 seeds would take the memory of the machine, and end in no sentence.
    if isinstance(count, int) and count > MAX_RUNS:
        raise ValueError(f"{shown(count)} seeds are too many: a study has at most {MAX_RUNS:,} runs")
    return list(range(count)) if isinstance(count, int) else count


Seeds = Annotated[
    list[Seed], Field(min_length=1), BeforeValidator(_seeds, json_schema_input_type=PositiveInt | list[Seed])
]


class Budget(Model):
    """One IsoFLOP budget with sizes or seeds of its own."""

    flops: Positive
    """Training compute C of each run at this budget, in FLOPs."""
    sizes: Sizes | None = None
    """Model sizes at this budget; the sweep's own when left out."""
    seeds: Seeds | None = None
    """Seeds at this budget, a list or a count; the sweep's own when left out."""


def _budget(value: Any) -> Any:
    return value if isinstance(value, dict | Budget) else {"flops": value}


AnyBudget = Annotated[Budget, BeforeValidator(_budget, json_schema_input_type=Positive | Budget)]


class IsoFlop(Model):
    """Budgets × sizes × seeds: each run trains as many tokens as its budget pays for."""

    budgets: Annotated[list[AnyBudget], Field(min_length=1)]
    """Budgets in FLOPs: numbers, or mappings with sizes and seeds of their own."""
    sizes: Sizes | None = None
    """Model sizes, as the model plug-in understands them."""
    seeds: Seeds = [0]
    """Seeds, a list or a count."""

    @model_validator(mode="after")
    def every_budget_has_sizes(self) -> Self:
        """Sizes stand with a budget, or with the sweep for all of them."""
        for budget in self.budgets:
            if not (budget.sizes or self.sizes):
                raise ValueError(f"budget {budget.flops:g} has no sizes, and neither has isoflop itself")
        (most, times), *_ = Counter(budget.flops for budget in self.budgets).most_common(1)
        if times > 1:
            raise ValueError(f"budget {most:g} is listed twice")
        return self

    @property
    def n_runs(self) -> int:
        """How many runs this part of the sweep asks for."""
        return sum(len(b.sizes or self.sizes or []) * len(b.seeds or self.seeds) for b in self.budgets)


class Grid(Model):
    """A factorial N × D grid, for parametric fits."""

    sizes: Sizes
    """Model sizes."""
    n_tokens: Annotated[list[PositiveInt], Field(min_length=1)]
    """Tokens (or other units) of each run."""
    seeds: Seeds = [0]
    """Seeds, a list or a count."""

    @property
    def n_runs(self) -> int:
        """How many runs this part of the sweep asks for."""
        return len(self.sizes) * len(self.n_tokens) * len(self.seeds)


class Row(Model):
    """One explicit run, of so many tokens or of so much compute."""

    size: Size
    """Model size."""
    n_tokens: PositiveInt | None = None
    """Tokens (or other units) to train on."""
    flops: Positive | None = None
    """Instead of `n_tokens`: training compute C in FLOPs, which the run shares with the budget of that compute."""
    seed: Seed = 0
    """Seed of weights and data order."""

    @model_validator(mode="after")
    def one_measure(self) -> Self:
        """Either of n_tokens and flops."""
        if (self.n_tokens is None) == (self.flops is None):
            raise ValueError("give either n_tokens or flops of a row, how long it trains")
        return self


class Validate(Model):
    """Runs that are planned, priced and trained, and never fitted: what the fits said of them is scored."""

    isoflop: IsoFlop | None = None
    """Hidden budgets × sizes × seeds; from three sizes on the optimum is scored too."""
    rows: list[Row] = []
    """Explicit hidden runs, such as the one that is recommended."""

    @model_validator(mode="after")
    def some_runs(self) -> Self:
        """Refuse to hide nothing."""
        if not (self.isoflop or self.rows):
            raise ValueError("validate needs isoflop or rows")
        return self

    @property
    def n_runs(self) -> int:
        """How many runs this part of the sweep asks for."""
        return (self.isoflop.n_runs if self.isoflop else 0) + len(self.rows)


class Sweep(Model):
    """Which runs: any of an IsoFLOP sweep, a grid, explicit rows and a ladder, put together."""

    isoflop: IsoFlop | None = None
    """Budgets × sizes × seeds."""
    grid: Grid | None = None
    """Sizes × tokens × seeds."""
    rows: list[Row] = []
    """Explicit runs."""
    ladder: Ladder | None = None
    """Budgets upwards, each centred on the finished ones below."""
    refine: Refine | None = None
    """More sizes at each finished budget, around its optimum."""
    family: Family | None = None
    """The sizes to choose from, for `ladder`, `refine` and the next runs; told from the other sizes when left out."""
    hidden: Annotated[Validate | None, Field(alias="validate")] = None
    """Runs that are trained and never fitted, to score what the fits said of them."""
    branches: Switch = False
    """Train what runs of one size and seed have in common once: the longest leaves the others a checkpoint just before
    their decay. No result changes. Needs `training.warmup_units`."""

    @model_validator(mode="after")
    def some_runs(self) -> Self:
        """Refuse a sweep of no runs, or of too many."""
        if not (self.isoflop or self.grid or self.rows or self.ladder):
            raise ValueError("a sweep needs isoflop, grid, rows or ladder")
        parts = (self.isoflop, self.grid, self.ladder, self.hidden)
        _refuse_many(sum(part.n_runs for part in parts if part) + len(self.rows) + self._n_refining)
        return self

    @property
    def _n_refining(self) -> int:
        """Most runs that a refinement adds."""
        n_budgets = (len(self.isoflop.budgets) if self.isoflop else 0) + (self.ladder.budgets if self.ladder else 0)
        return n_budgets * self.refine.sizes * self.refine.seeds if self.refine else 0

    @model_validator(mode="after")
    def growing_parts_have_what_they_need(self) -> Self:
        """A ladder chooses its sizes, a refinement has budgets, and neither knows its longest runs beforehand."""
        if self.ladder and not self.family:
            raise ValueError("ladder needs family, the sizes to choose from, such as {width_multiple: 16, depth: 2}")
        if self.refine and not (self.isoflop or self.ladder):
            raise ValueError("refine needs isoflop or ladder, whose budgets it adds sizes to")
        if self.branches and (self.ladder or self.refine):
            raise ValueError("branches and ladder or refine exclude each other: a trunk is trained before its branches")
        return self


def _refuse_many(n_runs: int) -> None:
    if n_runs > MAX_RUNS:
        raise ValueError(f"{n_runs:,} runs are planned; a study has at most {MAX_RUNS:,}: make several studies of it")


class Transfer(Model):
    """A search for the learning rate at several widths (`snakemake transfer`): does its optimum transfer?"""

    rates: Annotated[list[Positive], Field(min_length=3)]
    """Values of `training.learning_rate` to try at each size, under the study's own scaling."""
    sizes: Annotated[list[Size], Field(min_length=3)]
    """Three or more model sizes of different widths."""
    n_tokens: PositiveInt
    """Tokens (or other units) of each run."""
    seeds: Seeds = [0]
    """Seeds, a list or a count; two or more tell the noise from the shape."""

    @model_validator(mode="after")
    def rates_and_widths_differ(self) -> Self:
        """Refuse sizes without widths of their own, and rates that stand twice."""
        widths = [size.get("width") for size in self.sizes]
        if not all(isinstance(width, int | float) for width in widths) or len(set(widths)) < len(widths):
            raise ValueError("sizes must have a width each, and no width twice")
        if len(set(self.rates)) < len(self.rates):
            raise ValueError("rates must differ")
        _refuse_many(len(self.rates) * len(self.sizes) * len(self.seeds))
        return self
