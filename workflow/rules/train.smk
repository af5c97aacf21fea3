"""Train: one spec -> results/{study}/runs/{run_id}.json. A run that a study of the same file trains too is copied.

train_trunk: one training run that leaves shorter ones the checkpoints which they start from
train_run: any other training run, or a simulated one

A branch is trained after its trunk and leaves no trace of that in the DAG: only the checkpoint mechanism has a job wait for
another without listing its file as an input, by which a finished branch would be trained again when its trunk is, and a
run that was finished alone when the study gets branches.
"""


checkpoint train_trunk:
    """Train a run whose checkpoints shorter runs start from."""
    input:
        ask.run_inputs,
    output:
        "results/{study}/runs/{run_id}.json",
    log:
        "logs/train/{study}/{run_id}.log",
    wildcard_constraints:
        run_id=selected.trunk_id,
    conda:
        "../../envs/flopscape.yaml"
    threads: ask.run_threads
    resources:
        mem_mb=ask.run_memory,
        runtime=ask.run_minutes,
        gpu=ask.run_gpus,
    params:
        # What decides no result, as all of the launcher, makes no finished run stale: see flopscape/dag/rerun.py.
        launcher=ask.run_launcher,
        spec=ask.run_spec,
        kind=Kind.TRAINING_TRUNK,
    # Signals to a whole job are for the trainer, which saves itself: the shell must not die of them before that. It
    # catches them and does nothing, for what a shell ignores its children ignore too.
    shell:
        "trap : HUP TERM USR1 USR2 XCPU; {params.launcher} {params.spec:q} --out {output:q} > {log:q} 2>&1"


use rule train_trunk as train_run with:
    """Train a run, from the checkpoint of a longer one where it branches off that, or simulate it."""
    input:
        run_after_trunk,
    wildcard_constraints:
        # All ids but the trunks', for one file cannot be made by two rules.
        run_id=f"(?!{selected.trunk_id}){ANY_ID}",
    params:
        kind=Kind.TRAINING,
