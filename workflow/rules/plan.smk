"""Plan: study file -> results/{study}/plan.csv, for people to read; nothing depends on it.

write_plan: one line per planned run
"""


rule write_plan:
    """The plan of a study as a table."""
    output:
        "results/{study}/plan.csv",
    log:
        "logs/plan/{study}.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        study=study_file,
        plan=study_plan,
        parents=plan_parents,
        code=fingerprint("flopscape.plan.price_table"),
    shell:
        "flopscape plan {params.study:q} --csv {output:q} > {log:q} 2>&1"
