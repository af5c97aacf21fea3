"""Small faults put into the code, one at a time, each with the tests that have to see it.

    python tests/mutations.py               # all of them: a few minutes
    python tests/mutations.py powerlaw      # those of files whose names contain the word

Each is applied to a copy of the checkout in a temporary folder. A fault that no test sees, or whose text has left its
file, is named, and the exit status is 1.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "workflow/flopscape"


class Mutation(NamedTuple):
    """What is wrong, the file, its text, what takes its place, and the test files that have to fail."""

    fault: str
    file: str
    old: str
    new: str
    tests: str


MUTATIONS = [
    Mutation(
        "a new folder is laid out over what is there", "config/working_folder.py",
        "if folder.is_dir() and any(folder.iterdir()):", "if False:", "config/test_working_folder.py",
    ),
    Mutation(
        "an older package is called newer", "dag/own_package.py",
        "Version(installed) < Version(made_with)", "Version(installed) > Version(made_with)", "dag/test_own_package.py",
    ),
    Mutation(
        "a mean of a metric taken for a sum", "checks/further_sets.py", "SAME = 0.25", "SAME = 25.0",
        "checks/test_further_sets.py",
    ),
    Mutation(
        "bits a byte are bits a token", "training/metrics.py",
        'text["n_tokens"] / text["n_bytes"] / math.log(2)', "1 / math.log(2)", "training/test_metrics.py",
    ),
    Mutation(
        "a twin judges fits of other metrics", "dag/commands.py",
        "for fit in study.fits if fit.metric == LOSS]", "for fit in study.fits]", "config/test_plugins.py",
    ),
    Mutation(
        "figures draw fits of other metrics", "figures/tables.py",
        "of_the_loss(read_fits(paths))", "read_fits(paths)", "report/test_other_metrics.py",
    ),
    Mutation(
        "runs scored on other held-out data in one table", "records/run_record.py",
        "{OWN: self.data_hash} | self.heldout_hashes", "{OWN: self.data_hash}", "runs/test_collect.py",
    ),
    Mutation(
        "shares among accuracies in per cent", "runs/metric_columns.py",
        "or not (low.any() or values[high]", "or not (values[high]",
        "runs/test_metric_columns.py",
    ),
    Mutation(
        "a fixed amplitude does not move with its exponent", "fitting/any_law/problem.py",
        "if amplitudes and name in self.law.bounds:", "if False:", "fitting/any_law/test_restriction.py",
    ),
    Mutation(
        "a special case of a law is free of what the law is held to", "fitting/any_law/compare.py",
        "_fit_rival(rival, fit, supply, held or NOTHING)", "_fit_rival(rival, fit, supply, NOTHING)",
        "fitting/any_law/test_restriction.py",
    ),
    Mutation(
        "every shape trains on the same tokens", "answers/shapes.py",
        "n_tokens = flops / shapes.flops_per_token",
        "n_tokens = flops / shapes.flops_per_token.mean() + 0 * shapes.n_params", "design/test_shape.py",
    ),
    Mutation(
        "N follows from the experts of a run", "answers/table_shapes.py",
        "if not parts or _is_free(parts, table.n_params):", "if not parts:", "design/test_shape.py",
    ),
    Mutation(
        "an optimum at the edge is not said", "answers/shapes.py",
        "(best == high and values.max() <= high)", "(best == high and values.max() < high)", "design/test_shape.py",
    ),
    Mutation(
        "runs that differ in a covariate count as seeds of one point", "runs/table.py",
        ", *table.covariates.values()])", "])", "fitting/any_law/test_covariates.py",
    ),
    Mutation(
        "a run costs the same whatever its covariates", "fitting/any_law/asked.py",
        "flops = flops * np.exp(-cost * np.log(table.covariates[term] / at[term]))", "pass",
        "fitting/any_law/test_covariates.py",
    ),
    Mutation(
        "a matrix before a study's own file", "config/matrix.py",
        "return path if _is_file(path) else next", "return next", "config/test_matrix.py",
    ),
    Mutation(
        "a split table forgets its own exclusion", "config/matrix.py",
        """f"({runs['exclude']}) or " if runs.get("exclude") else \"\"""", '""', "config/test_matrix.py",
    ),
    Mutation(
        "the whole term in ln C on one recipe of a comparison", "comparison/model.py",
        "nu * runs.x * (runs.is_b - 0.5)", "nu * runs.x * runs.is_b", "comparison",
    ),
    Mutation(
        "a multiplier's interval by the error of the losses' sum", "comparison/multiplier.py",
        "reshape(*scaled.shape, -1) - of_b.gradient", "reshape(*scaled.shape, -1) + of_b.gradient", "comparison",
    ),
    Mutation(
        "intervals of many pairs as of one", "comparison/compare.py",
        "1 - (1 - LEVEL) / len(both)", "LEVEL", "comparison",
    ),
    Mutation(
        "copies of a run known to the last digit alone", "runs/repeated_rows.py",
        "far <= np.maximum(0.5001 * 10.0**-digits, SINGLE * loss)", "far <= 0", "comparison",
    ),
    Mutation(
        "accuracies below chance excused by their own scatter", "downstream/curve_fit.py",
        "_reweighted(runs, (0.0, mean), (mean, 1.0))", "_reweighted(runs, (runs.chance or 0.0,) * 2, (mean, 1.0))",
        "downstream",
    ),
    Mutation(
        "the difference of paired runs whitened as their sum", "comparison/pairs.py",
        "(first - second) / np.sqrt(2 * (1 - rho))", "(first - second) / np.sqrt(2 * (1 + rho))", "comparison",
    ),
    Mutation(
        "what the surface misses counted as noise of seeds", "comparison/pairs.py",
        "residual[pairs].T - means[:, cell]", "residual[pairs].T", "comparison",
    ),
    Mutation(
        "a recipe's optimum along the compute of the other", "comparison/multiplier.py",
        "self.compute[is_b], flops, is_b)", "self.compute[0], flops, is_b)", "comparison",
    ),
    Mutation(
        "a comparison is made though a study of it is not selected", "dag/comparisons.py",
        "if study not in self.selection.studies]", "if False]", "dag/test_comparisons.py",
    ),
    Mutation(
        "the studies of a comparison in another order than that asked for", "dag/comparisons.py",
        "runs.csv\" for study in self.studies[name]]", "runs.csv\" for study in sorted(self.studies[name])]",
        "dag/test_comparisons.py",
    ),
    Mutation(
        "a comparison stands that other options have made", "dag/comparisons.py",
        "options = self.asked[name].model_dump(exclude={\"studies\"})", "options = {}", "dag/test_comparisons.py",
    ),
    Mutation(
        "the terminal tells a stale verdict as today's", "report/after_run.py",
        "elif why := compared.why(name):", "elif why := \"\":", "dag/test_comparisons.py",
    ),
    Mutation(
        "studies beside a selected one are unknown", "config/compare.py",
        "[*beside, self.folder", "[self.folder", "config/test_compare.py",
    ),
    Mutation(
        "the selected studies of a file stand for all of it", "config/compare.py",
        "for address in addresses(path)]", "for address in addresses(path) if address.stem in self.selected]",
        "config/test_compare.py",
    ),
    Mutation(
        "any name that begins with a file's is one of its studies", "config/matrix.py",
        'return path.stem.removeprefix(f"{file.stem}.") in combinations(_load(file), file)', "return True",
        "config/test_compare.py",
    ),
    Mutation(
        "two axes of a matrix change one key", "config/matrix.py",
        "            _refuse_both(part, changes, path)\n", "", "config/test_matrix.py",
    ),
    Mutation(
        "what a fit asks of parameters is looked at when it runs", "config/fits.py",
        "restriction_of(parameters_asked(law), *asked)", "parameters_asked(law)", "config/test_study.py",
    ),
    Mutation(
        "a parameter fixed outside its bounds", "fitting/any_law/restriction.py",
        "if not low <= value <= high:", "if False:", "config/test_study.py",
    ),
    Mutation(
        "a finished fit asked at other covariates costs what it cost", "answers/predict.py",
        "fitted.compute.log_kappa + shift", "fitted.compute.log_kappa", "answers/test_asked_at.py",
    ),
    Mutation(
        "half of what a covariate is made of tells it", "fitting/any_law/asked.py",
        "    _refuse_idle(law, at, values)\n", "", "answers/test_asked_at.py",
    ),
    Mutation(
        "text in a column with an @ is refused", "runs/metric_columns.py",
        "elif metric in told or has_known_meaning(metric):", "elif True:", "runs/test_metric_columns.py",
    ),
    Mutation(
        "accuracies in per cent in a table that was not imported", "runs/read.py",
        "frame, in_per_cent = in_shares(frame, completed(frame))", "in_per_cent: list[str] = []",
        "runs/test_metric_columns.py",
    ),
    Mutation(
        "a forward pass costs what training costs", "runs/speed.py", "FORWARD = 1 / 3", "FORWARD = 1.0",
        "plan/test_price.py",
    ),
    Mutation(
        "the hours of a price without the scoring of further sets", "plan/price.py",
        "[(1.0, rate)], study.further_units)", "[(1.0, rate)])", "plan/test_price.py",
    ),
    Mutation(
        "runs of a budget paired though one recipe has more of them", "comparison/pairs.py",
        "        if len(mine) == len(theirs):\n            pairs += zip(mine, theirs, strict=True)",
        "        pairs += zip(mine, theirs, strict=False)", "comparison/test_pairs.py",
    ),
    Mutation(
        "pairs that differ more than others believed to share noise", "comparison/pairs.py",
        "-MOST, MOST))), 0.0, MOST))", "-MOST, MOST))), -MOST, MOST))", "comparison/test_pairs.py",
    ),
    Mutation(
        "one budget's losses within their error of each other decide", "comparison/single_budgets.py",
        "\"better\" if difference.low > 0", "\"better\" if difference.estimate > 0", "comparison/test_compare.py",
    ),
    Mutation(
        "a multiplier's growth for each factor e of compute", "comparison/causes.py",
        "decades = np.log10(top / bottom)", "decades = np.log(top / bottom)", "comparison/test_compare.py",
    ),
    Mutation(
        "what B needs is told as the multiplier", "comparison/verdict.py",
        "None if multiplier.estimate is None else 1 / multiplier.estimate", "multiplier.estimate",
        "comparison/test_compare.py",
    ),
    Mutation(
        "items of a task read off its accuracies' errors by p/se²", "downstream/scored_runs.py",
        "shares[usable] * (1 - shares[usable]) / errors", "shares[usable] / errors", "downstream/test_two_steps.py",
    ),
    Mutation(
        "accuracy that rises with the loss", "downstream/sigmoid.py",
        "rise = expit(-curve.steepness * (np", "rise = expit(curve.steepness * (np", "downstream",
    ),
    Mutation(
        "accuracies weighted by the measured share's error", "downstream/scored_runs.py",
        "(expected * self.items + 1) / (self.items + 2)", "self.accuracy", "downstream",
    ),
    Mutation(
        "an accuracy's interval without the errors of the law", "downstream/two_steps.py",
        "accuracy(self.fitted.draws, pairs)", "accuracy(self.fitted.draws, loss)", "downstream",
    ),
    Mutation(
        "an over-trained run given the optimal loss of its compute", "downstream/two_steps.py",
        "law.loss(n_params, n_tokens, flops) for law", "law.optimum(flops).loss for law", "downstream",
    ),
    Mutation(
        "accuracies at chance fitted as if they rose", "downstream/curve_fit.py",
        "SURE, CLEAR = 0.01, 0.01", "SURE, CLEAR = 0.01, 2.0", "downstream",
    ),
    Mutation(
        "a run of two studies trained by both", "dag/shared.py",
        'return "" if first == name else first', 'return ""', "workflow/test_shared.py",
    ),
    Mutation(
        "a record of other code taken for a run of today", "dag/shared.py",
        "record.code_fingerprint == run_fingerprint(record.spec)", "True", "workflow/test_shared.py",
    ),
    Mutation(
        "a record of another run taken", "training/take.py",
        "if canonical(found.spec) != canonical(read_spec(spec)):", "if False:", "training/test_take.py",
    ),
    Mutation(
        "a task answered by the study's loss whatever fit it names", "config/study.py",
        "self.downstream[name].fit or self.recommended_fit", "self.recommended_fit", "config/test_downstream.py",
    ),
    Mutation(
        "runs that tell no accuracy stop a study", "downstream/run.py",
        "if numbers is None:\n            raise", "if True:\n            raise", "downstream",
    ),
    Mutation(
        "a task's accuracy kept when it is asked otherwise", "dag/stale.py",
        "return why_first_stale(self.tasks([name]), expected)", 'return ""', "workflow/test_downstream.py",
    ),
    Mutation(
        "drift judged without the correction for three tests", "fitting/judge/refits.py",
        "norm.ppf(1 - 0.05 / 6)", "norm.ppf(1 - 0.05 / 2)", "fitting/test_levels.py",
    ),
    Mutation(
        "the largest budget predicted from the fit that has seen it", "fitting/judge/refits.py",
        "fit.table.loss - without_largest.loss", "fit.table.loss - without_smallest.loss", "certified",
    ),
    Mutation(
        "approach2's Student t at 90 %", "fitting/isoflop/power_law.py",
        "student.ppf(0.975, self.dof)", "student.ppf(0.95, self.dof)", "fitting/test_levels.py",
    ),
    Mutation(
        "approach2's Student t at 90 %, seen by certified ends", "fitting/isoflop/power_law.py",
        "student.ppf(0.975, self.dof)", "student.ppf(0.95, self.dof)", "certified",
    ),
    Mutation(
        "a corner counts as an optimum while its pulls are twice their limits", "fitting/surface/corners.py",
        "excess = np.maximum(pull - high, low - pull)", "excess = np.maximum(pull - 2 * high, 2 * low - pull)",
        "fitting/surface/test_corners.py",
    ),
    Mutation(
        "profile F at 90 %", "fitting/surface/profile.py", "student.ppf(0.975,", "student.ppf(0.95,", "certified",
    ),
    Mutation(
        "a is weak from a standard error of 0.2 on", "fitting/judge/verdict.py",
        "SE_WEAK, SE_REFUSED = 0.1, 0.5", "SE_WEAK, SE_REFUSED = 0.2, 0.5", "fitting/test_levels.py",
    ),
    Mutation(
        "delta method for N* not in logs", "fitting/any_law/linearised.py",
        'plain = ("E", "a", "loss", *self.linear)', 'plain = ("E", "a", "loss", "n_params", *self.linear)',
        "fitting/test_levels.py",
    ),
    Mutation(
        "CPU-hours forget threads", "plan/price.py",
        "study.resources.processes * (1 if gpu else study.resources.threads)", "study.resources.processes",
        "plan/test_price.py",
    ),
    Mutation(
        "the line through the centers forgets what is known of its slope", "design/rung.py",
        "+ SLOPE * SLOPE_SD**-2) / precision", ") / precision", "design/test_line.py",
    ),
    Mutation(
        "a rung rests on the runs of the grid too", "plan/rows.py",
        '"grid": None, "rows": [], "hidden": None', '"hidden": None', "plan/test_rungs.py",
    ),
    Mutation(
        "a budget that bends by chance has an optimum", "design/rung.py",
        "SURE * fitted.bend_error * math.sqrt(variance)", "0.0", "design/test_line.py",
    ),
    Mutation(
        "two sizes place a rung", "design/rung.py", "if sizes >= FEWEST_SIZES", "if sizes >= 2", "design/test_rung.py",
    ),
    Mutation(
        "repeated runs count as sizes that place a rung", "design/rung.py",
        "len({row.n_params for row in done})", "len(done)", "design/test_rung.py",
    ),
    Mutation(
        "the stamp of a rung's records without their losses", "design/rung.py",
        "records[row.run_id].status, records[row.run_id].loss]", "records[row.run_id].status]", "design/test_rung.py",
    ),
    Mutation(
        "a rung that few runs have placed says nothing of it", "plan/rung_words.py",
        "[_finished(center)] if center.is_thinned else []", "[]", "design/test_rung.py",
    ),
    Mutation(
        "a rung that was edited by hand is read", "plan/rungs.py",
        '(data["content"], data.get("told", rung.told)) == (rung.content, rung.told)', "True", "plan/test_rungs.py",
    ),
    Mutation(
        "what a rung tells of its line and centers may be edited by hand", "plan/rungs.py",
        'data.get("told", rung.told)', "rung.told", "plan/test_rungs.py",
    ),
    Mutation(
        "one rung's file is read as another's", "plan/rungs.py",
        'is_whole &= data["name"] == path.stem', "", "plan/test_rungs.py",
    ),
    Mutation(
        "a rung for other options stands", "plan/rungs.py",
        "if rung.options != options_of(study, name, rungs):", "if False:", "plan/test_rungs.py",
    ),
    Mutation(
        "a rung stands when one below it is another", "plan/rungs.py",
        "[rung.content for rung in below]]", "[]]", "plan/test_rungs.py",
    ),
    Mutation(
        "a rung stands when its runs are trained otherwise", "plan/rungs.py",
        "said += [study.recipe, training, ", "said += [study.recipe, ", "plan/test_rungs.py",
    ),
    Mutation(
        "no seeds in place of sizes that a family has not", "plan/rungs.py",
        "divmod(wished * n_seeds, len(sizes))", "n_seeds, 0", "plan/test_rungs.py",
    ),
    Mutation(
        "a planned rung waits for the runs below it once more", "dag/rungs.py",
        "        if self._is_planned(name, rung):", "        if False:", "dag/test_rungs.py",
    ),
    Mutation(
        "an open rung does not wait for the rungs below it", "dag/rungs.py",
        " + self.selection.rung_files(name)[:number]", "", "dag/test_rungs.py",
    ),
    Mutation(
        "a rung is planned from its own runs too", "dag/rungs.py",
        "planned.rungs[:number])", "planned.rungs)", "dag/test_rungs.py",
    ),
    Mutation(
        "a rung that a person asks for again counts as planned", "dag/rungs.py",
        "return is_as_asked and not self.is_forced(rung_file(name, rung), Kind.PLANNING)", "return is_as_asked",
        "dag/test_rungs.py",
    ),
    Mutation(
        "a rung with a newer time stamp makes all due that reads it", "dag/rungs.py",
        "list(map(ancient, files)) if is_complete else files", "files", "dag/test_rungs.py",
    ),
    Mutation(
        "rungs that are to be planned leave what reads them alone", "dag/rungs.py",
        "list(map(ancient, files)) if is_complete else files", "list(map(ancient, files))", "dag/test_rungs.py",
    ),
    Mutation(
        "more sizes beside those that are there", "plan/family.py", "apart = step / 3", "apart = 0.0",
        "plan/test_family.py",
    ),
    Mutation(
        "seeds counted as runs", "report/doubts.py", ".seed.nunique()", ".seed.count()", "report/test_every_number.py",
    ),
    Mutation(
        "tokens in the column tokens per parameter", "report/summary.py",
        "prediction.tokens_per_param, numbers.ratio", "prediction.n_tokens, numbers.ratio",
        "report/test_every_number.py",
    ),
    Mutation(
        "warnings of every kind but one hidden", "report/build.py",
        "if kind_of(warning) not in elsewhere", "if kind_of(warning) in elsewhere", "report/test_every_number.py",
    ),
    Mutation(
        "published b printed as a", "report/comparison.py",
        'f"{exponent.a:g}", f"{1 - exponent.a:.3g}"', 'f"{1 - exponent.a:g}", f"{1 - exponent.a:.3g}"',
        "report/test_every_number.py",
    ),
    Mutation(
        "standard error without n/(n − 1)", "training/heldout.py",
        " * n_groups / (n_groups - 1)", "", "training/test_heldout.py",
    ),
    Mutation(
        "betas swapped", "training/optimizer.py",
        "(settings.beta1, settings.beta2)", "(settings.beta2, settings.beta1)", "training/test_optimizer.py",
    ),
    Mutation(
        "betas swapped, seen by golden numbers", "training/optimizer.py",
        "(settings.beta1, settings.beta2)", "(settings.beta2, settings.beta1)", "training/test_golden.py",
    ),
    Mutation(
        "weight decay never reaches AdamW", "training/optimizer.py",
        "weight_decay=settings.weight_decay, fused", "weight_decay=0.0, fused", "training/test_optimizer.py",
    ),
    Mutation(
        "weight decay never reaches AdamW, seen by golden numbers", "training/optimizer.py",
        "weight_decay=settings.weight_decay, fused", "weight_decay=0.0, fused", "training/test_golden.py",
    ),
    Mutation(
        "the untrained loss compared against twice itself", "training/record.py",
        "final.loss > outcome.untrained_loss", "final.loss > 2 * outcome.untrained_loss", "training/test_record.py",
    ),
    Mutation(
        "vertices drawn from a normal distribution in place of Student's t", "fitting/isoflop/power_law.py",
        "scale = np.sqrt(line.dof / generator.chisquare(line.dof, replicates))", "scale = np.ones(replicates)",
        "fitting/test_levels.py",
    ),
    Mutation(
        "noisy points judged without the correction for their number", "report/doubts.py",
        "NOISY / max(len(points), 1)", "NOISY", "report/test_doubts.py",
    ),
    Mutation(
        "the curve scored on the whole held-out set", "training/train.py",
        "heldout.evenly_spaced(settings.curve_heldout_units)", "heldout.evenly_spaced(settings.heldout_units)",
        "training/test_golden.py",
    ),
    Mutation(
        "torch's own random numbers the same for every seed", "training/train.py",
        "torch.manual_seed(task.seed)", "torch.manual_seed(0)", "training/test_golden.py",
    ),
    Mutation(
        "residuals' deviation over rows in place of degrees of freedom", "fitting/any_law/task.py",
        "squares / max(self.linearised.dof, 1)", "squares / len(self.linearised.raw)", "certified",
    ),
    Mutation(
        "resamples of one run less than there are", "fitting/common/row_weights.py",
        "generator.integers(0, runs, size=(size, runs))",
        "generator.integers(0, runs, size=(size, runs))[:, 1:]", "fitting/common/test_row_weights.py",
    ),
    Mutation(
        "what finished runs cost is forgotten", "plan/price.py",
        "spent_usd=spent.usd", "spent_usd=0.0", "plan/test_price.py",
    ),
    Mutation(
        "runs without a loss counted among those that a fit excluded", "report/appendix.py",
        "if row not in not_completed", "if row", "report/test_every_number.py",
    ),
    Mutation(
        "compute extrapolates only from 1.5 times the sweep on", "records/fit_result.py",
        "EXTRAPOLATES = 1.05", "EXTRAPOLATES = 1.5", "fitting/judge/test_thresholds.py",
    ),
    Mutation(
        "a curve is flat only where its vertex is as uncertain as its span", "fitting/judge/isoflop.py",
        "FLAT = 0.5", "FLAT = 1.0", "fitting/judge/test_thresholds.py",
    ),
    Mutation(
        "ten runs are enough for a surface", "fitting/any_law/task.py",
        "FEW = 2", "FEW = 1.7", "fitting/judge/test_thresholds.py",
    ),
    Mutation(
        "a hidden run is fitted", "runs/statuses.py",
        'measured(frame) & (set_aside(frame) == "")', "measured(frame)", "runs/test_statuses.py",
    ),
    Mutation(
        "a run that is scored is also fitted", "plan/rows.py",
        "            _refuse_seen(earlier, row)\n", "", "plan/test_rows.py",
    ),
    Mutation(
        "a refit of the backtest sees what is hidden", "answers/backtest/refits.py",
        "runs.table.keep(~cut.hidden, HIDDEN)", "runs.table", "answers/backtest/test_refits.py",
    ),
    Mutation(
        "checkpoints of hidden runs stay", "fitting/backtest/cuts.py",
        "hidden = runs.spent >= budgets[-number]", "hidden = runs.table.flops >= 0.999 * budgets[-number]",
        "fitting/backtest/test_cuts.py",
    ),
    Mutation(
        "the truth's own error forgotten", "fitting/backtest/hidden.py",
        "NORMAL_95 * se", "0.0 * se", "answers/backtest/test_refits.py",
    ),
    Mutation(
        "an optimum lies on the line about which the budgets scatter", "fitting/isoflop/power_law.py",
        "self.error_at(log_flops) ** 2 + self.scatter", "self.error_at(log_flops) ** 2", "fitting/test_levels.py",
    ),
    Mutation(
        "draws of an optimum lie on the line", "fitting/isoflop/power_law.py",
        "intercept = intercept + off_line", "intercept = intercept + 0.0 * off_line", "fitting/test_levels.py",
    ),
    Mutation(
        "a budget counts as often as cuts hide it", "fitting/backtest/misses.py",
        "name = miss.flops, miss.symbol", "name = miss.flops, miss.symbol + miss.cut",
        "fitting/backtest/test_misses.py",
    ),
    Mutation(
        "many narrow misses are chance", "fitting/backtest/misses.py",
        "np.flatnonzero(beyond)[-1] if beyond.any() else 0", "0", "fitting/backtest/test_misses.py",
    ),
    Mutation(
        "the change with the bandwidth left out of the truth's error", "fitting/backtest/yardstick.py",
        "by_noise[1] / (2 * b[2]) + shifts[0]", "by_noise[1] / (2 * b[2])", "fitting/backtest/test_yardstick.py",
    ),
    Mutation(
        "an optimum is expected at 20 tokens a parameter, wherever the sizes are", "design/expected.py",
        "* (offset_sd / GUESS) ** 2", "* 0.0", "design/test_expected.py",
    ),
    Mutation(
        "D* as wide as N* where small models cost more a parameter", "design/expected.py",
        "n * abs(1 + float(compute.curve(log_n)[1][0]))", "n", "design/test_expected.py",
    ),
    Mutation(
        "hidden runs tell the answer something", "design/of_plan.py", 'if row.role == "fit"]', "]",
        "design/test_of_plan.py",
    ),
    Mutation(
        "a change that changes nothing is advised", "design/of_plan.py",
        '["narrows"] >= LEAST_NARROWED', '["narrows"] >= 0', "design/test_of_plan.py",
    ),
    Mutation(
        "a ladder goes on where the data end", "design/question.py",
        "if not supply.allows(sweeps.at(wished).longest):", "if False:", "design/test_new.py",
    ),
    Mutation(
        "a piece of a batch cuts a window", "design/memory.py", "units % window == 0", "units > 0",
        "design/test_memory.py",
    ),
    Mutation(
        "an amount that overflows in products is read", "runs/cells.py", "(values > MOST)", "(values > np.inf)",
        "runs/test_input.py",
    ),
    Mutation(
        "a forecast of another question stays", "design/forecast.py", '"flops": study.recommend.flops,', "",
        "design/test_forecast.py",
    ),
    Mutation(
        "scales compared in the unit of the loss", "report/forecast.py", 'scale if name == "drift" else scale / unit',
        "scale", "report/test_forecast.py",
    ),
    Mutation(
        "what a run tells of the targets is counted twice", "design/gains.py",
        "part = (1 - np.sqrt(", "part = 2 * (1 - np.sqrt(", "design/test_gains.py",
    ),
    Mutation(
        "two runs that share noise are bought as if each erred alone", "design/deciding.py",
        "places[(offers >= 0).all(axis=1)], self.fit.rho", "places[(offers >= 0).all(axis=1)], 0.0",
        "design/test_decide.py",
    ),
    Mutation(
        "runs that are bought so many times over count once", "design/deciding.py",
        "np.sqrt(times) * bought", "bought", "design/test_decide.py",
    ),
    Mutation(
        "more is bought than the money pays for", "design/gains.py",
        "left -= float(cost[best])", "left -= 0.0", "design/test_gains.py",
    ),
    Mutation(
        "rows of a study that new ones cut in two", "design/write_rows.py",
        "rows.value[-1].end_mark.index if rows.value", "rows.value[-1].start_mark.index if rows.value",
        "design/test_write_rows.py",
    ),
    Mutation(
        "an edited journal read as it is", "files/journal.py",
        'or read["id"] != _id(name, read["date"], read["entry"])', "", "files/test_journal.py",
    ),
    Mutation(
        "a prediction said before the outcome for one made after it", "answers/archive.py",
        "not first.has_outcome", "not last.has_outcome", "answers/test_archive.py",
    ),
    Mutation(
        "a fitted run hidden as a copy under another name", "runs/hidden_rows.py",
        "is_known[row] = is_precise(loss[row : row + 1])", "is_known[row] = False", "runs/test_hidden_rows.py",
    ),
    Mutation(
        "a coverage too low to trust taken for a promise", "twin/hidden_runs.py",
        'or seen["coverage"] < NOMINAL - allowed(seen["intervals"])', "", "twin/test_hidden_runs.py",
    ),
]  # fmt: skip


def copy_of_checkout(folder: Path) -> None:
    """Files that git knows or does not ignore."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)


def seen_by(mutation: Mutation, checkout: Path) -> str:
    """The first test that fails under a mutation, or what is wrong."""
    path = checkout / PACKAGE / mutation.file
    text = path.read_text(encoding="utf-8")
    if text.count(mutation.old) != 1:
        return f"STALE: {path.name} has its text {text.count(mutation.old)} times"
    path.write_text(text.replace(mutation.old, mutation.new), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-n", "0", "-p", "no:cacheprovider", "-W", "ignore"]
    environment = os.environ | {"PYTHONPATH": str(checkout / "workflow"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [*command, f"tests/{mutation.tests}"],
        cwd=checkout,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    path.write_text(text, encoding="utf-8")
    failed = [line.split(" - ")[0] for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return failed[0] if failed else "SURVIVED"


def main(words: list[str]) -> int:
    chosen = [m for m in MUTATIONS if all(word in m.file for word in words)]
    with tempfile.TemporaryDirectory() as folder:
        copy_of_checkout(Path(folder))
        verdicts = []
        for mutation in chosen:
            verdicts.append(seen_by(mutation, Path(folder)))
            print(f"{mutation.file}: {mutation.fault}: {verdicts[-1]}", flush=True)
    bad = [text for text in verdicts if not text.startswith("FAILED")]
    print(f"{len(chosen) - len(bad)} of {len(chosen)} seen")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
