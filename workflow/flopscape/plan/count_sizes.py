"""`python -m flopscape.plan.count_sizes`: count a user's model in a process that may import torch."""

import sys

from flopscape.errors import FlopscapeError
from flopscape.plan.sizes import answer

if __name__ == "__main__":
    try:
        print(answer(sys.stdin.read()))
    except FlopscapeError as error:
        sys.exit(str(error))
