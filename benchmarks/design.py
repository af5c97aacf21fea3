"""Sweeps that design themselves, measured on truths that are known and on published tables.

    python benchmarks/design.py [--only next] [--tables 30] [--ladders 400] [--answers 10] [--starts 4] [--pairs 30]
                                [--mirror DIR] [--variants]

next (design_next.py): as much again is spent after a finished sweep, by the score of `flopscape next`, on one more seed
of everything, on two sizes at six times the top budget, and at random; and published tables are bought from, run by
run. The folder of isoflops.csv is --mirror or $FLOPSCAPE_MIRROR; without it that table is left out. With --variants
other scores stand beside it (design_variants.py).

decide (design_decide.py): as much again is spent after two finished sweeps, by `flopscape next --compare` and in other
ways.

ladder (design_ladder.py): five budgets that are centred one after the other, beside a grid around a guess of as much
compute. Progress goes to stderr.
"""

import os

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

import argparse
import sys
from pathlib import Path

import design_decide
import design_ladder
import design_next
import design_variants

SECTIONS = ("next", "decide", "ladder")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=SECTIONS, help="one section; all when left out")
    parser.add_argument("--tables", type=int, default=30, help="simulated sweeps of each of the ten truths")
    parser.add_argument("--starts", type=int, default=4, help="first runs of each pool")
    parser.add_argument("--pairs", type=int, default=30, help="pairs of simulated sweeps of each of the ten truths")
    parser.add_argument("--ladders", type=int, default=400, help="ladders, and grids beside them, of each truth")
    parser.add_argument("--answers", type=int, default=10, help="of these the ones that the method answer is fitted to")
    parser.add_argument("--mirror", type=Path, default=os.environ.get("FLOPSCAPE_MIRROR"))
    parser.add_argument("--variants", action="store_true", help="other scores beside that of the verb")
    options = parser.parse_args()
    scores = design_next.SCORE | (design_variants.TRIED if options.variants else {})
    if options.only in (None, "next"):
        print(design_next.on_simulated(options.tables, scores), end="\n\n")
        if options.mirror and Path(options.mirror, "isoflops.csv").is_file():
            print(design_next.on_pools(Path(options.mirror), options.starts, scores), end="\n\n")
        else:
            print("skipped: no folder with isoflops.csv; name it by --mirror or FLOPSCAPE_MIRROR", file=sys.stderr)
    if options.only in (None, "decide"):
        print(design_decide.decide(options.pairs), end="\n\n")
    if options.only in (None, "ladder"):
        print(design_ladder.ladder(options.ladders, options.answers))


if __name__ == "__main__":
    main()
