"""`accelerate launch -m flopscape.training SPEC --out RUN.json`."""

import sys

from flopscape.text.last_resort import ended
from flopscape.training.command import main

if __name__ == "__main__":
    sys.exit(ended(main, ["train", *sys.argv[1:]]))
