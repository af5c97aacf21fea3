"""Validate: results/{study}/runs.csv and fits/{fit}.json -> validation.csv.

validate: what every fit of a study had said of the runs that stay hidden, beside what came
"""


rule validate:
    """Score the finished fits against the runs that no fit sees; of a study without such runs nothing asks for it."""
    input:
        runs="results/{study}/runs.csv",
        fits=ask.study_fits,
        draws=ask.study_draws,
    output:
        report(
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
        "flopscape validate {input.runs:q} {params.options} --out {output:q} > {log:q} 2>&1"
