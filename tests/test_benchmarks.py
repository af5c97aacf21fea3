import subprocess
import sys


def test_the_timing_of_fits_prints_ratios_and_no_fit_is_beaten(root):
    command = [sys.executable, "benchmarks/fitting.py", "--replicates", "50", "--reference", "2"]
    printed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    excess = [float(line.split()[-1]) for line in printed.splitlines() if "scipy" in line]
    assert len(excess) == 6
    assert min(excess) > -1e-9
