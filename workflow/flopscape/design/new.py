"""`flopscape new`: a question becomes a commented, priced study."""

from dataclasses import dataclass
from pathlib import Path

from flopscape.config.ladder import Family
from flopscape.config.machine import Prices
from flopscape.config.matrix import study_text
from flopscape.config.read import load_study, validate
from flopscape.config.study import Study
from flopscape.config.yaml12 import dump_yaml, parse_yaml
from flopscape.design import new_study
from flopscape.design.memory import Pieces, memories, pieces_of
from flopscape.design.new_words import Told, header
from flopscape.design.question import Means, Money, Proposal, propose
from flopscape.design.supply import USUAL, Supply
from flopscape.errors import FlopscapeError
from flopscape.plan.capacity import Capacity
from flopscape.plan.studies import data_unit, look_at_study, plan_training, train_units
from flopscape.plugins.loading import source_files

FITS = ["answer", "approach2", "vpnls"]
PLACE = "the new study"


@dataclass(frozen=True)
class Asked:
    """A question: the base study with its text, the family, the money, and compute to answer for, in FLOPs."""

    name: str
    base: Study
    base_text: str
    family: Family
    money: Money
    targets: tuple[float, ...]
    allow_repeats: bool = False


@dataclass(frozen=True)
class NewStudy:
    """What was made of a question: lines to read, and the text of the file."""

    lines: list[str]
    text: str

    def write(self, path: Path) -> None:
        """Write the file, whole or not at all; raises FlopscapeError where there is one of that name."""
        new_study.write_study(path, self.text)


def base_of(path: Path, name: str) -> tuple[Study, str]:
    """A study to take model, data and recipe from, and its text with the folder of the new study for its own."""
    study = load_study(path)
    return study, study_text(path).replace(f"results/{path.stem}", f"results/{name}")


def base_of_text(text: str) -> Study:
    """A base that is in no file, and has no sweep yet."""
    data = parse_yaml(text, PLACE)
    # What a study cannot do without, and a new one has of its own.
    lacking = {
        "title": "",
        "fits": FITS,
        "recommend": {"flops": [1.0]},
        "sweep": {"rows": [{"size": {}, "n_tokens": 1}]},
    }
    return validate(Study, data | lacking, PLACE)


def answer_question(asked: Asked, prices: Prices, capacity: Capacity, results: Path, like: Path | None) -> NewStudy:
    """The study for a question; see `question.propose` for what is refused."""
    if asked.base.dataset is not None:
        source_files(asked.base.dataset.plugin, asked.base.dataset.kwargs)
    means = _means(asked, prices, capacity, results, like)
    supply = Supply(train_units(asked.base, results), data_unit(asked.base), asked.allow_repeats)
    found = propose(asked.base, asked.family, asked.money, asked.targets, means, supply)
    less, more = (_or_why(asked, means, supply, factor) for factor in (0.1, 10.0))
    pieces = _pieces(found)
    parallel = capacity.parallel(asked.base.resources)
    lines = header(Told(asked.money, found, parallel, supply, less, more, pieces))
    study = _finished(asked, found, pieces)
    kept = _with_pieces(asked, study)
    text = new_study.text_of(kept, lines, _own(asked, study))
    new_study.refuse_other_meaning(validate(Study, parse_yaml(text, PLACE), PLACE), study)
    return NewStudy(lines, text)


def _means(asked: Asked, prices: Prices, capacity: Capacity, results: Path, like: Path | None) -> Means:
    """Runs of the base that are finished tell the speed."""
    if like is None:
        return Means(prices, capacity)
    return Means(prices, capacity, look_at_study(plan_training(like.stem, like, asked.base, results), results).sample)


def _or_why(asked: Asked, means: Means, supply: Supply, factor: float) -> Proposal | str:
    """The proposal for another amount of the same money, or why there is none."""
    money = asked.money._replace(amount=asked.money.amount * factor)
    try:
        return propose(asked.base, asked.family, money, asked.targets, means, supply)
    except FlopscapeError as error:
        return str(error)


def _pieces(found: Proposal) -> Pieces | None:
    """How the process of the largest model takes its batch; None for a model whose memory cannot be told."""
    largest = max(found.rows, key=lambda row: row.n_params)
    told = memories(found.study, [largest.size])
    return pieces_of(found.study, largest, told[0]) if told else None


def _with_pieces(asked: Asked, study: Study) -> str:
    """The base's text, with the micro-batches of the new study where the base has others."""
    units = study.resources.micro_batch_units
    if units == asked.base.resources.micro_batch_units:
        return asked.base_text
    why = "what fits of a batch in the memory of a GPU of 80 GB, by shapes; a larger piece is faster"
    return new_study.with_entry(asked.base_text, "resources", f"micro_batch_units: {units}", why)


def _finished(asked: Asked, found: Proposal, pieces: Pieces | None) -> Study:
    """The study as its file will say it."""
    kept = {name: getattr(asked.base, name) for name in Study.model_fields if name not in new_study.OWN}
    own = {"title": asked.name, "fits": FITS, "recommend": {"flops": list(asked.targets)}}
    limits = {"limits": {"max_usd": _limit(asked)}} if asked.money.measure == "usd" else {}
    if pieces and pieces.at_once and pieces.is_cut:
        kept["resources"] = asked.base.resources.model_copy(update={"micro_batch_units": pieces.at_once})
    return validate(Study, kept | own | limits | {"sweep": found.study.sweep}, asked.name)


def _limit(asked: Asked) -> float:
    """A little above the money, for sizes will be others than the expected ones."""
    return float(f"{1.2 * asked.money.amount:.3g}")


def _own(asked: Asked, study: Study) -> dict[str, str]:
    """The parts of the file that are the new study's own, with their comments."""
    ladder = study.sweep.ladder
    assert ladder is not None
    family = asked.family.model_dump(exclude_defaults=True)
    if not asked.family.sizes:
        family = {"width_multiple": asked.family.width_multiple} | family
    parts = {
        "title": f"# One line for the report.\n{dump_yaml({'title': study.title})}\n",
        "sweep": (
            "# Which runs: scouts around a guess, then budgets upwards, each centred on the finished ones below it.\n"
            f"sweep:\n  # The sizes to choose from.\n  family: {_flow(family)}\n  ladder:\n"
            f"    {dump_yaml({'top': ladder.top_flops})}  # the largest budget of one run, in FLOPs\n"
            f"    budgets: {ladder.budgets}\n"
            f"    decades: {ladder.decades:g}  # from the smallest budget to the largest\n"
            f"    {'' if ladder.sizes else '# '}sizes: {ladder.counts}  # of each budget, from the smallest on\n"
            f"    # half_span_dex: {ladder.half_span_dex:g}  # half the range of N at each budget, in decades\n"
            f"    {'' if ladder.tokens_per_param != USUAL.tokens_per_param else '# '}"
            f"{dump_yaml({'tokens_per_param': ladder.tokens_per_param})}"
            "  # the first guess of D over N; scouts find how far it is off\n"
        ),
        "fits": f"# How the runs are fitted; the recommendation rests on `answer`.\n{dump_yaml({'fits': FITS})}\n",
        "recommend": f"# Compute to answer for, in FLOPs.\nrecommend: {_flow({'flops': [*asked.targets]})}\n",
    }
    if study.limits.max_usd is not None:
        parts["limits"] = (
            f"# Refuse to start, or to go on, above this price.\nlimits:\n  max_usd: {study.limits.max_usd:g}\n"
        )
    return parts


def _flow(data: object) -> str:
    return dump_yaml(data, one_line=True)
