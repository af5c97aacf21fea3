"""Check: plug-ins, sizes and data of a study -> results/{study}/checks/{check}.txt.

check_plugins: before the first run of a study, and of a study whose plug-ins or sizes changed
"""


rule check_plugins:
    """Check what the runs to come will train with. The name of the output holds what was checked: see run_checks."""
    input:
        data_manifest,
    output:
        "results/{study}/checks/{check}.txt",
    log:
        "logs/check/{study}/{check}.log",
    conda:
        "../../envs/train.yaml"
    resources:
        mem_mb=run_memory,
        runtime=run_minutes,
    params:
        study=study_file,
    shell:
        "flopscape check-plugin --study {params.study:q} --out {output:q} > {log:q} 2>&1"
