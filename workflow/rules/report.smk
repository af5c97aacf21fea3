"""Report: tables and fits -> figures/{figure}.svg and .png, report.md, report.html.

draw_figure: one figure
write_report: the answer, what it rests on, and what to distrust
"""


rule draw_figure:
    """Draw one figure of a study."""
    input:
        runs="results/{study}/runs.csv",
        curves="results/{study}/curves.parquet",
        fits=study_fits,
        sensitivity=figure_table,
    output:
        svg=report(
            "results/{study}/figures/{figure}.svg",
            caption="../flopscape/report/captions.rst",
            category="{study}",
            subcategory="figures",
            labels={"figure": "{figure}"},
        ),
        png="results/{study}/figures/{figure}.png",
    log:
        "logs/figures/{study}/{figure}.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        title=figure_title,
        options=figure_options,
        code=figure_code,
    shell:
        "flopscape figure {wildcards.figure} {input.fits:q} --runs {input.runs:q} --curves {input.curves:q} "
        "--title {params.title:q} {params.options} --out {output.svg:q} > {log:q} 2>&1"


rule write_report:
    """Write the report as Markdown and as one self-contained HTML file."""
    input:
        manifest=reported_manifest,
        runs="results/{study}/runs.csv",
        fits=study_fits,
        sensitivity="results/{study}/sensitivity.csv",
        figures=study_figures,
        twin=study_twin,
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
    conda:
        "../../envs/analysis.yaml"
    params:
        study=study_file,
        plan=study_plan,
        settings=report_settings,
        code=fingerprint("flopscape.report.write"),
    shell:
        "flopscape report {params.study:q} --results results/{wildcards.study} --out {output.html:q} > {log:q} 2>&1"
