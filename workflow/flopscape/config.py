"""The models of a study and of config.yaml; read_config.py reads them from YAML.

The JSON Schemas in workflow/schemas/ are generated from these models.
"""

import importlib.util
import re
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from flopscape import working_directory
from flopscape.fitting.methods import METHODS, complaint, named, needs_each_seed
from flopscape.records import RunColumn, Spec
from flopscape.training.microbatches import n_micro_batches
from flopscape.training.settings import TrainingSettings

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
LOOP = "loop"


def _number(value: Any) -> Any:
    """Numbers may be written 1e12, 1_000_000 or "1e12"; true and false are no numbers."""
    if isinstance(value, bool):
        raise ValueError("true and false are not numbers")
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError as error:
            raise ValueError(f"{value!r} is not a number") from error
    return int(value) if isinstance(value, float) and value.is_integer() else value


def plain_name(name: str, what: str) -> str:
    """A name that may become a folder and reach a command line."""
    if not NAME.fullmatch(name):
        raise ValueError(
            f"{what} name {name!r}: use letters, digits, '.', '_' and '-' only, beginning with a letter or digit"
        )
    return name


Positive = Annotated[float, BeforeValidator(_number), Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, BeforeValidator(_number), Field(ge=0, allow_inf_nan=False)]
PositiveInt = Annotated[int, BeforeValidator(_number), Field(ge=1)]
Seed = Annotated[int, BeforeValidator(_number), Field(ge=0)]
Size = dict[str, Any]


class Model(BaseModel):
    """Base of all parts: unknown keys are errors, docstrings under fields are the schema's descriptions."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, frozen=True)


class Plugin(Model):
    """A class loaded by import path."""

    plugin: str
    """`module:Class`, from the package or any importable path, the working directory included. Its code is run."""
    kwargs: dict[str, Any] = {}
    """Arguments of the class."""

    def spec(self) -> Spec:
        """The part of a run's spec: kwargs only when there are some."""
        return {"plugin": self.plugin} | ({"kwargs": self.kwargs} if self.kwargs else {})


def _seeds(value: Any) -> Any:
    """A count n stands for the seeds 0 … n − 1."""
    count = _number(value) if not isinstance(value, list) else value
    return list(range(count)) if isinstance(count, int) else count


Seeds = Annotated[list[Seed], BeforeValidator(_seeds), Field(min_length=1)]
Sizes = Annotated[list[Size], Field(min_length=1)]


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


class IsoFlop(Model):
    """Budgets × sizes × seeds: each run trains as many tokens as its budget pays for."""

    budgets: Annotated[list[Annotated[Budget, BeforeValidator(_budget)]], Field(min_length=1)]
    """Budgets in FLOPs: numbers, or mappings with sizes and seeds of their own."""
    sizes: Sizes | None = None
    """Model sizes, as the model plug-in understands them."""
    seeds: Seeds = [0]
    """Seeds, a list or a count."""

    @model_validator(mode="after")
    def every_budget_has_sizes(self) -> Self:
        for budget in self.budgets:
            if not (budget.sizes or self.sizes):
                raise ValueError(f"budget {budget.flops:g} has no sizes, and neither has isoflop itself")
        repeated = [b.flops for i, b in enumerate(self.budgets) if b.flops in {c.flops for c in self.budgets[:i]}]
        if repeated:
            raise ValueError(f"budget {repeated[0]:g} is listed twice")
        return self


class Grid(Model):
    """A factorial N × D grid, for parametric fits."""

    sizes: Sizes
    """Model sizes."""
    n_tokens: Annotated[list[PositiveInt], Field(min_length=1)]
    """Tokens (or other units) of each run."""
    seeds: Seeds = [0]
    """Seeds, a list or a count."""


class Row(Model):
    """One explicit run."""

    size: Size
    """Model size."""
    n_tokens: PositiveInt
    """Tokens (or other units) to train on."""
    seed: Seed = 0
    """Seed of weights and data order."""


class Sweep(Model):
    """Which runs: any of an IsoFLOP sweep, a grid and explicit rows, put together."""

    isoflop: IsoFlop | None = None
    """Budgets × sizes × seeds."""
    grid: Grid | None = None
    """Sizes × tokens × seeds."""
    rows: list[Row] = []
    """Explicit runs."""
    branches: bool = False
    """Train what runs of one size and seed have in common once: the longest leaves the others a checkpoint just before
    their decay. No result changes. Needs `training.warmup_units`."""

    @model_validator(mode="after")
    def some_runs(self) -> Self:
        if not (self.isoflop or self.grid or self.rows):
            raise ValueError("a sweep needs isoflop, grid or rows")
        return self


class Fit(Model):
    """One fit of the study's table."""

    name: str
    """Name of the output, `fits/{name}.json`."""
    method: str
    """approach1, approach2, approach3, vpnls, law, or the import path of a module of your own. Its code is run."""
    objective: str | None = None
    """What approach3 minimises: huber, lad, log_lsq or lsq; huber when left out."""
    delta: Positive | Literal["scaled"] | None = None
    """Huber's δ in log residuals, 1e-3 when left out; `scaled` fits it to the residuals."""
    variant: str | None = None
    """approach2's curve per budget: parabola (when left out) or exact."""
    bias_correction: bool | None = None
    """Take the parabolas' bias off approach2's vertices, by the exponents of a surface fitted to the same runs."""
    rule: str | None = None
    """approach1's envelope: hull (when left out), binned or horizon."""
    weights: str | None = None
    """`seeds` weights rows by the variance between seeds; all the same when left out."""
    law: str | None = None
    """The form that method law fits: coupled (when left out), kaplan, constrained, surface, power-n, power-n-floor …"""
    unique_tokens: Positive | None = None
    """Distinct tokens of the dataset, for the law constrained."""
    columns: dict[Literal["n_params", "n_tokens", "flops", "loss"], str] = {}
    """Columns of runs.csv to use instead of the defaults: another convention of N, D or C."""
    exclude: str | None = None
    """Leave out the runs for which this expression over the table's columns is true."""
    min_flops: Positive | None = None
    """Leave out the runs of less compute than this, in FLOPs."""
    seeds: Literal["each", "mean", "median"] = "each"
    """`each` run is a row; `mean` or `median` makes one row of the seeds of a size and budget."""
    bootstrap: Annotated[int, BeforeValidator(_number), Field(ge=100)] = 4000
    """Resamples of whole runs behind the intervals, where the method uses them."""
    seed: Seed = 0
    """Seed of the resampling."""

    @field_validator("name")
    @classmethod
    def name_is_plain(cls, name: str) -> str:
        return plain_name(name, "fit")

    @field_validator("method")
    @classmethod
    def method_exists(cls, method: str) -> str:
        if method not in METHODS and not _is_module(method):
            raise ValueError(f"{method!r} is none of {', '.join(METHODS)}, and no module of that name can be imported")
        return method

    @property
    def options(self) -> dict[str, Any]:
        """What only some methods take, as far as it is given."""
        names = ("objective", "delta", "variant", "rule", "weights", "law", "unique_tokens", "bias_correction")
        return {name: value for name in names if (value := getattr(self, name)) not in (None, False)}

    @model_validator(mode="after")
    def options_belong_to_the_method(self) -> Self:
        if self.method in METHODS and (why := complaint(self.method, self.options)):
            raise ValueError(why)
        if why := needs_each_seed(self.seeds, self.method, self.weights):
            raise ValueError(why)
        if self.delta and self.objective not in (None, "huber"):
            raise ValueError("delta: only approach3's objective huber has one")
        return self


def _is_module(path: str) -> bool:
    """Whether a user's own method can be found, without running it."""
    working_directory.importable()
    try:
        return bool(path) and importlib.util.find_spec(path) is not None
    except (ImportError, ValueError):
        return False


def _fit(value: Any) -> Any:
    """A name alone stands for a method, or for a method and its first option."""
    return named(value) if isinstance(value, str) else value


class Recommend(Model):
    """What the report answers."""

    flops: Annotated[list[Positive], Field(min_length=1)]
    """Budgets to predict the optimum for, in FLOPs."""
    fit: str | None = None
    """Name of the fit that the recommendation rests on; the last of `fits` when left out."""


class Resources(Model):
    """What one run asks of the machine. Never part of a run's identity."""

    device: Literal["cpu", "gpu"] = "cpu"
    """Where runs train."""
    processes: PositiveInt = 1
    """Processes of one run: GPUs, or CPU processes, on all its machines together."""
    machines: PositiveInt = 1
    """Machines of one run; more than 1 in a SLURM job, or with MASTER_ADDR, MASTER_PORT and NODE_RANK set on each."""
    threads: PositiveInt = 1
    """CPU threads of one process."""
    micro_batch_units: PositiveInt | None = None
    """Most units that a process takes at once, for its memory; its whole share of a batch when left out."""
    memory_mb: PositiveInt = 2000
    """Memory of one run in MB."""
    minutes: PositiveInt = 60
    """Time limit of one run on a cluster, in minutes."""

    @model_validator(mode="after")
    def machines_are_alike(self) -> Self:
        if self.processes % self.machines:
            raise ValueError(f"processes is {self.processes}, not a multiple of machines = {self.machines}")
        return self


class Tracking(Model):
    """Where runs are logged besides their own files. Never part of a run's identity."""

    trackers: list[Literal["tensorboard", "mlflow", "wandb"]] = []
    """Any of tensorboard, mlflow (a file store) and wandb (offline); they need the extra `trackers`."""
    folder: str | None = None
    """Folder of their files; results/{study}/trackers when left out."""


class Limits(Model):
    """A study that would cost more refuses to start."""

    max_gpu_hours: NotNegative | None = None
    """Most GPU-hours for the whole study, finished runs included."""
    max_usd: NotNegative | None = None
    """Most money for the whole study, finished runs included."""


class Runs(Model):
    """Finished runs of other people's: `flopscape import` as a part of a study."""

    table: str
    """A CSV, TSV, Parquet or JSONL file, or the name of a published table such as chinchilla."""
    map: dict[RunColumn, str] = {}
    """Our column: theirs."""
    mirror: str | None = None
    """Folder with the files of published tables; `data_mirror` of config.yaml when left out."""
    curves: str | None = None
    """A table of training curves: run_id, n_tokens, heldout_loss or train_loss, and flops where it is not 6·N·D."""


class Twin(Model):
    """Simulated copies of the study, that say which method to trust on it."""

    simulations: Annotated[int, BeforeValidator(_number), Field(ge=20)] = 500
    """Copies of the study's own design."""
    bootstrap: Annotated[int, BeforeValidator(_number), Field(ge=20)] = 200
    """Resamples behind each interval of each copy."""
    seed: Seed = 0
    """Seed of the noise and of the resampling."""


class Transfer(Model):
    """A search for the learning rate at several widths (`snakemake hp_transfer`): does its optimum transfer?"""

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
        widths = [size.get("width") for size in self.sizes]
        if None in widths or len(set(widths)) < len(widths):
            raise ValueError("sizes must have a width each, and no width twice")
        if len(set(self.rates)) < len(self.rates):
            raise ValueError("rates must differ")
        return self


class _Answering(Model):
    """What every study has, wherever its runs come from."""

    title: str
    """One line for the report."""
    fits: Annotated[list[Annotated[Fit, BeforeValidator(_fit)]], Field(min_length=1)]
    """Fits of the finished runs: names of methods, or mappings."""
    recommend: Recommend
    """Budgets to answer for."""
    twin: Twin = Twin()
    """How much is simulated to say which method to trust."""

    @property
    def recommended_fit(self) -> str:
        """Name of the fit that the recommendation rests on."""
        return self.recommend.fit or self.fits[-1].name

    @model_validator(mode="after")
    def fits_are_distinct_and_known(self) -> Self:
        names = [fit.name for fit in self.fits]
        if len(set(names)) < len(names):
            raise ValueError(f"fits: two fits of one name among {', '.join(names)}")
        if self.recommended_fit not in names:
            raise ValueError(f"recommend.fit: {self.recommend.fit!r} is not one of the fits {', '.join(names)}")
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
    trainer: Plugin = Plugin(plugin=LOOP)
    """`loop`, the package's own training loop, or a plug-in such as flopscape.plugins.surface:Surface."""
    training: TrainingSettings = TrainingSettings()
    """The recipe of every run."""
    sweep: Sweep
    """Which runs."""
    transfer: Transfer | None = None
    """The search for the learning rate; nothing but `snakemake hp_transfer` trains it."""
    resources: Resources = Resources()
    """What one run asks of the machine."""
    tracking: Tracking = Tracking()
    """Where runs are logged besides their own files."""
    limits: Limits = Limits()
    """Caps on the study's price."""
    strict: bool = False
    """Refuse a sweep whose coverage is graded poor."""

    @property
    def simulated(self) -> bool:
        """Whether the runs come from a plug-in trainer and not from training."""
        return self.trainer.plugin != LOOP

    @property
    def has_curves(self) -> bool:
        """Whether there are training curves to draw."""
        return True

    @model_validator(mode="after")
    def training_has_data(self) -> Self:
        if self.dataset is None and not self.simulated:
            raise ValueError("dataset is missing")
        return self

    @model_validator(mode="after")
    def batch_can_be_shared_out(self) -> Self:
        if not self.simulated and self.training.batch_scaling == "fixed":
            n_micro_batches(self.training.batch_units, self.resources.processes, self.resources.micro_batch_units)
        return self

    @model_validator(mode="after")
    def the_loop_tracks(self) -> Self:
        if self.simulated and self.tracking.trackers:
            raise ValueError("tracking: only the loop's runs are tracked, and this study has a trainer of its own")
        return self

    @model_validator(mode="after")
    def branches_share_their_beginning(self) -> Self:
        training = self.training
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
        training = [key for key in data if key in Study.model_fields and key not in cls.model_fields]
        if training:
            raise ValueError(f"runs and {training[0]} exclude each other: a study imports its runs or trains them")
        return data


class Prices(Model):
    """What compute costs, and how fast it is before the first run has been timed."""

    usd_per_cpu_hour: NotNegative = 0.05
    """Price of one CPU core for an hour, in US dollars."""
    usd_per_gpu_hour: NotNegative = 2.0
    """Price of one GPU for an hour, in US dollars."""
    cpu_flops_per_second: Positive = 2e10
    """Training FLOP/s of one CPU process."""
    gpu_flops_per_second: Positive = 2e14
    """Training FLOP/s of one GPU."""
    cpu_peak_flops_per_second: Positive | None = None
    """Peak FLOP/s of one CPU thread, against which runs state their MFU; none is stated when left out."""
    gpu_peak_flops_per_second: Positive | None = None
    """Peak FLOP/s of one GPU in the precision that is trained in, for the MFU."""
    startup_seconds: NotNegative = 8
    """Time a run takes besides training."""


class Config(Model):
    """config/config.yaml: which studies, and what compute costs."""

    studies: list[str]
    """Studies to run: a name for config/studies/{name}.yaml, or a path to a .yaml file."""
    prices: Prices = Prices()
    """Prices and first guesses of speed."""
    data_mirror: str | None = None
    """Folder with the files of published tables, for studies that import one."""
