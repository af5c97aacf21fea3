#!/bin/sh
# One clear sentence where the set-up cannot work: usage check-machine.sh PYTHON FOLDER [ENVIRONMENT MEGABYTES]
python="$1"
folder="$2"
environment="${3:-.venv}"
needed_mb="${4:-4000}"

fail() {
    echo "flopscape: $1" >&2
    exit 1
}

command -v "$python" >/dev/null 2>&1 || fail "no $python on this machine: install Python 3.11 or newer, or say make PYTHON=/path/to/python3"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "$("$python" --version) is too old: Python 3.11 or newer is needed; say make PYTHON=/path/to/python3"
"$python" -c 'import venv, ensurepip' 2>/dev/null ||
    fail "$python has no venv module: install it (on Debian and Ubuntu the package python3-venv)"
[ -x "$environment/bin/python" ] && exit 0
free_mb=$(df -Pm "$folder" | awk 'NR == 2 { print $4 }')
[ "$free_mb" -ge "$needed_mb" ] || fail "$free_mb MB free in $(pwd): the set-up needs $needed_mb MB"
