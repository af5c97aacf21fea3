"""Data: a dataset's plug-in -> results/data/{dataset}/ with its manifest.json.

prepare_data: once per dataset, whatever the number of studies
"""


rule prepare_data:
    """Write a dataset and its manifest; training depends on the manifest alone, by checksum."""
    input:
        dataset_sources,
    output:
        "results/data/{dataset}/manifest.json",
    log:
        "logs/data/{dataset}.log",
    conda:
        "../../envs/train.yaml"
    params:
        spec=dataset_spec,
    shell:
        "flopscape prepare {params.spec:q} --out results/data/{wildcards.dataset} > {log:q} 2>&1"
