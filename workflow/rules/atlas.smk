"""Atlas: published tables in a mirror -> results/atlas/tables/{published}.csv, atlas.csv, atlas.html.

fit_published: one table by every method, beside its claims and backtested
write_atlas: all of them on one page and in one CSV
atlas: everything; `snakemake atlas`
"""


rule fit_published:
    """Fit one published table again by every method; what the mirror lacks is skipped in words."""
    input:
        published_file,
    output:
        "results/atlas/tables/{published}.csv",
    log:
        "logs/atlas/{published}.log",
    conda:
        "../../envs/flopscape.yaml"
    params:
        mirror=ask.mirror_option,
        code=code_of_refits,
    shell:
        "flopscape atlas {wildcards.published} {params.mirror} --out {output:q} > {log:q} 2>&1"


rule write_atlas:
    """Write claims and refits of all tables on one page, and all their numbers into one CSV."""
    input:
        expand("results/atlas/tables/{published}.csv", published=TABLES),
    output:
        html=report(
            "results/atlas/atlas.html",
            category="atlas",
            subcategory="report",
            labels={"report": "the whole report"},
        ),
        csv=report(
            "results/atlas/atlas.csv",
            caption="../report/atlas.rst",
            category="atlas",
            subcategory="tables",
            labels={"table": "every fit"},
        ),
        md="results/atlas/atlas.md",
    log:
        "logs/atlas/page.log",
    conda:
        "../../envs/flopscape.yaml"
    params:
        code=fingerprint("flopscape.atlas.write"),
        page=hash_of(TEMPLATE),
    shell:
        "flopscape atlas-page {input:q} --out {output.html:q} > {log:q} 2>&1"


rule atlas:
    """Fit every published table that is here again, and show it beside what was published."""
    input:
        "results/atlas/atlas.html",
    localrule: True
