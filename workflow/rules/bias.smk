"""Bias: surfaces whose truth is known -> results/bias/{experiment}/table.csv, figure.svg and .png, verdict.json.

run_experiment: one synthetic experiment
bias: all of them; `snakemake bias`
"""


rule run_experiment:
    """How wrong each method is where the truth is known."""
    output:
        table="results/bias/{experiment}/table.csv",
        svg="results/bias/{experiment}/figure.svg",
        png="results/bias/{experiment}/figure.png",
        verdict="results/bias/{experiment}/verdict.json",
    log:
        "logs/bias/{experiment}.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        settings=experiment_settings,
        code=experiment_code,
    shell:
        "flopscape bias {wildcards.experiment} --settings {params.settings:q} "
        "--out results/bias/{wildcards.experiment} > {log:q} 2>&1"


rule bias:
    """All thirteen experiments."""
    input:
        expand("results/bias/{experiment}/verdict.json", experiment=EXPERIMENTS),
