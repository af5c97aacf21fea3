"""Check: plug-ins, sizes and data of a study -> results/{study}/checks/{check}.txt.

check_plugins: before the first run of a study, and of a study whose plug-ins or sizes changed; the name of the output is a
hash of what was checked
"""


rule check_plugins:
    """Check the plug-ins, sizes and data that a study will train with, before its first run."""
    input:
        ask.data_manifests,
    output:
        "results/{study}/checks/{check}.txt",
    log:
        "logs/check/{study}/{check}.log",
    localrule: True
    conda:
        "../../envs/flopscape.yaml"
    resources:
        mem_mb=ask.run_memory,
        runtime=ask.run_minutes,
    params:
        study=ask.study_file,
        data=subpath(input[0], parent=True),
    shell:
        "flopscape check-plugin --study {params.study:q} --data {params.data:q} --out {output:q} > {log:q} 2>&1"
