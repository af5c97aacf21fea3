"""Data: a dataset's plug-in -> results/data/{dataset}/ with its manifest.json.

prepare_data: once per dataset, whatever the number of studies
"""


rule prepare_data:
    """Write a dataset and its manifest; training depends on the manifest alone, by checksum."""
    input:
        ask.dataset_sources,
    output:
        "results/data/{dataset}/manifest.json",
    log:
        "logs/data/{dataset}.log",
    localrule: True
    conda:
        "../../envs/flopscape.yaml"
    params:
        spec=ask.dataset_spec,
        folder=subpath(output[0], parent=True),
        kind=Kind.PREPARING,
    shell:
        "flopscape prepare {params.spec:q} --out {params.folder:q} > {log:q} 2>&1"
