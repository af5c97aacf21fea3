"""Report: tables and fits -> figures/{figure}.svg and .png, report.md, report.html.

draw_figure: one figure
write_report: the answer, what it rests on, and what to distrust
"""


rule draw_figure:
    """Draw one figure of a study."""
    input:
        runs="results/{study}/runs.csv",
        curves="results/{study}/curves.parquet",
        fits=ask.study_fits,
        draws=ask.study_draws,
        table=ask.figure_table,
    output:
        svg=report(
            "results/{study}/figures/{figure}.svg",
            caption="../flopscape/figures/captions.rst",
            category="{study}",
            subcategory="figures",
            labels={"figure": "{figure}"},
        ),
        png="results/{study}/figures/{figure}.png",
    log:
        "logs/figures/{study}/{figure}.log",
    localrule: True
    conda:
        "../../envs/flopscape.yaml"
    params:
        title=ask.figure_title,
        options=ask.figure_options,
        kind=Judged(Files.why_figure, "figure"),
    shell:
        "flopscape figure {wildcards.figure} {input.fits:q} --runs {input.runs:q} --curves {input.curves:q} "
        "--title {params.title:q} {params.options} --out {output.svg:q} > {log:q} 2>&1"


rule write_report:
    """Write the report of a study as Markdown and as one self-contained HTML file."""
    input:
        manifest=ask.reported_manifest,
        rungs=rungs.files,
        runs="results/{study}/runs.csv",
        curves="results/{study}/curves.parquet",
        fits=ask.study_fits,
        draws=ask.study_draws,
        sensitivity="results/{study}/sensitivity.csv",
        backtest="results/{study}/backtest.csv",
        validation=ask.validation,
        archive=ask.archive,
        figures=ask.study_figures,
        tasks=tasks.files,
        twin=ask.study_twin,
        forecast=ask.study_forecast,
    output:
        html=report(
            "results/{study}/report.html",
            caption="../report/report.rst",
            category="{study}",
            subcategory="report",
            labels={"report": "the whole report"},
        ),
        md="results/{study}/report.md",
    log:
        "logs/report/{study}.log",
    localrule: True
    conda:
        "../../envs/flopscape.yaml"
    params:
        study=ask.study_file,
        folder=subpath(input.runs, parent=True),
        kind=Judged(Files.why_report),
    shell:
        "flopscape report {params.study:q} --results {params.folder:q} --out {output.html:q} > {log:q} 2>&1"
