# Every system, trained or not, goes through the same prompts, embeddings and metrics.


rule prompts:
    input:
        dataset=ancient(f"results/data/{VERSION}/dataset.json"),
        captions=ancient(shards("captions/{shard}.parquet")),
        splits=ancient(f"results/data/{VERSION}/splits.parquet"),
    output:
        f"results/data/{VERSION}/prompts.parquet",
    log:
        f"results/logs/{VERSION}/prompts.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        spec=settings("prompts"),
        code=code("prompts"),
        captions=repeated("captions", "captions"),
    shell:
        "ssmttm prompts {params.captions:q} --splits {input.splits:q} --out {output:q}"
        " --spec {params.spec:q} > {log:q} 2>&1"


rule baseline:
    input:
        prompts="results/data/{version}/prompts.parquet",
        clips=ancient(shards("clips/{shard}.parquet")),
        codec=ancient("results/data/{version}/codec.safetensors"),
    output:
        "results/baselines/{version}/{baseline}/generated/final.parquet",
    log:
        "results/logs/{version}/baselines/{baseline}.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=3000,
        runtime=60,
    params:
        spec=settings("baseline"),
        code=code("baseline", codec=CODEC),
        clips=repeated("clips", "clips"),
    shell:
        "ssmttm baseline --name {wildcards.baseline} --prompts {input.prompts:q} {params.clips:q}"
        " --codec {input.codec:q} --out {output:q} --spec {params.spec:q} > {log:q} 2>&1"


rule embed:
    input:
        "results/{system}/generated/final.parquet",
    output:
        "results/{system}/embeddings/{embedder}.parquet",
    log:
        "results/logs/{system}/embed.{embedder}.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=3000,
        runtime=60,
    params:
        spec=settings("embed"),
        code=lambda wildcards: code("embed", embedder=wildcards.embedder),
    shell:
        "ssmttm embed --generated {input:q} --out {output:q} --threads {threads}"
        " --spec {params.spec:q} > {log:q} 2>&1"


rule score:
    input:
        embeddings=f"results/{{system}}/embeddings/{EMBEDDER}.parquet",
        originals=f"results/baselines/{VERSION}/originals/embeddings/{EMBEDDER}.parquet",
        codec=f"results/baselines/{VERSION}/codec/embeddings/{EMBEDDER}.parquet",
    output:
        "results/{system}/scores/{metric}.json",
    log:
        "results/logs/{system}/score.{metric}.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=3000,
        runtime=60,
    params:
        spec=settings("score"),
        code=lambda wildcards: code("score", metric=wildcards.metric),
        system=lambda wildcards: Path(wildcards.system).name,
    shell:
        "ssmttm score --metric {wildcards.metric} --system {params.system:q} --embeddings {input.embeddings:q}"
        " --originals {input.originals:q} --codec {input.codec:q} --out {output:q}"
        " --spec {params.spec:q} > {log:q} 2>&1"
