# Every system, trained or not, goes through the same prompts, embeddings and metrics.


rule reference_clips:
    input:
        files=reference_files,
        dataset=released(f"results/data/{VERSION}/dataset.json"),
        splits=released(f"results/data/{VERSION}/splits.parquet"),
        fingerprints=released(shards("fingerprints/{shard}.parquet")),
    output:
        "results/references/{set}/clips.parquet",
    log:
        "results/logs/references/{set}.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=4000,
        runtime=480,
    params:
        spec=settings("reference_clips"),
        code=code("reference_clips"),
        fingerprints=repeated("fingerprints", "fingerprints"),
    shell:
        "ssmttm reference_clips {params.fingerprints:q} --splits {input.splits:q} --out {output:q}"
        " --cache results/cache --spec {params.spec:q} > {log:q} 2>&1"


rule prompts:
    input:
        dataset=released(f"results/data/{VERSION}/dataset.json"),
        captions=prompt_captions(),
        splits=released(f"results/data/{VERSION}/splits.parquet"),
        references=REFERENCES,
    output:
        f"results/data/{VERSION}/prompts.parquet",
    log:
        f"results/logs/{VERSION}/prompts.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=3000,
        runtime=30,
    params:
        spec=settings("prompts"),
        code=code("prompts"),
        captions=repeated("captions", "captions"),
        references=repeated("references", "references"),
    shell:
        "ssmttm prompts {params.captions:q} --splits {input.splits:q} {params.references:q} --out {output:q}"
        " --spec {params.spec:q} > {log:q} 2>&1"


rule codec_quality:
    input:
        codec_embedder_weights,
        dataset=released(f"results/data/{VERSION}/dataset.json"),
        clips=released(shards("clips/{shard}.parquet")),
        tokens=released(shards("tokens/{shard}.parquet")),
        splits=released(f"results/data/{VERSION}/splits.parquet"),
        codec=released(f"results/data/{VERSION}/codec.safetensors"),
        vocoder=VOCODER,
    output:
        f"results/data/{VERSION}/codec_quality.parquet",
    log:
        f"results/logs/{VERSION}/codec_quality.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=4000,
        runtime=120,
        gpu=0,
    params:
        spec=settings("codec_quality"),
        code=code("codec_quality", codec=CODEC, embedder=CODEC_EMBEDDERS),
        clips=repeated("clips", "clips"),
        tokens=repeated("tokens", "tokens"),
    shell:
        "ssmttm codec_quality {params.clips:q} {params.tokens:q} --splits {input.splits:q} --codec {input.codec:q}"
        " --out {output:q} --cache results/cache/embeddings --threads {threads} --spec {params.spec:q} > {log:q} 2>&1"


rule baseline:
    input:
        prompts="results/data/{version}/prompts.parquet",
        clips=released(baseline_clips),
        codec=released("results/data/{version}/codec.safetensors"),
        splits=released("results/data/{version}/splits.parquet"),
        text=released(baseline_text),
        vocoder=VOCODER,
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
        code=code("baseline", codec=CODEC, encoder=ENCODER),
        clips=repeated("clips", "clips"),
        text=repeated("text", "text"),
    shell:
        "ssmttm baseline --name {wildcards.baseline} --prompts {input.prompts:q} {params.clips:q} {params.text:q}"
        " --codec {input.codec:q} --splits {input.splits:q} --out {output:q} --spec {params.spec:q} > {log:q} 2>&1"


# Audio of trivial models of codes, through the refiner that most runs have.
rule trivial:
    input:
        refiner=SHARED_REFINER,
        prompts="results/data/{version}/prompts.parquet",
        dataset=released("results/data/{version}/dataset.json"),
        tokens=released(shards("tokens/{shard}.parquet")),
        text=released(shards("text/{shard}.parquet")),
        splits=released("results/data/{version}/splits.parquet"),
        codec=released("results/data/{version}/codec.safetensors"),
        vocoder=VOCODER,
    output:
        "results/baselines/{version}/{codes}/generated/final.parquet",
    log:
        "results/logs/{version}/baselines/{codes}.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=3000,
        runtime=60,
    params:
        spec=settings("trivial"),
        code=trivial_code,
        data=subpath(input.dataset, parent=True),
        refiner=repeated("refiner", "refiner"),
    shell:
        "ssmttm trivial --name {wildcards.codes} --prompts {input.prompts:q} --data {params.data:q} {params.refiner:q}"
        " --codec {input.codec:q} --out {output:q} --spec {params.spec:q} > {log:q} 2>&1"


# How likely all held-out clips are: to the language model of a run, and to trivial models of codes.
rule likelihood:
    input:
        dataset=released(f"results/data/{VERSION}/dataset.json"),
        tokens=released(shards("tokens/{shard}.parquet")),
        text=released(shards("text/{shard}.parquet")),
        splits=released(f"results/data/{VERSION}/splits.parquet"),
        model="results/runs/{run}/model.safetensors",
    output:
        "results/runs/{run}/likelihoods.parquet",
    log:
        "results/logs/{run}/likelihood.log",
    conda:
        "../../environment.yml"
    threads: run_threads
    resources:
        mem_mb=4000,
        runtime=120,
        gpu=0,
    params:
        spec=settings("likelihood"),
        code=lambda wildcards: code("likelihood", mixer=mixers(wildcards.run)),
        data=subpath(input.dataset, parent=True),
    shell:
        "ssmttm likelihood --data {params.data:q} --model {input.model:q} --out {output:q} --threads {threads}"
        " --spec {params.spec:q} > {log:q} 2>&1"


rule likelihood_of_codes:
    input:
        dataset=released("results/data/{version}/dataset.json"),
        tokens=released(shards("tokens/{shard}.parquet")),
        text=released(shards("text/{shard}.parquet")),
        splits=released("results/data/{version}/splits.parquet"),
    output:
        "results/baselines/{version}/{codes}/likelihoods.parquet",
    log:
        "results/logs/{version}/baselines/{codes}.likelihood.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=3000,
        runtime=60,
    params:
        spec=settings("likelihood"),
        code=code("likelihood"),
        data=subpath(input.dataset, parent=True),
    shell:
        "ssmttm likelihood --data {params.data:q} --system {wildcards.codes} --out {output:q} --spec {params.spec:q}"
        " > {log:q} 2>&1"


rule external:
    input:
        files=external_files,
        prompts="results/data/{version}/prompts.parquet",
    output:
        audio="results/baselines/{version}/{external}/generated/final.parquet",
        facts="results/baselines/{version}/{external}/generated/facts.json",
    log:
        "results/logs/{version}/baselines/{external}.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=3000,
        runtime=60,
    params:
        spec=external_settings,
        code=code("external"),
    shell:
        "ssmttm external --name {wildcards.external} --prompts {input.prompts:q} --out {output.audio:q}"
        " --facts {output.facts:q} --spec {params.spec:q} > {log:q} 2>&1"


rule musicgen:
    input:
        model_files(CONFIG["evaluation"]["musicgen"]),
        prompts="results/data/{version}/prompts.parquet",
    output:
        audio="results/baselines/{version}/musicgen/generated/final.parquet",
        facts="results/baselines/{version}/musicgen/generated/facts.json",
    log:
        "results/logs/{version}/baselines/musicgen.log",
    conda:
        "../../environment.yml"
    threads: 2
    resources:
        mem_mb=8000,
        runtime=720,
        gpu=0,
    params:
        spec=settings("musicgen"),
        code=code("musicgen"),
    shell:
        "ssmttm musicgen --prompts {input.prompts:q} --out {output.audio:q} --facts {output.facts:q} --threads {threads}"
        " --spec {params.spec:q} > {log:q} 2>&1"


rule embed:
    input:
        weights,
        generated="results/{system}/generated/{checkpoint}.parquet",
    output:
        "results/{system}/embeddings/{checkpoint}/{embedder}.parquet",
    log:
        "results/logs/{system}/embed.{checkpoint}.{embedder}.log",
    conda:
        environment_of
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        program=program,
        spec=settings("embed"),
        code=lambda wildcards: code("embed", embedder=wildcards.embedder),
    shell:
        "{params.program} embed --embedder {wildcards.embedder} --generated {input.generated:q} --out {output:q}"
        " --cache results/cache/embeddings --threads {threads} --spec {params.spec:q} > {log:q} 2>&1"


rule embed_training:
    input:
        weights,
        clips=released(shards("clips/{shard}.parquet")),
        splits=released("results/data/{version}/splits.parquet"),
    output:
        "results/data/{version}/training/{embedder}.parquet",
    log:
        "results/logs/{version}/embed_training.{embedder}.log",
    conda:
        environment_of
    resources:
        mem_mb=4000,
        runtime=480,
    params:
        program=program,
        spec=settings("embed"),
        code=lambda wildcards: code("embed", embedder=wildcards.embedder),
        clips=repeated("clips", "clips"),
    shell:
        "{params.program} embed --embedder {wildcards.embedder} {params.clips:q} --splits {input.splits:q} --out {output:q}"
        " --cache results/cache/embeddings --threads {threads} --spec {params.spec:q} > {log:q} 2>&1"


rule statistics:
    input:
        "results/baselines/{version}/originals/embeddings/final/{embedder}.parquet",
    output:
        "results/references/{version}/{set}.{embedder}.safetensors",
    log:
        "results/logs/{version}/statistics.{set}.{embedder}.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=3000,
        runtime=30,
    params:
        code=code("statistics"),
    shell:
        "ssmttm statistics --embeddings {input:q} --name {wildcards.set} --out {output:q} > {log:q} 2>&1"


rule score:
    input:
        unpack(references),
        embeddings="results/{system}/embeddings/{checkpoint}/{embedder}.parquet",
    output:
        "results/{system}/scores/{checkpoint}/{embedder}.json",
    log:
        "results/logs/{system}/score.{checkpoint}.{embedder}.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=3000,
        runtime=60,
    params:
        spec=settings("score"),
        code=lambda wildcards: code("score", metric=tuple(choices.metrics_of(METRICS, wildcards.embedder))),
        system=lambda wildcards: Path(wildcards.system).name,
        references=lambda wildcards: [f"--reference={name}={path}" for name, path in references(wildcards).items()],
        data=f"results/data/{VERSION}",
    shell:
        "ssmttm score --embedder {wildcards.embedder} --system {params.system:q} --embeddings {input.embeddings:q}"
        " --data {params.data:q} {params.references:q} --out {output:q} --spec {params.spec:q} > {log:q} 2>&1"
