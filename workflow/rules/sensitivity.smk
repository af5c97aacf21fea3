"""Sensitivity: results/{study}/runs.csv -> sensitivity.csv.

sensitivity: the recommended fit again with one thing changed at a time
"""


rule sensitivity:
    """Make the recommended fit again with another objective, method, selection of rows, or convention."""
    input:
        runs="results/{study}/runs.csv",
        curves=ask.sensitivity_curves,
    output:
        report(
            "results/{study}/sensitivity.csv",
            caption="../report/sensitivity.rst",
            category="{study}",
            subcategory="tables",
            labels={"table": "sensitivity"},
        ),
    log:
        "logs/sensitivity/{study}.log",
    conda:
        "../../envs/flopscape.yaml"
    params:
        options=ask.sensitivity_options,
        kind=Judged(Files.why_sensitivity),
    shell:
        "flopscape sensitivity {input.runs:q} {params.options} --out {output:q} > {log:q} 2>&1"
