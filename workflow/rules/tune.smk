# The learning rate of each design, found before a study. The target `tune` makes one table for each of the config's own
# studies; copied to where the config's `rates` points, it is used.


rule tune_trial:
    input:
        dataset=released(f"results/data/{VERSION}/dataset.json"),
        tokens=in_folder("tokens/{shard}.parquet"),
        text=in_folder("text/{shard}.parquet"),
        splits=released(f"results/data/{VERSION}/splits.parquet"),
    output:
        "results/tune/{study}/{trial}.json",
    log:
        "results/logs/tune/{study}/{trial}.log",
    conda:
        "../../environment.yml"
    threads: trial_threads
    resources:
        mem_mb=4000,
        runtime=720,
        gpu=0,
    params:
        spec=trial_settings,
        code=trial_code,
        data=subpath(input.dataset, parent=True),
    shell:
        "ssmttm tune trial --name {wildcards.trial} --data {params.data:q} --out {output:q} --threads {threads}"
        " --cache results/cache/captions --spec {params.spec:q} > {log:q} 2>&1"


rule rates:
    input:
        trial_results,
    output:
        report(
            "results/tune/{study}/rates.tsv",
            caption="../report/rates.rst",
            category="Learning rates",
            labels={"study": "{study}"},
        ),
    log:
        "results/logs/tune/{study}/rates.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        spec=rates_settings,
        code=code("tune"),
        folder=subpath(output[0], parent=True),
    shell:
        "ssmttm tune rates --results {params.folder:q} --out {output:q} --spec {params.spec:q} 2>&1 | tee {log:q}"


rule tune:
    input:
        expand("results/tune/{study}/rates.tsv", study=TABLE.own),
