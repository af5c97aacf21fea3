"""Bias: surfaces whose truth is known -> results/bias/{experiment}/table.csv, figure.svg and .png, verdict.json.

run_experiment: one synthetic experiment
write_bias_report: all of them on one page, results/bias/report.html and .md
bias: everything; `snakemake bias`
"""


rule run_experiment:
    """Show how wrong each method is where the truth is known, in one of thirteen ways."""
    output:
        table=report(
            "results/bias/{experiment}/table.csv",
            caption="../report/bias.rst",
            category="bias",
            subcategory="{experiment}",
            labels={"file": "table"},
        ),
        svg=report(
            "results/bias/{experiment}/figure.svg",
            caption="../report/bias.rst",
            category="bias",
            subcategory="{experiment}",
            labels={"file": "figure"},
        ),
        png="results/bias/{experiment}/figure.png",
        verdict="results/bias/{experiment}/verdict.json",
    log:
        "logs/bias/{experiment}.log",
    conda:
        "../../envs/flopscape.yaml"
    params:
        folder=subpath(output.verdict, parent=True),
        settings=ask.experiment_settings,
        mirror=ask.experiment_mirror,
        code=ask.experiment_code,
    shell:
        "flopscape bias {wildcards.experiment} --settings {params.settings:q} {params.mirror} "
        "--out {params.folder:q} > {log:q} 2>&1"


rule write_bias_report:
    """Write the page of all bias experiments as Markdown and as one self-contained HTML file."""
    input:
        verdicts=expand("results/bias/{experiment}/verdict.json", experiment=EXPERIMENTS),
        figures=expand("results/bias/{experiment}/figure.svg", experiment=EXPERIMENTS),
    output:
        html=report(
            "results/bias/report.html",
            category="bias",
            subcategory="report",
            labels={"report": "the whole report"},
        ),
        md="results/bias/report.md",
    log:
        "logs/bias/report.log",
    conda:
        "../../envs/flopscape.yaml"
    params:
        folder=subpath(output.html, parent=True),
        code=fingerprint("flopscape.bias.report"),
        page=hash_of(TEMPLATE),
    shell:
        "flopscape bias-report --results {params.folder:q} --out {output.html:q} > {log:q} 2>&1"


rule bias:
    """Make all thirteen experiments and their page."""
    input:
        "results/bias/report.html",
