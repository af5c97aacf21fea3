"""Prediction: results/{study}/fits/{fit}.json of the recommended fit, backtest.csv, validation.csv -> prediction.md.

prediction: one page on the asked budgets and sizes, for whoever decides on a large run
"""


rule prediction:
    """Write what the recommended fit says of the asked budgets and sizes, and how far that reaches."""
    input:
        fit=ask.recommended_fit,
        backtest="results/{study}/backtest.csv",
        validation=ask.validation,
    output:
        report(
            "results/{study}/prediction.md",
            caption="../report/prediction.rst",
            category="{study}",
            subcategory="prediction",
            labels={"page": "prediction"},
        ),
    log:
        "logs/prediction/{study}.log",
    localrule: True
    conda:
        "../../envs/flopscape.yaml"
    params:
        options=ask.prediction_options,
        kind=Judged(Files.why_prediction),
    shell:
        "flopscape predict {input.fit[0]:q} {params.options} --out {output:q} > {log:q} 2>&1"
