"""Twin: results/{study}/runs.csv, validation.csv -> results/{study}/twin/twin.csv, verdict.json, figure.svg and .png.

twin: every method on the study's own design, simulated from the surface fitted to it
"""


rule twin:
    """Simulate a study to say which method to trust on it, and what one more budget or seed would buy."""
    input:
        runs="results/{study}/runs.csv",
        validation=ask.validation,
    output:
        table=report(
            "results/{study}/twin/twin.csv",
            caption="../report/twin.rst",
            category="{study}",
            subcategory="twin",
            labels={"file": "table"},
        ),
        verdict="results/{study}/twin/verdict.json",
        svg=report(
            "results/{study}/twin/figure.svg",
            caption="../report/twin.rst",
            category="{study}",
            subcategory="twin",
            labels={"file": "figure"},
        ),
        png="results/{study}/twin/figure.png",
    log:
        "logs/twin/{study}.log",
    conda:
        "../../envs/flopscape.yaml"
    params:
        options=ask.twin_options,
        folder=subpath(output.verdict, parent=True),
        kind=Judged(Files.why_twin),
    shell:
        "flopscape twin {input.runs:q} {params.options} --out {params.folder:q} > {log:q} 2>&1"
