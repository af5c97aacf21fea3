"""The figures of a study, in the order of the report. Each is the module of that name beside this file."""

FIGURES = ("isoflop", "allocation", "loss", "methods", "draws", "profile", "sensitivity", "curves", "residuals")


def drawable(curves: bool) -> list[str]:
    """The figures of a study with or without training curves."""
    return [name for name in FIGURES if curves or name != "curves"]
