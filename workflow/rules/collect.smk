"""Collect: run records -> results/{study}/runs.csv, runs.parquet, curves.parquet.

collect_runs: one tidy table per study
"""


rule collect_runs:
    """Collect a study's records into tables; broken or odd ones are named and nothing is written."""
    input:
        ask.study_runs,
        rungs.files,
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
        study=selected.trained_name,
    localrule: True
    conda:
        "../../envs/flopscape.yaml"
    params:
        study=ask.study_file,
        records=subpath(input[0], parent=True),
        kind=Judged(Files.why_table),
    shell:
        "flopscape collect {params.study:q} --runs {params.records:q} --out {output.csv:q} > {log:q} 2>&1"
