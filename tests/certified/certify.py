"""Make the certified data: tables of runs, and what fits of them must find, worked out with mpmath to 50 digits.

    python -m tests.certified.certify            # writes *.csv and certified.json beside this file: a minute
    python -m tests.certified.certify --check    # says whether they are what is checked in

Nothing here is the package's. Optima are found by Newton's method until every derivative is below 1e-50 of the
objective, the ends of a profile are solved from Lagrange's conditions, Student's t from the incomplete beta function.
"""

import json
import sys
from pathlib import Path

from mpmath import nstr

from tests.certified.laws import LAWS, law_fit, law_table
from tests.certified.parabolas import parabolas
from tests.certified.surface import ASKED, huber, surface
from tests.certified.tables import as_text, isoflop, read

DIGITS = 30
HERE = Path(__file__).parent


def tables() -> dict[str, str]:
    made = {"isoflop": isoflop()} | {name: law_table(name) for name in LAWS}
    return {f"{name}.csv": as_text(table) for name, table in made.items()}


def certify() -> dict[str, str]:
    """Every file by name."""
    files = tables()
    runs = read(files["isoflop.csv"])
    found = {
        "asked": ASKED, "lsq": surface(runs, False), "log_lsq": surface(runs, True),
        "huber": huber(runs, "0.001"), "huber wide": huber(runs, "0.003"), "approach2": parabolas(runs),
    }  # fmt: skip
    found |= {name: law_fit(name, read(files[f"{name}.csv"])) for name in LAWS}
    return files | {"certified.json": json.dumps(found, indent=1, default=lambda x: nstr(x, DIGITS)) + "\n"}


def main() -> int:
    files, check = certify(), "--check" in sys.argv
    for name, text in files.items():
        if not check:
            (HERE / name).write_text(text, encoding="utf-8")
        elif (HERE / name).read_text(encoding="utf-8") != text:
            print(f"{name} is not what this script makes")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
