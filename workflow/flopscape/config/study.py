"""A study, and config.yaml, as models; read.py reads them from YAML.

The JSON Schemas in workflow/schemas/ are generated from these models.
"""

from typing import Annotated, Any, Self, get_args

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from flopscape.config.compare import Comparisons
from flopscape.config.downstream import Tasks, metrics_asked, metrics_scored, why_unscored
from flopscape.config.fits import Fit, NamedFit, Recommend, Twin
from flopscape.config.machine import Limits, Prices, Resources, Tracking
from flopscape.config.model import Axes, Exclusion, Model, PositiveInt
from flopscape.config.plugins import LOOP, HeldoutSet, Plugin, refuse_unclear_sets
from flopscape.config.sweep import Sweep, Transfer
from flopscape.fitting.methods import ANSWER
from flopscape.recipe.batch import n_micro_batches
from flopscape.recipe.settings import TrainingSettings
from flopscape.records.columns import RunColumn
from flopscape.records.metrics import LOSS, METRIC, OWN, is_metric
from flopscape.text.written import Switch, nearest, shown


def _names(value: Any) -> Any:
    """Names of columns, as a list or with commas between them."""
    return [name.strip() for name in value.split(",")] if isinstance(value, str) else value


def _mapped(name: str) -> str:
    """A column that an import gives: of those that a fit reads, or of a metric."""
    if name not in get_args(RunColumn) and not is_metric(name):
        meant = nearest(name, get_args(RunColumn))
        raise ValueError(f"{shown(name)} is no column that a fit reads, nor a metric such as loss@web{meant}")
    return name


MappedColumn = Annotated[
    str,
    AfterValidator(_mapped),
    WithJsonSchema({"type": "string", "pattern": f"^({'|'.join(get_args(RunColumn))}|{METRIC.pattern})$"}),
]


class Runs(Model):
    """Finished runs of other people's: `flopscape import` as a part of a study."""

    table: str
    """A CSV, JSON or Parquet file, packed as .gz or not, or the name of a published table such as chinchilla."""
    map: dict[MappedColumn, str] = {}
    """Our column: theirs; metrics too, such as `loss@web` or `accuracy@hellaswag`."""
    run_id: Annotated[list[str], BeforeValidator(_names, json_schema_input_type=str | list[str])] = []
    """Columns whose cells together name a run, such as [n_params, lr, seed], where no column does."""
    exclude: Exclusion | None = None
    """Leave out the rows for which this expression over the table's columns, renamed by `map`, is true."""
    by: str | None = None
    """Split the table by the texts of this column: a study for each."""
    lowest: Switch = False
    """Of several rows at one N and D (a search over rates or batches), use the one of lowest loss only."""
    mirror: str | None = None
    """Folder with the files of published tables; `data_mirror` of config.yaml when left out."""
    curves: str | None = None
    """A table of training curves: run_id, n_tokens, heldout_loss or train_loss, and flops where it is not 6·N·D."""


class _Answering(Model):
    """What every study has, wherever its runs come from."""

    title: str
    """One line for the report."""
    fits: Annotated[list[NamedFit], Field(min_length=1)]
    """Fits of the finished runs: names of methods, or mappings. The fit `answer` is made too, listed or not."""
    recommend: Recommend
    """Budgets to answer for."""
    twin: Twin = Twin()
    """How much is simulated to say which method to trust."""
    downstream: Tasks = {}
    """Tasks whose accuracy is predicted by name: their loss by a fit, the accuracy as a sigmoid of it."""
    matrix: Axes = {}
    """Several studies in one file: a key and its values, or a name and what each of its labels changes; every
    combination is a study."""

    @property
    def recommended_fit(self) -> str:
        """Name of the fit that the recommendation rests on."""
        return self.recommend.fit or ANSWER

    def fit_of_task(self, name: str) -> Fit:
        """The fit of the loss that the accuracy of a task follows."""
        chosen = self.downstream[name].fit or self.recommended_fit
        return next(fit for fit in self.fits if fit.name == chosen)

    @model_validator(mode="after")
    def answer_is_among_the_fits(self) -> Self:
        """Every study has the fit `answer`; one that is listed has options of its own."""
        if ANSWER not in [fit.name for fit in self.fits]:
            self.fits.append(Fit(name=ANSWER, method=ANSWER))
        return self

    @model_validator(mode="after")
    def fits_are_distinct_and_known(self) -> Self:
        names = [fit.name for fit in self.fits]
        if len(set(names)) < len(names):
            raise ValueError(f"fits: two fits of one name among {', '.join(names)}")
        if self.recommended_fit not in names:
            raise ValueError(f"recommend.fit: {self.recommend.fit!r} is not one of the fits {', '.join(names)}")
        metrics = {fit.name: fit.metric for fit in self.fits}
        if (metric := metrics[self.recommended_fit]) != LOSS:
            raise ValueError(
                f"recommend.fit: {self.recommended_fit} is a fit of {metric}, and what is recommended rests on the "
                "study's loss; name a fit of it. Fits of other metrics have a section of their own in the report"
            )
        for name, task in self.downstream.items():
            if task.fit and task.fit not in names:
                raise ValueError(f"downstream.{name}.fit: {task.fit!r} is not one of the fits {', '.join(names)}")
        return self


class Study(_Answering):
    """One architecture × one dataset × one sweep."""

    recipe: PositiveInt = 1
    """Bump it to retrain every run."""
    model: Plugin
    """Model plug-in."""
    dataset: Plugin | None = None
    """Dataset plug-in; only a plug-in trainer can do without."""
    loss: Plugin = Plugin(plugin="flopscape.plugins.losses:NextToken")
    """Loss plug-in."""
    heldout: dict[str, HeldoutSet] = {}
    """Further held-out sets by name, scored at the end of every run: `own` is the study's own, for further metrics."""
    trainer: Plugin = Plugin(plugin=LOOP)
    """`loop`, the package's own training loop, or a plug-in such as flopscape.plugins.surface:Surface."""
    training: TrainingSettings = TrainingSettings()
    """The recipe of every run."""
    sweep: Sweep
    """Which runs."""
    transfer: Transfer | None = None
    """The search for the learning rate; nothing but `snakemake transfer` trains it."""
    resources: Resources = Resources()
    """What one run asks of the machine."""
    tracking: Tracking = Tracking()
    """Where runs are logged besides their own files."""
    limits: Limits = Limits()
    """Caps on the study's price."""
    strict: Switch = False
    """Refuse a sweep whose coverage is graded poor."""

    @property
    def simulated(self) -> bool:
        """Whether the runs come from a plug-in trainer and not from training."""
        return self.trainer.plugin != LOOP

    @property
    def further_units(self) -> int:
        """Units that each finished run is scored on at most, beside the study's own loss: one pass a metric and set."""
        passes = sum((name != OWN) + len(one.metrics) for name, one in self.heldout.items())
        return passes * self.training.heldout_units

    @property
    def has_curves(self) -> bool:
        """Whether there are training curves to draw."""
        return True

    @model_validator(mode="after")
    def training_has_data(self) -> Self:
        """What the loop trains needs data."""
        if self.dataset is None and not self.simulated:
            raise ValueError("dataset is missing")
        return self

    @model_validator(mode="after")
    def held_out_sets_are_clear(self) -> Self:
        """Every further set has a name of its own and something to score, by the loop."""
        if self.heldout and self.simulated:
            raise ValueError("heldout: only the loop scores further sets, and this study has a trainer of its own")
        try:
            refuse_unclear_sets(self.heldout, self.dataset)
        except ValueError as error:
            raise ValueError(f"heldout: {error}") from error
        return self

    @model_validator(mode="after")
    def metrics_are_scored(self) -> Self:
        """What a fit or a task reads of the held-out sets, the runs have."""
        # A trainer of the user's own may give its records any metrics.
        asked = () if self.simulated else metrics_asked(self.fits, self.downstream)
        cure = "name its set and its metrics in heldout, or another column"
        if why := why_unscored(asked, metrics_scored(self.heldout), cure):
            raise ValueError(why)
        return self

    @model_validator(mode="after")
    def batch_can_be_shared_out(self) -> Self:
        """A batch is a whole number of pieces for every process."""
        # A batch by a law is rounded to whole pieces by the plan (plan/rates.py).
        if not self.simulated and self.training.batch_scaling == "fixed":
            n_micro_batches(self.training.batch_units, self.resources.processes, self.resources.micro_batch_units)
        return self

    @model_validator(mode="after")
    def the_loop_tracks(self) -> Self:
        """Trackers are told by the loop, and by no other trainer."""
        if self.simulated and self.tracking.trackers:
            raise ValueError("tracking: only the loop's runs are tracked, and this study has a trainer of its own")
        return self

    @model_validator(mode="after")
    def branches_share_their_beginning(self) -> Self:
        """Branches share a trunk, whose rate does not depend on where it ends."""
        training = self.training
        # A cosine knows its end from its first step on; a warm-up over a share of the steps is longer in longer runs.
        # Either way no two rates are equal, and no checkpoint of the one is one of the other.
        if self.sweep.branches and training.schedule != "wsd":
            raise ValueError(
                f"sweep.branches: under training.schedule {training.schedule} runs of different length "
                "have no rates in common; use wsd"
            )
        if self.sweep.branches and training.warmup_fraction and not training.warmup_units:
            raise ValueError(
                "sweep.branches: runs of different length have nothing in common while each warms up over a share of "
                "its own steps; set training.warmup_units to a number of units"
            )
        return self


class ImportedStudy(_Answering):
    """Finished runs of other people's: nothing trains."""

    runs: Runs
    """Where the runs are."""

    @property
    def has_curves(self) -> bool:
        """Whether there are training curves to draw."""
        return self.runs.curves is not None

    @model_validator(mode="before")
    @classmethod
    def nothing_trains(cls, data: Any) -> Any:
        """Refuse keys of a study that trains its runs."""
        training = [key for key in data if key in Study.model_fields and key not in cls.model_fields]
        if training:
            raise ValueError(f"runs and {training[0]} exclude each other: a study imports its runs or trains them")
        return data


def split_studies(value: Any) -> list[str]:
    """The studies of `--config studies=a,b`, of `studies=[a,b]`, or of config.yaml's list."""
    items = value if isinstance(value, list | tuple) else str(value or "").split(",")
    return [str(item).strip() for item in items if str(item).strip()]


class Config(Model):
    """config/config.yaml: which studies, and what compute costs."""

    studies: Annotated[list[str], BeforeValidator(split_studies, json_schema_input_type=str | list[str])]
    """Studies to run: a name for config/studies/{name}.yaml, or a path to a .yaml file."""
    prices: Prices = Prices()
    """Prices and first guesses of speed."""
    data_mirror: str | None = None
    """Folder with the files of published tables, for studies that import one, for `snakemake atlas` and `bias`."""
    compare: Comparisons = {}
    """Selected studies to set beside each other when they are finished: a page and a figure each, by name."""
    container: str = "flopscape.sif"
    """Image that jobs run in under `--sdm apptainer`: a file, or an address such as docker://registry/flopscape."""
