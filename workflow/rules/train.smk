"""Train: one spec -> results/{study}/runs/{run_id}.json.

train_run: one training run, or a simulated one
"""


rule train_run:
    """Train one run. Only its spec and its data's manifest can make it rerun; no check does."""
    input:
        data_manifest,
        run_checks,
    output:
        "results/{study}/runs/{run_id}.json",
    log:
        "logs/train/{study}/{run_id}.log",
    conda:
        "../../envs/train.yaml"
    threads: run_threads
    resources:
        launcher=run_launcher,
        mem_mb=run_memory,
        runtime=run_minutes,
        gpu=run_gpus,
    params:
        spec=run_spec,
    # Signals to a whole job are for the trainer, which saves itself: its launcher must not die of them before that.
    shell:
        "trap '' TERM USR1; {resources.launcher} {params.spec:q} --out {output:q} > {log:q} 2>&1"
