"""Import: other people's table -> results/{study}/runs.csv, runs.parquet, curves.parquet, manifest.json.

import_runs: takes the place of training and collecting where a study has `runs:`
"""


rule import_runs:
    """Map, convert and check a table of finished runs; a wrong row is named and nothing is written."""
    input:
        ask.imported_files,
    output:
        csv=report(
            "results/{study}/runs.csv",
            caption="../report/runs.rst",
            category="{study}",
            subcategory="tables",
            labels={"table": "runs"},
        ),
        parquet="results/{study}/runs.parquet",
        curves="results/{study}/curves.parquet",
        manifest="results/{study}/manifest.json",
    log:
        "logs/import/{study}.log",
    wildcard_constraints:
        study=selected.imported_name,
    localrule: True
    conda:
        "../../envs/flopscape.yaml"
    params:
        options=ask.import_options,
        folder=subpath(output.csv, parent=True),
        kind=Judged(Files.why_table),
    shell:
        "flopscape import {params.options:q} --folder {params.folder:q} > {log:q} 2>&1"
