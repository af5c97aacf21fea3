"""Sweeps that plan themselves: a family of sizes to choose from, a ladder of budgets, a refinement of finished ones."""

import math
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from flopscape.config.model import Model, Plain, Positive, PositiveInt, Sizes
from flopscape.text.written import number

MOST_SIZES, FEWEST_SIZES = 9, 5
"""At the smallest budget and at the largest: sizes are dear at the top, and the smaller budgets place it."""

SCOUTS_BELOW = 0.5
"""Decades of C from the scouts to the smallest budget: cheap beside it, and near enough to place it."""

APART = 1.5
"""Least factor between neighbouring budgets. As N* ∝ C^0.5, their optima differ by 0.5·ln 1.5 = 0.20 in ln N, which is
not two standard errors of the difference of two parabolas' lowest points, √2·0.08 (`LEAST_SD` of design/rung.py): of
nearer budgets neither would say anything that the other does not."""


class Family(Model):
    """The sizes that the study's model may have, for whatever chooses sizes: a ladder, a refinement, the next runs."""

    width_multiple: PositiveInt = 16
    """Widths are multiples of it."""
    min_width: PositiveInt | None = None
    """The narrowest; `width_multiple` when left out."""
    max_width: PositiveInt | None = None
    """The widest; whatever is asked for when left out."""
    depth: PositiveInt | None = None
    """One depth for all widths."""
    aspect_ratio: Positive | None = None
    """Instead of `depth`: width over depth, which is rounded to whole layers, at least one."""
    also: Plain = {}
    """Other keys that every size has, such as {head_dim: 64}."""
    sizes: Sizes | None = None
    """Instead of all that: the sizes themselves."""

    @model_validator(mode="after")
    def sizes_or_a_rule(self) -> Self:
        """Sizes are listed, or follow from their widths."""
        # A key that says what holds without it excludes nothing: a study with every default filled in has them all.
        fields = type(self).model_fields
        rule = [name for name in fields if name != "sizes" and getattr(self, name) != fields[name].default]
        if self.sizes and rule:
            raise ValueError(f"sizes and {rule[0]} exclude each other: list the sizes, or give a rule for them")
        if not self.sizes and (self.depth is None) == (self.aspect_ratio is None):
            raise ValueError("give either depth, one for all widths, or aspect_ratio, width over depth")
        multiple = self.width_multiple
        first = -(-(self.min_width or multiple) // multiple) * multiple
        if self.max_width is not None and first > self.max_width:
            raise ValueError(f"max_width is {self.max_width}, and the narrowest width is {first}: no size is left")
        return self


class Scouts(Model):
    """The first runs of a ladder: cheap ones that find the optimum, from which the budgets above are centred."""

    sizes: Annotated[PositiveInt, Field(ge=3)] = 7
    """How many sizes."""
    half_span_dex: Positive = 1.0
    """Half the range of their N around the guess, in decades."""
    below_top: Annotated[Positive, Field(gt=1)] | None = None
    """The largest budget over theirs; half a decade below the smallest budget when left out."""


def _counts(value: Any) -> Any:
    """One count for all budgets, or one for each."""
    return value if isinstance(value, list | None) else number(value)


class Ladder(Model):
    """Budgets upwards, each with sizes around the optimum that the finished ones below point at.

    The defaults are those that did best in simulations for the least compute: five budgets over 2.75 decades with 9, 8,
    7, 6 and 5 sizes within a factor 4 of the centre, 76 % of the compute at the largest. Three decades do
    a little better where noise is the same at all budgets, and worse where it falls with compute.
    """

    top: Positive | None = None
    """The largest budget C of one run, in FLOPs."""
    total: Positive | None = None
    """Instead of `top`: FLOPs of all runs of the ladder, from which it follows."""
    budgets: Annotated[PositiveInt, Field(ge=2, le=50)] = 5
    """How many budgets, spaced evenly in ln C."""
    decades: Positive = 2.75
    """From the smallest budget to the largest, in decades of C."""
    sizes: Annotated[
        Annotated[int, Field(ge=3)] | list[Annotated[int, Field(ge=3)]] | None,
        BeforeValidator(_counts, json_schema_input_type=int | list[int] | None),
    ] = None
    """Sizes of each budget, from the smallest budget on; one number for all; from 9 down to 5 when left out."""
    half_span_dex: Positive = 0.6
    """Half the range of N at each budget around its centre, in decades."""
    seeds: PositiveInt = 1
    """Seeds of every size."""
    first_seeds: PositiveInt = 1
    """Seeds at the smallest budget, at least. Three cost under 2 % of the compute and tell the noise of a run; but so
    many runs there weigh on a fit, and where its law fails, L* beyond the runs errs more for it."""
    tokens_per_param: Positive = 20.0
    """D over N at the optimum, as a first guess; the scouts find out how far it is off."""
    scouts: Scouts = Scouts()
    """The first runs, which place the smallest budget and leave the fits."""

    @model_validator(mode="after")
    def one_measure_and_as_many_sizes(self) -> Self:
        """Either of top and total; sizes for each budget."""
        if (self.top is None) == (self.total is None):
            raise ValueError("give either top, the largest budget of one run, or total, the FLOPs of all runs")
        if isinstance(self.sizes, list) and len(self.sizes) != self.budgets:
            raise ValueError(f"sizes has {len(self.sizes)} numbers for {self.budgets} budgets: give one for each")
        self._refuse_near_budgets()
        if self.scouts_below_top <= 1.01 / self.shares[0]:
            raise ValueError(
                f"scouts.below_top = {self.scouts_below_top:g} puts the scouts at the smallest budget or above, which "
                f"they are to place: give more than {1 / self.shares[0]:.4g}, or fewer decades"
            )
        return self

    def _refuse_near_budgets(self) -> None:
        """Raise ValueError where neighbouring budgets are too near to be told apart."""
        if (apart := 10 ** (self.decades / (self.budgets - 1))) >= APART:
            return
        least = (self.budgets - 1) * math.log10(APART)
        most = 1 + int(self.decades / math.log10(APART))
        fewer = f", or {most} budgets or fewer" if most > 1 else ""
        raise ValueError(
            f"decades = {self.decades:g} puts {self.budgets} budgets only a factor {apart:.3g} apart: give "
            # Rounded up, or the number that is given would be refused as well.
            f"{math.ceil(1000 * least) / 1000:g} decades or more{fewer}, so that each is {APART:g} times the one below"
        )

    @property
    def counts(self) -> list[int]:
        """Sizes of each budget, the smallest budget first.

        >>> Ladder(top=1e12).counts
        [9, 8, 7, 6, 5]
        """
        if self.sizes is None:
            fall = (MOST_SIZES - FEWEST_SIZES) / (self.budgets - 1)
            return [round(MOST_SIZES - fall * i) for i in range(self.budgets)]
        return self.sizes if isinstance(self.sizes, list) else [self.sizes] * self.budgets

    @property
    def seeds_of_budgets(self) -> list[int]:
        """Seeds of each budget, the smallest budget first."""
        return [max(self.seeds, self.first_seeds), *[self.seeds] * (self.budgets - 1)]

    @property
    def n_runs(self) -> int:
        """How many runs the scouts and all budgets are."""
        return self.scouts.sizes + sum(n * k for n, k in zip(self.counts, self.seeds_of_budgets, strict=True))

    @property
    def shares(self) -> list[float]:
        """Each budget over the largest, the smallest first: 10^(−decades·(k − i)/(k − 1)) for i = 1 … k.

        >>> [round(share, 4) for share in Ladder(top=1e12).shares]
        [0.0018, 0.0087, 0.0422, 0.2054, 1.0]
        """
        last = self.budgets - 1
        return [float(10 ** (-self.decades * (last - i) / last)) for i in range(self.budgets)]

    @property
    def scouts_below_top(self) -> float:
        """The largest budget over the scouts' own, 1,778 for 2.75 decades."""
        return self.scouts.below_top or float(10 ** (self.decades + SCOUTS_BELOW))

    @property
    def scouts_flops(self) -> float:
        """Compute of one scout, in FLOPs.

        >>> round(Ladder(top=1e12).scouts_flops)
        562341325
        """
        return self.top_flops / self.scouts_below_top

    @property
    def top_flops(self) -> float:
        """The largest budget of one run, in FLOPs: `top`, or what `total` pays for.

        >>> round(1 / Ladder(total=1).top_flops, 2)
        6.62
        """
        if self.top is not None:
            return self.top
        rungs = zip(self.shares, self.counts, self.seeds_of_budgets, strict=True)
        runs = sum(share * sizes * seeds for share, sizes, seeds in rungs)
        assert self.total is not None
        return self.total / (runs + self.scouts.sizes / self.scouts_below_top)


class Refine(Model):
    """More sizes around the optimum of each finished IsoFLOP budget, and beyond the edge where it lies there."""

    sizes: Annotated[PositiveInt, Field(le=50)] = 3
    """How many more sizes at each budget."""
    seeds: PositiveInt = 1
    """Seeds of each."""
