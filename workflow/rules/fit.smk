"""Fit: results/{study}/runs.csv -> fits/{fit}.json and its draws in fits/{fit}.draws.parquet.

fit_runs: one method on one table
"""


rule fit_runs:
    """Fit a scaling law by one method; a refused fit is a valid file."""
    input:
        runs="results/{study}/runs.csv",
        curves=ask.fit_curves,
    output:
        json="results/{study}/fits/{fit}.json",
        draws="results/{study}/fits/{fit}.draws.parquet",
    log:
        "logs/fit/{study}/{fit}.log",
    localrule: True
    conda:
        "../../envs/flopscape.yaml"
    params:
        options=ask.fit_options,
        kind=Judged(Files.why_fit, "fit"),
    shell:
        "flopscape fit {input.runs:q} {params.options} --out {output.json:q} > {log:q} 2>&1"
