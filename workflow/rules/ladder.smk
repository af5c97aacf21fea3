"""Ladder: finished runs below -> results/{study}/rungs/{rung}.json, the budgets and sizes of the next runs.

plan_rung: one rung of a ladder, 1, 2, …, or a refinement

A rung is a checkpoint, for its file says which runs there are. Once written it stands: what it was planned from is no
input of it any more, so that nothing that is trained, copied or deleted later moves runs that are paid for.
"""


checkpoint plan_rung:
    """Plan the next runs of a study around the optimum that its finished runs point at."""
    input:
        rungs.inputs,
    output:
        "results/{study}/rungs/{rung}.json",
    log:
        "logs/rungs/{study}/{rung}.log",
    localrule: True
    conda:
        "../../envs/flopscape.yaml"
    params:
        study=ask.study_file,
        folder=rungs.folder,
        prices=ask.prices,
        kind=Kind.PLANNING,
    shell:
        "flopscape plan-rung {params.study:q} --rung {wildcards.rung} --results {params.folder:q} "
        "--prices {params.prices:q} --out {output:q} > {log:q} 2>&1"
