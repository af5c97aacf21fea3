"""What a study's plan is and what it will cost, before anything runs; pandas and matplotlib wait until then."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flopscape.api.asked import PathLike, path_of
from flopscape.api.show import drawn, page
from flopscape.api.study import AnyStudy, Study
from flopscape.config.machine import Prices
from flopscape.config.read import load_study, validate, why_no_plan
from flopscape.config.study import ImportedStudy
from flopscape.design.of_plan import expected_of, sentences_of, stopped_sentences
from flopscape.errors import FlopscapeError
from flopscape.plan.capacity import Capacity
from flopscape.plan.coverage import Coverage
from flopscape.plan.price import Price as Priced
from flopscape.plan.price import why_refused
from flopscape.plan.price_table import plan_csv, plan_json, plan_records, price_cells, price_text
from flopscape.plan.studies import Overview, plan_training, price_planned, settings

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


@dataclass(frozen=True, repr=False)
class Plan:
    """What `plan` returns: the study's runs, its price and the grade of its coverage.

    `seen` is all that is known of the study before it runs, and `results` the folder that has finished runs.
    """

    seen: Overview
    results: Path

    def __len__(self) -> int:
        return len(self.seen.rows)

    @property
    def price(self) -> "Price":
        """What the runs still to do will take."""
        return Price(self.seen)

    @property
    def coverage(self) -> Coverage:
        """The grade of the sweep, `good`, `fair` or `poor`, with reasons."""
        return self.seen.coverage

    @property
    def refused(self) -> str:
        """Why the study's limits refuse to start it; empty where they do not."""
        return why_refused(self.seen.study, self.seen.price)

    def to_frame(self) -> "pd.DataFrame":
        """A row a planned run, as `plan.csv` has them: run_id, budget, size, n_params, n_tokens, flops and more."""
        import pandas as pd

        return pd.DataFrame(plan_records(self.seen.rows))

    def to_csv(self) -> str:
        """The text of `plan.csv`."""
        return plan_csv(self.seen.rows)

    def to_json(self) -> str:
        """Runs, price, coverage and expected intervals, as `flopscape plan --json` prints them."""
        seen = self.seen
        return plan_json(seen.rows, seen.price, seen.coverage, expected_of(seen), seen.open_runs, self.refused)

    def summary(self) -> str:
        """What `flopscape plan` prints: the price, the coverage, and the intervals to expect of the answer."""
        seen = self.seen
        expected = stopped_sentences(seen, self.results) + sentences_of(seen)
        text = price_text(seen.study, seen.price, seen.coverage, seen.finished, expected)
        return "\n".join([text, *([f"REFUSED: {self.refused}"] if self.refused else [])])

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """The sizes of the runs against their compute, a marker a budget; returns the axes."""
        from flopscape.figures import style

        table = self.to_frame()
        budgets = sorted(table["budget"].dropna().unique().tolist())
        with drawn(ax) as axes:
            for budget, (colour, marker) in style.budget_looks(budgets).items():
                runs = table[table["budget"] == budget]
                axes.scatter(runs["flops"], runs["n_params"], color=[colour], marker=marker)
            others = table[table["budget"].isna()]
            axes.scatter(others["flops"], others["n_params"], color=style.GREY)
            style.flops_axis(axes)
            style.log_axis(axes.yaxis, style.tick_count)
            axes.set_ylabel("N, parameters (body + head)")
        return axes

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        notes = [f"coverage: {self.coverage.grade}", *self.coverage.reasons, *filter(None, [self.refused])]
        head, *rows = price_cells(self.seen.study, self.seen.price)
        return page(f"Plan of {self.seen.name}: {len(self)} runs", head, rows, notes)


@dataclass(frozen=True, repr=False)
class Price:
    """What `price` returns: what the runs of a study that are still to do will take."""

    seen: Overview

    @property
    def total(self) -> Any:
        """All lines together: runs, tokens, FLOPs, device-hours, US dollars."""
        return self.seen.price.total

    @property
    def priced(self) -> Priced:
        """Every line, and what the price rests on."""
        return self.seen.price

    def to_frame(self) -> "pd.DataFrame":
        """A row a budget: runs to do and all, tokens, FLOPs, device-hours, US dollars, the longest run in seconds."""
        import pandas as pd

        lines = [*self.priced.lines, *(self.priced.expected.lines if self.priced.expected else [])]
        return pd.DataFrame([vars(line) for line in lines])

    def summary(self) -> str:
        """The table of prices and what it rests on, without the intervals that `Plan.summary` works out."""
        return price_text(self.seen.study, self.seen.price, self.seen.coverage, self.seen.finished)

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Device-hours of each budget as bars; returns the axes."""
        lines = self.priced.lines
        with drawn(ax) as axes:
            axes.barh(range(len(lines), 0, -1), [line.device_hours for line in lines])
            axes.set_yticks(range(len(lines), 0, -1), [line.label for line in lines])
            axes.set_xlabel(f"{self.priced.device.upper()}-hours")
        return axes

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        head, *rows = price_cells(self.seen.study, self.seen.price)
        return page(f"Price of {self.seen.name}", head, rows, [f"speed from: {self.priced.speed_source}"])


def plan(
    study: AnyStudy,
    *,
    results: PathLike = "results",
    config: PathLike = "config/config.yaml",
    prices: Mapping[str, Any] | None = None,
    cores: int | None = None,
) -> Plan:
    """Plan a study and price it; starts nothing.

    Parameters
    ----------
    study : Study or path
        Built in Python, or the path of its YAML.
    results : path
        Folder of all results, whose finished runs need not be paid again.
    config : path
        The project's config.yaml, for prices; the defaults hold where there is none.
    prices : mapping, optional
        Prices and speeds instead of those, such as `{"usd_per_gpu_hour": 2}`.
    cores : int, optional
        Runs at a time, for the wall time; as many as this machine has cores when left out.

    Raises
    ------
    FlopscapeError
        The study cannot be read or planned, or its runs are imported.

    Examples
    --------
    `fs.plan("config/studies/kjv-gpt.yaml").to_frame()`, on the command line
    `flopscape plan config/studies/kjv-gpt.yaml --csv plan.csv`.
    """
    folder = path_of(results, "results")
    place = Path(f"{study.name}.yaml") if isinstance(study, Study) else path_of(study, "study")
    checked = study.checked if isinstance(study, Study) else load_study(place)
    if isinstance(checked, ImportedStudy):
        raise FlopscapeError(why_no_plan(place, checked))
    rates = settings(path_of(config, "config")).prices if prices is None else validate(Prices, dict(prices), "prices")
    capacity = Capacity(_cores(cores))
    return Plan(price_planned(plan_training(place.stem, place, checked, folder), rates, capacity, folder), folder)


def price(study: AnyStudy, **where: Any) -> Price:
    """What the runs of a study that are still to do will take: FLOPs, hours, money, disk; see `plan` for the options.

    Examples
    --------
    `fs.price("config/studies/kjv-gpt.yaml").total.usd`
    """
    return plan(study, **where).price


def _cores(cores: int | None) -> int:
    if cores is None:
        return os.cpu_count() or 1
    if isinstance(cores, bool) or not isinstance(cores, int) or cores < 1:
        raise FlopscapeError(f"cores: {cores!r} is not a number of cores; write 1 or more")
    return cores
