"""Backtest: results/{study}/runs.csv and fits/{fit}.json -> backtest.csv.

backtest: every fit of a study again without the largest budgets, and what it says of them
"""


rule backtest:
    """Hide the largest budgets, make every fit again, and say whose intervals hold what was hidden."""
    input:
        runs="results/{study}/runs.csv",
        fits=ask.study_fits,
        curves=ask.backtest_curves,
    output:
        report(
            "results/{study}/backtest.csv",
            caption="../report/backtest.rst",
            category="{study}",
            subcategory="tables",
            labels={"table": "backtest"},
        ),
    log:
        "logs/backtest/{study}.log",
    conda:
        "../../envs/flopscape.yaml"
    params:
        options=ask.backtest_options,
        kind=Judged(Files.why_backtest),
    shell:
        "flopscape backtest {input.runs:q} {params.options} --out {output:q} > {log:q} 2>&1"
