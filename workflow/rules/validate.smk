"""Validate: results/{study}/runs.csv and fits/{fit}.json -> validation.csv, and what is new to validation.jsonl.

validate: what every fit of a study had said of the runs that stay hidden, beside what came
"""


rule validate:
    """Score the finished fits against the runs that no fit sees; of a study without such runs nothing asks for it."""
    input:
        runs="results/{study}/runs.csv",
        fits=ask.study_fits,
        draws=ask.study_draws,
    output:
        # Kept for ever: Snakemake deletes all other outputs before a job, and restores this one after a failed one.
        archive=update("results/{study}/validation.jsonl"),
        scores=report(
            "results/{study}/validation.csv",
            caption="../report/validation.rst",
            category="{study}",
            subcategory="tables",
            labels={"table": "prediction against outcome"},
        ),
    log:
        "logs/validate/{study}.log",
    localrule: True
    conda:
        "../../envs/flopscape.yaml"
    params:
        options=ask.validation_options,
        kind=Judged(Files.why_validation),
    shell:
        "flopscape validate {input.runs:q} {params.options} --archive {output.archive:q} --out {output.scores:q} "
        "> {log:q} 2>&1"
