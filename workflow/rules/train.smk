# One model per row of the run table. A released data set is read through released(): copying it or
# touching it retrains nothing.


rule train:
    input:
        dataset=released(f"results/data/{VERSION}/dataset.json"),
        tokens=released(shards("tokens/{shard}.parquet")),
        text=released(shards("text/{shard}.parquet")),
        splits=released(f"results/data/{VERSION}/splits.parquet"),
    output:
        model="results/runs/{run}/model.safetensors",
        curve="results/runs/{run}/curve.parquet",
        manifest="results/runs/{run}/manifest.json",
    log:
        "results/logs/{run}/train.log",
    benchmark:
        "results/runs/{run}/benchmark.tsv"
    conda:
        "../../environment.yml"
    threads: run_threads
    resources:
        mem_mb=4000,
        runtime=720,
        gpu=0,
    params:
        spec=run_settings,
        code=run_code("train"),
        data=subpath(input.dataset, parent=True),
        folder=subpath(output.model, parent=True),
    shell:
        "ssmttm train --run {wildcards.run} --data {params.data:q} --out {params.folder:q} --threads {threads}"
        " --spec {params.spec:q} > {log:q} 2>&1"


rule generate:
    input:
        model="results/runs/{run}/model.safetensors",
        manifest="results/runs/{run}/manifest.json",
        prompts=f"results/data/{VERSION}/prompts.parquet",
        codec=released(f"results/data/{VERSION}/codec.safetensors"),
    output:
        "results/runs/{run}/generated/{checkpoint}.parquet",
    log:
        "results/logs/{run}/generate.{checkpoint}.log",
    conda:
        "../../environment.yml"
    threads: run_threads
    resources:
        mem_mb=4000,
        runtime=240,
        gpu=0,
    params:
        spec=section("generation"),
        code=run_code("generate", codec=CODEC, encoder=ENCODER),
        model=lambda wildcards: choices.model_of(wildcards.run, wildcards.checkpoint),
    shell:
        "ssmttm generate --model {params.model:q} --prompts {input.prompts:q} --codec {input.codec:q}"
        " --out {output:q} --threads {threads} --spec {params.spec:q} > {log:q} 2>&1"


# The name of a run is a target: the trained model and all its scores.
for run in RUNS:

    rule:
        name:
            run
        input:
            f"results/runs/{run}/curve.parquet",
            run_scores(run),
