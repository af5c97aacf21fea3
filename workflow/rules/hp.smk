"""Hyper-parameters: records of the search -> results/{study}/transfer/table.csv, verdict.json, figure.svg and .png.

judge_transfer: does the best learning rate transfer between widths?
hp_transfer: the search of every selected study that has a key `transfer`; `snakemake hp_transfer`
"""


rule judge_transfer:
    """The best learning rate of each width, and what assuming another costs."""
    input:
        search_runs,
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
        study=TRAINED_NAME,
    conda:
        "../../envs/analysis.yaml"
    params:
        study=study_file,
        search=search_hash,
        code=fingerprint("flopscape.transfer.run"),
    shell:
        "flopscape transfer {params.study:q} --runs results/{wildcards.study}/runs "
        "--out results/{wildcards.study}/transfer > {log:q} 2>&1"


rule hp_transfer:
    """Search the learning rate at three or more widths, and say whether its optimum transfers."""
    input:
        transfer_targets,
