"""Plan: study file -> results/{study}/plan.csv, for people to read; nothing depends on it.

write_plan: one line per planned run
"""


rule write_plan:
    """Write the plan of a study as a table, one line a run."""
    output:
        "results/{study}/plan.csv",
    log:
        "logs/plan/{study}.log",
    localrule: True
    conda:
        "../../envs/flopscape.yaml"
    params:
        study=ask.study_file,
        kind=Judged(Files.why_plan),
    shell:
        "flopscape plan {params.study:q} --csv {output:q} > {log:q} 2>&1"
