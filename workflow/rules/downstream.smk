"""Downstream: results/{study}/runs.csv and a fit -> downstream/{task}.json, {task}.svg and .png.

predict_task: the accuracy on one task of a study, in two steps
"""


rule predict_task:
    """Predict the accuracy on a task: its loss by a fit, the accuracy as a sigmoid of it; runs that tell none are said."""
    input:
        runs="results/{study}/runs.csv",
        fit=tasks.fit,
    output:
        numbers="results/{study}/downstream/{task}.json",
        svg=report(
            "results/{study}/downstream/{task}.svg",
            caption="../report/downstream.rst",
            category="{study}",
            subcategory="tasks",
            labels={"figure": "{task}"},
        ),
        png="results/{study}/downstream/{task}.png",
    log:
        "logs/downstream/{study}/{task}.log",
    localrule: True
    conda:
        "../../envs/flopscape.yaml"
    params:
        options=tasks.options,
        kind=Judged(Files.why_task, "task"),
    shell:
        "flopscape downstream {input.runs:q} --fit {input.fit[0]:q} {params.options} --numbers {output.numbers:q} "
        "--out {output.svg:q} > {log:q} 2>&1"
