"""Fit: results/{study}/runs.csv -> fits/{fit}.json and its draws in fits/{fit}.parquet.

fit_runs: one method on one table
"""


rule fit_runs:
    """Fit a scaling law; a refused fit is a valid file."""
    input:
        runs="results/{study}/runs.csv",
        curves=fit_curves,
    output:
        json="results/{study}/fits/{fit}.json",
        draws="results/{study}/fits/{fit}.parquet",
    log:
        "logs/fit/{study}/{fit}.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        options=fit_options,
        code=fit_code,
    shell:
        "flopscape fit {input.runs:q} {params.options} --out {output.json:q} > {log:q} 2>&1"
