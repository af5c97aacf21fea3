"""Plan: study file -> results/{study}/plan.csv, for people to read, and forecast.json, which only the report reads.

write_plan: one line per planned run; of a study that is planned rung by rung when all are planned
write_forecast: what the plan expects before any run, by the config alone
"""


rule write_plan:
    """Write the plan of a study as a table, one line a run."""
    input:
        rungs.files,
    output:
        "results/{study}/plan.csv",
    log:
        "logs/plan/{study}.log",
    localrule: True
    conda:
        "../../envs/flopscape.yaml"
    params:
        study=ask.study_file,
        results=rungs.results_option,
        kind=Judged(Files.why_plan),
    shell:
        "flopscape plan {params.study:q} {params.results} --csv {output:q} > {log:q} 2>&1"


rule write_forecast:
    """Write what the plan expects: intervals of the answer, FLOPs, hours and money."""
    output:
        "results/{study}/forecast.json",
    log:
        "logs/forecast/{study}.log",
    localrule: True
    conda:
        "../../envs/flopscape.yaml"
    params:
        study=ask.study_file,
        prices=ask.prices,
        kind=Judged(Files.why_forecast),
    shell:
        "flopscape forecast {params.study:q} --prices {params.prices:q} --out {output:q} > {log:q} 2>&1"
