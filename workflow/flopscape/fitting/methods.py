"""The shipped methods and what each can be told besides the table: for the config, without importing any of them."""

METHODS: dict[str, dict[str, tuple[str, ...]]] = {
    "approach1": {"rule": ("hull", "binned", "horizon"), "curves": ()},
    "approach2": {"variant": ("parabola", "exact"), "weights": ("seeds",), "bias_correction": ()},
    "approach3": {"objective": ("huber", "lad", "log_lsq", "lsq"), "delta": (), "weights": ("seeds",)},
    "law": {
        "law": (
            "surface",
            "coupled",
            "kaplan",
            "constrained",
            "power-n",
            "power-d",
            "power-c",
            "power-n-floor",
            "power-d-floor",
            "power-c-floor",
        ),
        "unique_tokens": (),
    },
    "vpnls": {"weights": ("seeds",)},
}
"""Method → option → its words; empty where any value of the option's type will do.

The first option of a method is what the second half of a fit's name means: `approach3-lad`, `approach2-exact`."""


METHODS_OF_SENSITIVITY = ("approach2", "approach3", "vpnls")
"""What `flopscape sensitivity` fits with besides the method that it is given; see answers/sensitivity.py."""
RESAMPLES_OF_SENSITIVITY = 400
"""Percentiles of so few are good to a tenth of the interval's width, and `flopscape sensitivity` makes a dozen fits."""


def module_of(method: str) -> str:
    """Import path of a method's module; a name that is none of the shipped ones is the path of a module itself."""
    return f"flopscape.fitting.{method}" if method in METHODS else method


def modules_of_sensitivity(method: str) -> list[str]:
    """Modules that decide a table of sensitivity whose base fit is by this method: their code is its fingerprint."""
    return ["flopscape.answers.sensitivity", *map(module_of, {*METHODS_OF_SENSITIVITY, method})]


def named(name: str) -> dict[str, str]:
    """What the name of a fit alone says: its method, and the first of the method's options after a hyphen."""
    method, _, word = name.partition("-")
    options = METHODS.get(method, {})
    return {"name": name, "method": method} | ({next(iter(options)): word} if word and options else {})


def complaint(method: str, given: dict[str, object]) -> str:
    """Why these options do not belong to a shipped method, or nothing."""
    for name, value in given.items():
        words = METHODS[method].get(name)
        if words is None:
            owners = [owner for owner, options in METHODS.items() if name in options]
            return f"{name}: {method} has none; {' and '.join(owners)} {'has' if len(owners) == 1 else 'have'}"
        if words and value not in words:
            return f"{name}: {value!r} is none of {', '.join(words)}"
    return ""


def needs_each_seed(seeds: str | None, method: str, weights: object) -> str:
    """Why the seeds of a point cannot be merged into one row for this fit, or nothing."""
    if seeds in (None, "each"):
        return ""
    if weights:
        return f"seeds: {seeds} leaves no scatter between seeds for weights; leave one of them out"
    if method == "approach1":
        return f"seeds: {seeds} is not for approach1, which follows the curve of each run"
    return ""
