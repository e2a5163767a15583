# One model per row of the run table. A released data set is read through released(): copying it or
# touching it retrains nothing.


rule train:
    input:
        dataset=released(f"results/data/{VERSION}/dataset.json"),
        tokens=in_folder("tokens/{shard}.parquet"),
        text=in_folder("text/{shard}.parquet"),
        splits=released(f"results/data/{VERSION}/splits.parquet"),
    output:
        model="results/runs/{run}/model.safetensors",
        curve="results/runs/{run}/curve.parquet",
        manifest="results/runs/{run}/manifest.json",
    log:
        "results/logs/{run}/train.log",
    benchmark:
        "results/runs/{run}/benchmark.tsv"
    wildcard_constraints:
        run=planning.one_of(TRAINED),
    conda:
        "../../environment.yml"
    threads: run_threads
    resources:
        mem_mb=4000,
        runtime=720,
        gpu=0,
        nodes=1,  # machines that the GPUs are on
        logger=run_logger,  # no parameter: a change of it reruns nothing
    params:
        spec=run_settings,
        code=train_code,
        data=subpath(input.dataset, parent=True),
        folder=subpath(output.model, parent=True),
    shell:
        "ssmttm train --run {wildcards.run} --data {params.data:q} --out {params.folder:q} --threads {threads}"
        " --cache results/cache/captions --gpus {resources.gpu} --nodes {resources.nodes} --spec {params.spec:q}"
        " {resources.logger} > {log:q} 2>&1"


# A row of the run table may have the language model of another one.
rule borrow:
    input:
        model=lambda wildcards: f"{lender(wildcards)}/model.safetensors",
        curve=lambda wildcards: f"{lender(wildcards)}/curve.parquet",
        manifest=lambda wildcards: f"{lender(wildcards)}/manifest.json",
    output:
        model="results/runs/{run}/model.safetensors",
        curve="results/runs/{run}/curve.parquet",
        manifest="results/runs/{run}/manifest.json",
    log:
        "results/logs/{run}/borrow.log",
    wildcard_constraints:
        run=planning.one_of(BORROWING),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        spec=run_settings,
        code=code("borrow"),
        lender=subpath(input.model, parent=True),
        folder=subpath(output.model, parent=True),
    shell:
        "ssmttm borrow --run {wildcards.run} --lender {params.lender:q} --out {params.folder:q} --spec {params.spec:q}"
        " > {log:q} 2>&1"


# One model per second stage that a row names; several rows may have the same one.
rule refiner:
    input:
        dataset=released(f"results/data/{VERSION}/dataset.json"),
        tokens=in_folder("tokens/{shard}.parquet"),
        text=in_folder("text/{shard}.parquet"),
        splits=released(f"results/data/{VERSION}/splits.parquet"),
        codec=released(f"results/data/{VERSION}/codec.safetensors"),
    output:
        model="results/refiners/{refiner}/model.safetensors",
        curve="results/refiners/{refiner}/curve.parquet",
        manifest="results/refiners/{refiner}/manifest.json",
    log:
        "results/logs/{refiner}/refiner.log",
    benchmark:
        "results/refiners/{refiner}/benchmark.tsv"
    conda:
        "../../environment.yml"
    threads: refiner_threads
    resources:
        mem_mb=4000,
        runtime=720,
        gpu=0,
        nodes=1,
        logger=refiner_logger,  # no parameter: a change of it reruns nothing
    params:
        spec=refiner_settings,
        code=refiner_code,
        data=subpath(input.dataset, parent=True),
        folder=subpath(output.model, parent=True),
    shell:
        "ssmttm refiner train --name {wildcards.refiner} --data {params.data:q} --out {params.folder:q}"
        " --cache results/cache/captions --threads {threads} --gpus {resources.gpu} --nodes {resources.nodes}"
        " --spec {params.spec:q} {resources.logger} > {log:q} 2>&1"


rule attach:
    input:
        model=lambda wildcards: f"results/refiners/{RUNS[wildcards.run]['refiner']}/model.safetensors",
        manifest=lambda wildcards: f"results/refiners/{RUNS[wildcards.run]['refiner']}/manifest.json",
    output:
        model="results/runs/{run}/refiner.safetensors",
        manifest="results/runs/{run}/refiner.json",
    log:
        "results/logs/{run}/attach.log",
    wildcard_constraints:
        run=planning.one_of(TWO_STAGE),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        spec=own_refiner_settings,
        code=code("attach"),
        refiner=subpath(input.model, parent=True),
        folder=subpath(output.model, parent=True),
    shell:
        "ssmttm attach --refiner {params.refiner:q} --out {params.folder:q} --spec {params.spec:q} > {log:q} 2>&1"


# The name of a run is a target: the trained model and all its scores.
for run in RUNS:

    rule:
        name:
            run
        input:
            f"results/runs/{run}/curve.parquet",
            run_scores(run),


# The name of a second stage is a target: the trained refiner.
for refiner in REFINERS:

    rule:
        name:
            refiner
        input:
            f"results/refiners/{refiner}/model.safetensors",
