"""What a wheel holds besides the package: the other files of the workflow, laid out as here, in flopscape/shipped.

All else about the package is in pyproject.toml. flopscape/files/shipped.py finds the files; an editable install has no
copies and uses these.
"""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
SHIPPED = (
    "Snakefile",
    "workflow/Snakefile",
    "workflow/rules/*.smk",
    "workflow/report/*.rst",
    "workflow/schemas/*.json",
    "workflow/template/*",
    "workflow/flopscape/figures/*.rst",  # the rules name these captions by their path from the rules
    "config/**/*",
    "envs/*.def",
    "envs/*.txt",
    "envs/*.yaml",
    "examples/*",
    "profiles/**/*",
    "results/README.md",
)


class BuildWithWorkflow(build_py):
    """Copy the package, and the files beside it."""

    def run(self) -> None:
        """Build."""
        super().run()
        if self.editable_mode:
            return
        for path in (path for pattern in SHIPPED for path in sorted(ROOT.glob(pattern)) if path.is_file()):
            copy = Path(self.build_lib, "flopscape", "shipped", path.relative_to(ROOT))
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)


setup(cmdclass={"build_py": BuildWithWorkflow})
