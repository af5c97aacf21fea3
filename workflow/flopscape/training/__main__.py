"""`accelerate launch -m flopscape.training SPEC --out RUN.json`."""

import sys

from flopscape.training.run import main

if __name__ == "__main__":
    sys.exit(main())
