"""Fit: results/{study}/runs.csv -> fits/{fit}.json and its draws in fits/{fit}.draws.parquet, and sensitivity.csv.

fit_runs: one method on one table
vary_fits: the recommended fit again with one thing changed at a time
"""


rule fit_runs:
    """Fit a scaling law; a refused fit is a valid file."""
    input:
        runs="results/{study}/runs.csv",
        curves=fit_curves,
    output:
        json="results/{study}/fits/{fit}.json",
        draws="results/{study}/fits/{fit}.draws.parquet",
    log:
        "logs/fit/{study}/{fit}.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        options=fit_options,
        code=fit_code,
    shell:
        "flopscape fit {input.runs:q} {params.options} --out {output.json:q} > {log:q} 2>&1"


rule vary_fits:
    """Fit again with another objective, method, selection of rows, or convention."""
    input:
        runs="results/{study}/runs.csv",
        curves=varied_curves,
    output:
        report(
            "results/{study}/sensitivity.csv",
            caption="../report/sensitivity.rst",
            category="{study}",
            subcategory="tables",
            labels={"table": "sensitivity"},
        ),
    log:
        "logs/fit/{study}/sensitivity.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        options=varied_options,
        code=varied_code,
    shell:
        "flopscape sensitivity {input.runs:q} {params.options} --out {output:q} > {log:q} 2>&1"
