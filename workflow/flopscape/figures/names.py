"""The figures of a study, in the order of the report. Each is the module of that name beside this file."""

FIGURES = ("isoflop", "allocation", "loss", "methods", "draws", "profile", "sensitivity", "curves", "residuals")
