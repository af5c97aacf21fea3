import subprocess
import sys


def test_the_timing_of_fits_prints_ratios_and_no_fit_is_beaten(root):
    command = [sys.executable, "benchmarks/fitting.py", "--replicates", "50", "--reference", "2"]
    printed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    excess = [float(line.split()[-1]) for line in printed.splitlines() if "scipy" in line]
    assert len(excess) == 8
    assert min(excess) > -1e-9


def test_the_timing_of_the_loop_prints_its_ratio_to_a_bare_one_at_each_width(root):
    command = [sys.executable, "benchmarks/training.py", "--repetitions", "1", "--steps", "10", "--no-start"]
    printed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in printed.splitlines()[2:]]
    assert [row[0] for row in rows] == ["32", "128", "192"]
    assert all(float(row[3]) > 0 for row in rows)


def test_the_backtest_counts_the_intervals_that_hold_known_truths_and_says_what_it_lacks(root, tmp_path):
    options = ["--mirror", str(tmp_path), "--fits", "approach2", "vpnls", "--simulated", "10", "--bootstrap", "100"]
    command = [sys.executable, "benchmarks/backtest.py", *options]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    assert "skipped: no folder with isoflops.csv" in done.stderr
    rows = [line.split() for line in done.stdout.splitlines()[3:]]
    assert [row[:2] for row in rows] == [
        [fit, kind] for fit in ("approach2", "vpnls") for kind in ("surfaces", "others")
    ]
    assert all(0 <= float(cell) <= 100 for row in rows for cell in row[2:])


def test_expected_intervals_are_within_a_factor_of_three_of_those_that_come(root, tmp_path):
    options = ["--only", "plan", "--mirror", str(tmp_path), "--simulated", "1"]
    command = [sys.executable, "benchmarks/expected.py", *options]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    assert "skipped: no folder with isoflops.csv" in done.stderr
    rows = [line.split() for line in done.stdout.splitlines()[2:]]
    assert [row[:2] for row in rows] == [["simulated", at] for at in ("×1", "×10", "×100")]
    assert all(1 / 3 < float(row[at]) < 3 for row in rows for at in (4, 9))


def test_what_next_expects_of_its_runs_is_printed_beside_what_came(root):
    options = ["--only", "next", "--simulated", "1", "--finished", "3"]
    command = [sys.executable, "benchmarks/expected.py", *options]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    (row,) = [line.split() for line in done.stdout.splitlines()[2:]]
    assert row[0] == "3"
    assert all(0 < float(row[at]) < 1.5 for at in (2, 3, 4, 7, 8, 9))


def test_markov_chains_have_the_distribution_of_the_answers_draws(root, tmp_path):
    """Two short chains, worth some hundred independent draws: ends of intervals within a fifth of their width."""
    options = ["--mirror", str(tmp_path), "--only", "35 runs", "--sweeps", "3000", "--chains", "2"]
    command = [sys.executable, "benchmarks/answer_mcmc.py", *options]
    printed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in printed.splitlines()[2:]]
    assert [row[3:-10] for row in rows] == [["ln", "N*", "×1"], ["L*", "×1"], ["ln", "N*", "×100"], ["L*", "×100"]]
    for row in rows:
        low, middle, high, chain_low, chain_middle, chain_high = (float(cell) for cell in row[-10:-4])
        width = chain_high - chain_low
        assert abs(middle - chain_middle) < 0.1 * width
        assert max(abs(low - chain_low), abs(high - chain_high)) < 0.2 * width


def test_what_the_next_runs_do_is_printed_beside_other_ways_to_spend_as_much_and_other_scores(root, tmp_path):
    options = ["--only", "next", "--tables", "1", "--variants", "--mirror", str(tmp_path)]
    command = [sys.executable, "benchmarks/design.py", *options]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    assert "skipped: no folder with isoflops.csv" in done.stderr
    cells = [line.rpartition("  ")[0].split() for line in done.stdout.splitlines()[3:]]
    assert done.stdout.splitlines()[3].split()[:3] == ["before", "1.00/1.00", "1.00/1.00"]
    assert len([line for line in cells if line]) == 15


def test_the_benchmark_of_ladders_prints_ratios_to_a_grid_and_centers_the_largest_budget(root):
    command = [sys.executable, "benchmarks/design.py", "--only", "ladder", "--ladders", "3", "--answers", "0"]
    printed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in printed.splitlines() if line.startswith(("vpnls", "approach2"))]
    assert [row[1] for row in rows] == ["surf", "mis", "parabolas"]
    assert all(0 < float(cell) < 10 for row in rows for cell in row[2:6])
    off = printed.splitlines()[-1].split()
    assert float(off[5]) < 0.1 < 0.2 < float(off[-1].rstrip("."))


def test_the_benchmark_of_comparisons_counts_intervals_and_verdicts_of_every_gain(root, tmp_path):
    options = ["--tables", "2", "--only", "gains", "halves", "--mirror", str(tmp_path)]
    command = [sys.executable, "benchmarks/compare.py", *options]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    assert "skipped: no folder with isoflops.csv" in done.stderr
    rows = [line for line in done.stdout.splitlines() if "floors" in line and not line.startswith(("ref", "to reach"))]
    assert len(rows) == 6
    cells = [[float(cell) for cell in row.split()[-10:]] for row in rows]
    # Coverage and shares of verdicts lie between none and all, and widths grow away from the runs.
    assert all(0 <= share <= 1 for row in cells for share in [*row[:3], *row[6:]])
    assert all(0 < row[3] < row[4] < row[5] for row in cells)


def test_the_benchmark_of_downstream_accuracies_counts_intervals_of_every_task(root):
    command = [sys.executable, "benchmarks/downstream.py", "--tables", "1", "--bootstrap", "100"]
    printed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    rows = [[float(cell) for cell in line.split()[-10:]] for line in printed.splitlines()[2:]]
    assert len(rows) == 3
    for row in rows:
        # The small model of ten times the compute is worse than the optimal one; shares of one table are none or all.
        assert 0.25 < row[0] < row[2] < row[1] < 1
        assert set(row[3:6]) <= {0.0, 1.0}
        assert all(0 < width < 1 for width in row[6:9])
