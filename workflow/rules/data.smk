# From sources to a released data set. `{unreleased}` is a version without dataset.json: the files of a
# released data set are sources, which no rule makes. These rules carry their settings but no fingerprint
# of code: a data set is released under its version, not silently rebuilt.


rule index:
    output:
        "results/data/{unreleased}/index.parquet",
    log:
        "results/logs/{unreleased}/index.log",
    retries: 2
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
        runtime=120,
    params:
        spec=settings("index"),
    shell:
        "ssmttm index --out {output:q} --cache results/cache --spec {params.spec:q} > {log:q} 2>&1"


rule license:
    input:
        "results/data/{unreleased}/index.parquet",
    output:
        licensed="results/data/{unreleased}/licensed.parquet",
        rejected="results/data/{unreleased}/rejected.parquet",
        attribution="results/data/{unreleased}/ATTRIBUTION.md",
    log:
        "results/logs/{unreleased}/license.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        spec=settings("license"),
    shell:
        "ssmttm license --index {input:q} --licensed {output.licensed:q} --rejected {output.rejected:q}"
        " --attribution {output.attribution:q} --spec {params.spec:q} > {log:q} 2>&1"


rule audio:
    input:
        "results/data/{unreleased}/licensed.parquet",
    output:
        audio=temp("results/data/{unreleased}/audio/{shard}.parquet"),
        rejected="results/data/{unreleased}/audio/{shard}.rejected.parquet",
    log:
        "results/logs/{unreleased}/audio/{shard}.log",
    retries: 2
    conda:
        "../../environment.yml"
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        spec=settings("audio"),
        shards=len(SHARDS),
    shell:
        "ssmttm audio --licensed {input:q} --shard {wildcards.shard} --shards {params.shards}"
        " --out {output.audio:q} --rejected {output.rejected:q} --cache results/cache"
        " --spec {params.spec:q} > {log:q} 2>&1"


rule clips:
    input:
        "results/data/{unreleased}/audio/{shard}.parquet",
    output:
        clips="results/data/{unreleased}/clips/{shard}.parquet",
        fingerprints="results/data/{unreleased}/fingerprints/{shard}.parquet",
        rejected="results/data/{unreleased}/clips/{shard}.rejected.parquet",
    log:
        "results/logs/{unreleased}/clips/{shard}.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=4000,
        runtime=480,
    params:
        spec=settings("clips"),
    shell:
        "ssmttm clips --audio {input:q} --out {output.clips:q} --fingerprints {output.fingerprints:q}"
        " --rejected {output.rejected:q} --spec {params.spec:q} > {log:q} 2>&1"


rule duplicates:
    input:
        fingerprints=shards("fingerprints/{shard}.parquet"),
        licensed="results/data/{unreleased}/licensed.parquet",
    output:
        "results/data/{unreleased}/duplicates.parquet",
    log:
        "results/logs/{unreleased}/duplicates.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        spec=settings("duplicates"),
        fingerprints=repeated("fingerprints", "fingerprints"),
    shell:
        "ssmttm duplicates {params.fingerprints:q} --licensed {input.licensed:q} --out {output:q}"
        " --spec {params.spec:q} > {log:q} 2>&1"


rule splits:
    input:
        clips=shards("clips/{shard}.parquet"),
        licensed="results/data/{unreleased}/licensed.parquet",
        duplicates="results/data/{unreleased}/duplicates.parquet",
    output:
        "results/data/{unreleased}/splits.parquet",
    log:
        "results/logs/{unreleased}/splits.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        spec=settings("splits"),
        clips=repeated("clips", "clips"),
    shell:
        "ssmttm splits {params.clips:q} --licensed {input.licensed:q} --duplicates {input.duplicates:q}"
        " --out {output:q} --spec {params.spec:q} > {log:q} 2>&1"


rule captions:
    input:
        clips="results/data/{unreleased}/clips/{shard}.parquet",
        licensed="results/data/{unreleased}/licensed.parquet",
    output:
        "results/data/{unreleased}/captions/{shard}.parquet",
    log:
        "results/logs/{unreleased}/captions/{shard}.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=3000,
        runtime=240,
    params:
        spec=settings("captions"),
    shell:
        "ssmttm captions --clips {input.clips:q} --licensed {input.licensed:q} --out {output:q}"
        " --cache results/cache --spec {params.spec:q} > {log:q} 2>&1"


rule codec:
    input:
        clips=shards("clips/{shard}.parquet"),
        splits="results/data/{unreleased}/splits.parquet",
    output:
        "results/data/{unreleased}/codec.safetensors",
    log:
        "results/logs/{unreleased}/codec.log",
    conda:
        "../../environment.yml"
    threads: 2
    resources:
        mem_mb=8000,
        runtime=240,
    params:
        spec=settings("codec"),
        clips=repeated("clips", "clips"),
    shell:
        "ssmttm codec {params.clips:q} --splits {input.splits:q} --out {output:q} --threads {threads}"
        " --spec {params.spec:q} > {log:q} 2>&1"


rule tokens:
    input:
        clips="results/data/{unreleased}/clips/{shard}.parquet",
        codec="results/data/{unreleased}/codec.safetensors",
    output:
        "results/data/{unreleased}/tokens/{shard}.parquet",
    log:
        "results/logs/{unreleased}/tokens/{shard}.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=3000,
        runtime=120,
    params:
        spec=settings("tokens"),
    shell:
        "ssmttm tokens --clips {input.clips:q} --codec {input.codec:q} --out {output:q} --threads {threads}"
        " --spec {params.spec:q} > {log:q} 2>&1"


rule text:
    input:
        "results/data/{unreleased}/captions/{shard}.parquet",
    output:
        "results/data/{unreleased}/text/{shard}.parquet",
    log:
        "results/logs/{unreleased}/text/{shard}.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=3000,
        runtime=60,
    params:
        spec=settings("text"),
    shell:
        "ssmttm text --captions {input:q} --out {output:q} --threads {threads}" " --spec {params.spec:q} > {log:q} 2>&1"


rule release:
    input:
        "results/data/{unreleased}/index.parquet",
        "results/data/{unreleased}/licensed.parquet",
        "results/data/{unreleased}/rejected.parquet",
        "results/data/{unreleased}/ATTRIBUTION.md",
        "results/data/{unreleased}/duplicates.parquet",
        "results/data/{unreleased}/splits.parquet",
        "results/data/{unreleased}/codec.safetensors",
        shards("audio/{shard}.rejected.parquet"),
        shards("clips/{shard}.parquet"),
        shards("clips/{shard}.rejected.parquet"),
        shards("fingerprints/{shard}.parquet"),
        shards("captions/{shard}.parquet"),
        shards("tokens/{shard}.parquet"),
        shards("text/{shard}.parquet"),
    output:
        manifest="results/data/{unreleased}/dataset.json",
    log:
        "results/logs/{unreleased}/release.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        spec=section("data"),
        folder=subpath(output.manifest, parent=True),
    shell:
        "ssmttm release --folder {params.folder:q} --out {output.manifest:q} --spec {params.spec:q} > {log:q} 2>&1"
