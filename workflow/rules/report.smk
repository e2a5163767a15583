# Runs of one study are compared with one another; all studies share one page.


rule compare:
    input:
        curves=lambda wildcards: expand("results/runs/{run}/curve.parquet", run=STUDIES[wildcards.study]),
        manifests=lambda wildcards: expand("results/runs/{run}/manifest.json", run=STUDIES[wildcards.study]),
        scores=lambda wildcards: [f for run in STUDIES[wildcards.study] for f in scores(f"runs/{run}")],
        baselines=[f for name in spec.BASELINES for f in scores(f"baselines/{VERSION}/{name}")],
    output:
        table="results/studies/{study}/comparison.parquet",
        csv=report("results/studies/{study}/comparison.csv", category="Comparison", labels={"study": "{study}"}),
        curves="results/studies/{study}/curves.parquet",
        summary="results/studies/{study}/summary.json",
    log:
        "results/logs/{study}/compare.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        spec=settings("compare"),
        code=code("compare"),
        runs=lambda wildcards: [f"--runs=results/runs/{run}" for run in STUDIES[wildcards.study]],
        baselines=[f"--baselines=results/baselines/{VERSION}/{name}" for name in spec.BASELINES],
        folder=subpath(output.table, parent=True),
    shell:
        "ssmttm compare --study {wildcards.study} {params.runs:q} {params.baselines:q} --out {params.folder:q}"
        " --spec {params.spec:q} > {log:q} 2>&1"


rule report:
    input:
        tables=expand("results/studies/{study}/comparison.parquet", study=STUDIES),
        curves=expand("results/studies/{study}/curves.parquet", study=STUDIES),
        summaries=expand("results/studies/{study}/summary.json", study=STUDIES),
        audio=expand("results/{system}/generated/final.parquet", system=SYSTEMS),
        dataset=ancient(f"results/data/{VERSION}/dataset.json"),
        licensed=ancient(f"results/data/{VERSION}/licensed.parquet"),
        rejected=ancient(f"results/data/{VERSION}/rejected.parquet"),
        duplicates=ancient(f"results/data/{VERSION}/duplicates.parquet"),
    output:
        "results/report.html",
    log:
        "results/logs/report.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=3000,
        runtime=30,
    params:
        spec=settings("report"),
        code=code("report"),
        studies=[f"--studies=results/studies/{study}" for study in STUDIES],
        data=subpath(input.dataset, parent=True),
    shell:
        "ssmttm report {params.studies:q} --data {params.data:q} --out {output:q}"
        " --spec {params.spec:q} > {log:q} 2>&1"


# The name of a study is a target: its comparison.
for study in STUDIES:

    rule:
        name:
            study
        input:
            f"results/studies/{study}/comparison.parquet",
