"""Compare: results/{study}/runs.csv of several studies -> results/compare/{comparison}/.

compare_recipes: which of the studies that config.yaml compares needs less compute for the same loss, on a page
"""


rule compare_recipes:
    """Set finished studies beside each other: the compute multiplier, its figure, a page, and what a paper takes."""
    input:
        runs=compared.tables,
        fits=compared.fits,
    output:
        html=report(
            "results/compare/{comparison}/report.html",
            caption="../report/compare.rst",
            category="compare",
            subcategory="{comparison}",
            labels={"file": "the whole page"},
        ),
        svg=report(
            "results/compare/{comparison}/multiplier.svg",
            caption="../report/compare.rst",
            category="compare",
            subcategory="{comparison}",
            labels={"file": "figure"},
        ),
        png="results/compare/{comparison}/multiplier.png",
        md="results/compare/{comparison}/report.md",
        numbers="results/compare/{comparison}/comparison.json",
        tex="results/compare/{comparison}/table.tex",
        bib="results/compare/{comparison}/references.bib",
    log:
        "logs/compare/{comparison}.log",
    wildcard_constraints:
        comparison=compared.name,
    localrule: True
    conda:
        "../../envs/flopscape.yaml"
    params:
        options=compared.options,
        folder=subpath(output.html, parent=True),
        kind=JudgedBeside(compared.why_stale),
    shell:
        "flopscape compare-report {input.runs:q} {params.options} --out {params.folder:q} > {log:q} 2>&1"
