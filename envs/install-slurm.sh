#!/bin/sh
# SLURM for tests/slurm, where this user may install Debian's packages; elsewhere the tests say what they miss.
for program in slurmctld slurmd munged sbatch; do
    [ -x "$(command -v "$program" || echo "/usr/sbin/$program")" ] || missing="$missing $program"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "not installed and not to be installed here:$missing"
    exit 0
fi
export DEBIAN_FRONTEND=noninteractive
install() { apt-get install -y -qq --no-install-recommends slurm-wlm munge >/dev/null 2>&1; }
install || { apt-get update -qq && install; } || echo "the packages slurm-wlm and munge could not be installed"
