# A vocoder for the spectral codec, trained on clips of the data set by a split of its own: what it has heard is not
# what a study of the same data set is tested on. Clips are enough; nothing of a released data set is made anew.


rule vocoder_splits:
    input:
        clips=released(shards("clips/{shard}.parquet")),
        licensed=released(f"results/data/{VERSION}/licensed.parquet"),
        duplicates=released(f"results/data/{VERSION}/duplicates.parquet"),
    output:
        f"results/vocoder/{VERSION}/splits.parquet",
    log:
        f"results/logs/{VERSION}/vocoder_splits.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        spec=vocoder_settings("splits"),
        code=code("splits"),
        clips=repeated("clips", "clips"),
    shell:
        "ssmttm splits {params.clips:q} --licensed {input.licensed:q} --duplicates {input.duplicates:q}"
        " --out {output:q} --spec {params.spec:q} > {log:q} 2>&1"


rule vocoder_codec:
    input:
        clips=released(shards("clips/{shard}.parquet")),
        splits=f"results/vocoder/{VERSION}/splits.parquet",
    output:
        f"results/vocoder/{VERSION}/codec.safetensors",
    log:
        f"results/logs/{VERSION}/vocoder_codec.log",
    conda:
        "../../environment.yml"
    threads: 2
    resources:
        mem_mb=8000,
        runtime=240,
    params:
        spec=vocoder_settings("codec"),
        code=code("codec", codec=CODEC),
        clips=repeated("clips", "clips"),
    shell:
        "ssmttm codec {params.clips:q} --splits {input.splits:q} --out {output:q} --threads {threads}"
        " --spec {params.spec:q} > {log:q} 2>&1"


rule vocoder:
    input:
        clips=released(shards("clips/{shard}.parquet")),
        licensed=released(f"results/data/{VERSION}/licensed.parquet"),
        splits=f"results/vocoder/{VERSION}/splits.parquet",
        codec=f"results/vocoder/{VERSION}/codec.safetensors",
    output:
        vocoder=f"results/vocoder/{VERSION}/vocoder.safetensors",
        curve=f"results/vocoder/{VERSION}/curve.parquet",
        manifest=f"results/vocoder/{VERSION}/manifest.json",
        card=f"results/vocoder/{VERSION}/card.md",
    log:
        f"results/logs/{VERSION}/vocoder.log",
    conda:
        "../../environment.yml"
    threads: vocoder_threads
    resources:
        mem_mb=4000,
        runtime=1440,
        gpu=0,
        logger=run_table.logging_of_vocoder(CONFIG).options,  # no parameter: a change of it reruns nothing
    params:
        spec=vocoder_settings("vocoder"),
        code=code("vocoder"),
        data=subpath(input.licensed, parent=True),
        folder=subpath(output.vocoder, parent=True),
    shell:
        "ssmttm vocoder train --data {params.data:q} --splits {input.splits:q} --codec {input.codec:q}"
        " --out {params.folder:q} --threads {threads} --spec {params.spec:q} {resources.logger} > {log:q} 2>&1"
