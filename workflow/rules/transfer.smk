"""Transfer: records of a search -> results/{study}/transfer/table.csv, verdict.json, figure.svg and .png.

judge_transfer: does the best learning rate transfer between widths?
transfer: the search of every selected study that has a key `transfer`; `snakemake transfer`
"""


rule judge_transfer:
    """Say whether the best learning rate is that of all widths, and what assuming another costs."""
    input:
        ask.search_runs,
    output:
        table=report(
            "results/{study}/transfer/table.csv",
            caption="../report/transfer.rst",
            category="{study}",
            subcategory="transfer",
            labels={"file": "table"},
        ),
        verdict="results/{study}/transfer/verdict.json",
        svg=report(
            "results/{study}/transfer/figure.svg",
            caption="../report/transfer.rst",
            category="{study}",
            subcategory="transfer",
            labels={"file": "figure"},
        ),
        png="results/{study}/transfer/figure.png",
    log:
        "logs/transfer/{study}.log",
    wildcard_constraints:
        study=selected.trained_name,
    localrule: True
    conda:
        "../../envs/flopscape.yaml"
    params:
        study=ask.study_file,
        records=subpath(input[0], parent=True),
        folder=subpath(output.verdict, parent=True),
        kind=Judged(Files.why_transfer),
    shell:
        "flopscape transfer {params.study:q} --runs {params.records:q} " "--out {params.folder:q} > {log:q} 2>&1"


rule transfer:
    """Search the learning rate of every study that asks for it, at three or more widths, and judge the transfer."""
    input:
        ask.transfer_targets,
    localrule: True
