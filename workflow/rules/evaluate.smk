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


# All systems that are no model, down to their scores: most of them take less time than starting a process.
rule baselines:
    input:
        embedder_weights,
        training_embeddings,
        prompts=f"results/data/{VERSION}/prompts.parquet",
        dataset=released(f"results/data/{VERSION}/dataset.json"),
        captions=in_folder("captions/{shard}.parquet"),
        clips=released(shards("clips/{shard}.parquet")),
        text=released(shards("text/{shard}.parquet")),
        references=REFERENCES,
        codec=released(f"results/data/{VERSION}/codec.safetensors"),
        splits=released(f"results/data/{VERSION}/splits.parquet"),
        vocoder=VOCODER,
    output:
        expand(
            f"results/baselines/{VERSION}/{{name}}/{{file}}",
            name=OWN,
            file=["generated/final.parquet", *judged(choices.FINAL)],
        ),
    log:
        f"results/logs/{VERSION}/baselines.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=4000,
        runtime=240,
    params:
        spec=baselines_settings(),
        code=code("baselines", codec=CODEC, encoder=ENCODER, **SCORED_BY),
        data=subpath(input.dataset, parent=True),
        folder=systems_folder,
        clips=repeated("clips", "clips"),
        text=repeated("text", "text"),
        references=repeated("references", "references"),
    shell:
        "ssmttm baselines --data {params.data:q} {params.clips:q} {params.text:q} {params.references:q}"
        " --out {params.folder:q} --cache results/cache/embeddings --threads {threads} --spec {params.spec:q} > {log:q} 2>&1"


# All that is asked of a run's models: audio, embeddings, scores and how likely held-out clips are, in one process. It
# keeps what it made and makes anew only what has changed. What a rule makes can't depend on its wildcards, so runs that
# keep models at other fractions have a rule of their own, which the profiles' settings of `evaluate` hold for, too.
for name, checkpoints in EVALUATIONS.items():

    rule:
        name:
            name
        input:
            embedder_weights,
            training_embeddings,
            refiner_files,
            model="results/runs/{run}/model.safetensors",
            manifest="results/runs/{run}/manifest.json",
            prompts=f"results/data/{VERSION}/prompts.parquet",
            dataset=released(f"results/data/{VERSION}/dataset.json"),
            captions=in_folder("captions/{shard}.parquet"),
            tokens=in_folder("tokens/{shard}.parquet"),
            text=released(shards("text/{shard}.parquet")),
            splits=released(f"results/data/{VERSION}/splits.parquet"),
            codec=released(f"results/data/{VERSION}/codec.safetensors"),
            references=reference_embeddings,
            vocoder=VOCODER,
        output:
            expand("results/runs/{{run}}/{file}", file=["likelihoods.parquet", *judged(*checkpoints)]),
            audio=expand("results/runs/{{run}}/generated/{name}.parquet", name=checkpoints),
            records=expand("results/runs/{{run}}/generated/{name}.json", name=checkpoints),
        log:
            "results/logs/{run}/evaluate.log",
        wildcard_constraints:
            run=planning.one_of(run for run, names in CHECKPOINTS.items() if names == checkpoints),
        conda:
            "../../environment.yml"
        threads: run_threads
        resources:
            mem_mb=4000,
            runtime=480,
            gpu=0,
        params:
            spec=evaluate_settings,
            code=evaluate_code,
            refiner=refiner_option,
            data=subpath(input.dataset, parent=True),
            baselines=lambda wildcards, input: remote.beside(input.dataset, f"results/baselines/{VERSION}"),
        shell:
            "ssmttm evaluate {output.audio:q} {params.refiner:q} --data {params.data:q} --baselines {params.baselines:q}"
            " --cache results/cache/embeddings --threads {threads} --spec {params.spec:q} > {log:q} 2>&1"


# All trivial models of codes, down to their scores; their audio goes through the refiner that most runs have.
rule code_models:
    input:
        embedder_weights,
        training_embeddings,
        refiner=SHARED_REFINER,
        prompts=f"results/data/{VERSION}/prompts.parquet",
        dataset=released(f"results/data/{VERSION}/dataset.json"),
        captions=in_folder("captions/{shard}.parquet"),
        tokens=in_folder("tokens/{shard}.parquet"),
        text=in_folder("text/{shard}.parquet"),
        splits=released(f"results/data/{VERSION}/splits.parquet"),
        codec=released(f"results/data/{VERSION}/codec.safetensors"),
        references=reference_embeddings,
        vocoder=VOCODER,
    output:
        expand(
            f"results/baselines/{VERSION}/{{name}}/{{file}}",
            name=choices.CODE_MODELS,
            file=["generated/final.parquet", "likelihoods.parquet", *judged(choices.FINAL)],
        ),
    log:
        f"results/logs/{VERSION}/code_models.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=4000,
        runtime=240,
    params:
        spec=code_models_settings(),
        code=code_models_code(),
        data=subpath(input.dataset, parent=True),
        folder=systems_folder,
        refiner=repeated("refiner", "refiner"),
    shell:
        "ssmttm code_models --data {params.data:q} {params.refiner:q} --out {params.folder:q}"
        " --cache results/cache/embeddings --threads {threads} --spec {params.spec:q} > {log:q} 2>&1"


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
        own(model_files(CONFIG["evaluation"]["musicgen"])),
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


# What `evaluate`, `baselines` and `code_models` leave: systems of others, and embedders that can't share their environment.
rule embed:
    input:
        weights,
        own_environment,
        generated="results/{system}/generated/{checkpoint}.parquet",
    output:
        "results/{system}/embeddings/{checkpoint}/{embedder}.parquet",
    log:
        "results/logs/{system}/embed.{checkpoint}.{embedder}.log",
    wildcard_constraints:
        system=SEPARATE,
    conda:
        "../../environment.yml"
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
        own_environment,
        clips=released(shards("clips/{shard}.parquet")),
        splits=released("results/data/{version}/splits.parquet"),
    output:
        "results/data/{version}/training/{embedder}.parquet",
    log:
        "results/logs/{version}/embed_training.{embedder}.log",
    conda:
        "../../environment.yml"
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
        dataset=released(f"results/data/{VERSION}/dataset.json"),
        splits=released(f"results/data/{VERSION}/splits.parquet"),
        codec=released(f"results/data/{VERSION}/codec.safetensors"),
        captions=in_folder("captions/{shard}.parquet"),
        embeddings="results/{system}/embeddings/{checkpoint}/{embedder}.parquet",
    output:
        "results/{system}/scores/{checkpoint}/{embedder}.json",
    log:
        "results/logs/{system}/score.{checkpoint}.{embedder}.log",
    wildcard_constraints:
        system=SEPARATE,
    conda:
        "../../environment.yml"
    resources:
        mem_mb=3000,
        runtime=60,
    params:
        spec=settings("score"),
        code=lambda wildcards: code("score", metric=tuple(choices.metrics_of(METRICS, wildcards.embedder))),
        system=lambda wildcards: Path(wildcards.system).name,
        references=lambda wildcards, input: [f"--reference={name}={input[name]}" for name in references(wildcards)],
        data=subpath(input.dataset, parent=True),
    shell:
        "ssmttm score --embedder {wildcards.embedder} --system {params.system:q} --embeddings {input.embeddings:q}"
        " --data {params.data:q} {params.references:q} --out {output:q} --spec {params.spec:q} > {log:q} 2>&1"


# An environment of its own for what can't share the main one; it is made once, and again when its pins change.
rule environment:
    input:
        pins,
    output:
        local("results/envs/{package}/environment.json"),
    log:
        "results/logs/environment.{package}.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        code=code("environment"),
    shell:
        "ssmttm environment --package {wildcards.package} --pins {input:q} --out {output:q} > {log:q} 2>&1"


# A published package's numbers of all systems of a study, beside ours: by its own code, in its own environment.
rule packages:
    input:
        package_weights,
        package_scores,
        environment=lambda wildcards: environment_record(wildcards.package),
        audio=lambda wildcards: expand("{system}/generated/final.parquet", system=package_systems(wildcards)),
    output:
        "results/studies/{study}/packages/{package}.json",
    log:
        "results/logs/{study}/packages.{package}.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=6000,
        runtime=240,
    params:
        spec=settings("packages"),
        code=code("packages"),
        environment=subpath(input.environment, parent=True),
        systems=lambda wildcards, input: [
            f"--systems={remote.beside(input.audio[0], folder)}" for folder in package_systems(wildcards)
        ],
        baselines=lambda wildcards, input: remote.beside(input.audio[0], f"results/baselines/{VERSION}"),
    shell:
        "ssmttm packages --package {wildcards.package} --environment {params.environment:q} {params.systems:q}"
        " --baselines {params.baselines:q} --out {output:q} --threads {threads} --spec {params.spec:q} > {log:q} 2>&1"
