"""Collect: run records -> results/{study}/runs.csv, runs.parquet, curves.parquet.

collect_runs: one tidy table per study
"""


rule collect_runs:
    """Table a study's records; broken or odd ones are named and nothing is written."""
    input:
        study_runs,
    output:
        csv=report(
            "results/{study}/runs.csv",
            caption="../report/runs.rst",
            category="{study}",
            subcategory="tables",
            labels={"table": "runs"},
        ),
        parquet="results/{study}/runs.parquet",
        curves="results/{study}/curves.parquet",
    log:
        "logs/collect/{study}.log",
    wildcard_constraints:
        study=TRAINED_NAME,
    conda:
        "../../envs/analysis.yaml"
    params:
        study=study_file,
        plan=study_plan,
        code=fingerprint("flopscape.runs.collect"),
    shell:
        "flopscape collect {params.study:q} --runs results/{wildcards.study}/runs --out {output.csv:q} > {log:q} 2>&1"
