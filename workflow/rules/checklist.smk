"""Checklist: tables and fits -> results/{study}/checklist.md.

write_checklist: what a report of a scaling law should tell, filled in as far as the workflow knows it
"""


rule write_checklist:
    """Fill in the reporting checklist of a study; what the workflow does not know stays an empty box."""
    input:
        manifest=ask.reported_manifest,
        rungs=rungs.files,
        runs="results/{study}/runs.csv",
        curves="results/{study}/curves.parquet",
        fits=ask.study_fits,
        draws=ask.study_draws,
        backtest="results/{study}/backtest.csv",
        validation=ask.validation,
    output:
        report(
            "results/{study}/checklist.md",
            caption="../report/checklist.rst",
            category="{study}",
            subcategory="checklist",
            labels={"page": "reporting checklist"},
        ),
    log:
        "logs/checklist/{study}.log",
    localrule: True
    conda:
        "../../envs/flopscape.yaml"
    params:
        study=ask.study_file,
        folder=subpath(input.runs, parent=True),
        kind=Judged(Files.why_checklist),
    shell:
        "flopscape checklist {params.study:q} --results {params.folder:q} --out {output:q} > {log:q} 2>&1"
