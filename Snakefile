"""flopscape: plan a sweep of small training runs, price it, run it, fit a scaling law, report it."""

from snakemake.utils import min_version

min_version("9.0")


configfile: "config/config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/plan.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/check.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/hp.smk"
include: "workflow/rules/collect.smk"
include: "workflow/rules/import.smk"
include: "workflow/rules/fit.smk"
include: "workflow/rules/bias.smk"
include: "workflow/rules/twin.smk"
include: "workflow/rules/report.smk"


# On a cluster these are not worth a job: seconds each, and the data may need the network of the machine one logs in to.
localrules:
    all,
    write_plan,
    prepare_data,
    check_plugins,
    import_runs,
    collect_runs,
    fit_runs,
    judge_transfer,
    hp_transfer,
    draw_figure,
    write_report,


rule all:
    input:
        ALL_TARGETS,


onstart:
    refuse_to_start(workflow, TRAINED, SETTINGS.prices, RESULTS)


onsuccess:
    print_answers(STUDIES, RESULTS)
