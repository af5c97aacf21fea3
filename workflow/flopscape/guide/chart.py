"""The decision guide as data: questions, what each is decided by, where each answer leads, and the approaches.

`walk` of guide/walk.py follows it for one design, and `svg` of guide/draw.py draws all of it. A question looks at the
facts, says what it found, and gives one of its answers; an answer names the next question, or the approach that the
design allows, and what to do about it. Questions up to the approach decide what to fit; those after it, how far to
believe it. The thresholds are those of the plan's grade and of the fits' judges.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from flopscape.guide import found
from flopscape.guide.facts import Facts
from flopscape.guide.found import Found


class Way(NamedTuple):
    """Where an answer leads: the key of the next question or of an approach, and what to do about it."""

    to: str
    then: str = ""


@dataclass(frozen=True)
class Question:
    """One question of the chart: its words, how the facts decide it, and its answers in the order to draw."""

    words: str
    look: Callable[[Facts], Found]
    ways: Mapping[str, Way] = field(default_factory=dict)


@dataclass(frozen=True)
class Approach:
    """What to fit: the answer's fit, the others that are worth seeing beside it, and why."""

    words: str
    methods: tuple[str, ...]
    why: str


END = ""
"""Where the chart ends."""
CHECKS = "schedule"
"""The question that comes after every approach."""

QUESTIONS: dict[str, Question] = {
    "rows": Question(
        "Is each row the end of a run, or are there several checkpoints of one?",
        found.rows,
        {
            "ends": Way("points"),
            "checkpoints": Way(
                "points",
                "Rows of one run share its luck: fits resample whole runs. Under a schedule that decays, take the last"
                " row of each run alone.",
            ),
        },
    ),
    "points": Question(
        "Are there six or more different pairs of N and D?",
        found.points,
        {"six or more": Way("shape"), "fewer": Way("prior", "Train more sizes at one compute first.")},
    ),
    "shape": Question(
        "How do N and D vary together?",
        found.shape,
        {
            "several budgets": Way("optima"),
            "one budget": Way("one budget", "Add a second budget, three times or more away, before anything else."),
            "a ladder": Way("ladder", "Add runs of the same compute and other sizes: only they tell N from D."),
            "a grid": Way("grid"),
        },
    ),
    "optima": Question(
        "Have three or more budgets five sizes each, and their lowest loss between them?",
        found.optima,
        {
            "all": Way("isoflop"),
            "three or more": Way("isoflop", "Add sizes to the other budgets, on the side where the loss still falls."),
            "not seen yet": Way("isoflop"),
            "fewer": Way("surface", "Add sizes to each budget, on the side where the loss still falls."),
        },
    ),
    "schedule": Question(
        "Does the learning rate's schedule end where the run does?",
        found.schedule,
        {
            "yes": Way("rates"),
            "no": Way("rates", "Losses amid a schedule are too high: train to its end, or decay from there."),
            "unknown": Way("rates", "Ask whoever trained the runs; a schedule cut short biases the exponents."),
        },
    ),
    "rates": Question(
        "Has the best learning rate been shown to hold for all sizes?",
        found.rates,
        {
            "yes": Way("data"),
            "no": Way("data", "Set the rate by width as the search says, and train again what was mistuned."),
            "not shown": Way(
                "data", "Search it at three widths (transfer: in a study): a mistuned size shifts N* unseen."
            ),
            "unknown": Way("data", "Ask how the rate was chosen for each size: a mistuned size shifts N* unseen."),
        },
    ),
    "data": Question(
        "Does any run see its data more than four times?",
        found.data,
        {
            "no": Way("noise"),
            "yes": Way("noise", "Fit the law constrained beside, with a column unique_tokens: repeats teach less."),
            "unknown": Way("noise", "Add a column unique_tokens if any run repeats its data."),
        },
    ),
    "noise": Question(
        "Do repeated seeds tell the noise of a run?",
        found.noise,
        {
            "yes": Way("floor"),
            "no": Way("floor", "Train three seeds of three points, where they are cheap: at the smallest budget."),
        },
    ),
    "floor": Question(
        "Is the floor of the loss told apart from zero?",
        found.floor,
        {
            "yes": Way("reach"),
            "no": Way("reach", "Trust N* before L*: without its floor a loss far beyond the runs is a guess."),
            "unknown": Way("reach", "Fit a law of N and D to see it."),
        },
    ),
    "reach": Question(
        "How far beyond the largest runs is the question?",
        found.reach,
        {
            "within": Way("hidden"),
            "up to ×10": Way("hidden", "Keep the largest budget for a test: train it, hide it, predict it."),
            "beyond ×10": Way("hidden", "Train a budget in between first: no method was ever tested that far here."),
            "nothing asked": Way("hidden", "Say for which compute the answer is wanted."),
        },
    ),
    "hidden": Question(
        "Did the answer predict budgets that were hidden from it?",
        found.hidden,
        {
            "yes": Way(END, "Take the answer with its interval."),
            "no": Way(END, "Add sizes or budgets first: what missed a hidden budget will miss a larger one."),
            "not tested": Way(END, "Hide the largest budgets and predict them before believing any interval."),
        },
    ),
}

APPROACHES: dict[str, Approach] = {
    "prior": Approach(
        "the answer, most of it from what other tables have shown",
        ("answer",),
        "So few points determine none of the laws; what they say is combined with what is known before, and the"
        " interval is as wide as that leaves it.",
    ),
    "one budget": Approach(
        "the answer, and beside it the vertex of the budget's own curve",
        ("answer", "approach2"),
        "One budget measures N* there and nothing of how it moves with compute: the exponents come from what other"
        " tables have shown.",
    ),
    "ladder": Approach(
        "a law in one variable for the loss along the ladder, and the answer for N*",
        ("law", "answer"),
        "Where N and D vary along one line, a law of one variable fits as well as one of both: the loss of the next"
        " rung can be predicted, a better ratio of D to N cannot.",
    ),
    "grid": Approach(
        "the answer, and beside it a law of N and D fitted to all runs",
        ("answer", "vpnls", "approach3"),
        "N and D vary freely, which tells all five numbers of a surface; there are no curves of equal compute to read"
        " an optimum from without a law.",
    ),
    "surface": Approach(
        "the answer, and beside it a law of N and D across the budgets",
        ("answer", "vpnls", "approach3"),
        "A curve whose lowest point is not between its sizes has no vertex to read; a law of all runs borrows from the"
        " budgets that have one.",
    ),
    "isoflop": Approach(
        "the answer, and beside it a curve for each budget and a law of N and D",
        ("answer", "approach2", "vpnls"),
        "Every budget shows its own optimum without any law, so that the law can be checked against them. Where the"
        " two disagree, the form of the law is in doubt.",
    ),
}
