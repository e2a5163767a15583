# Runs of one study are compared with one another; all studies share one page.


rule compare:
    input:
        curves=lambda wildcards: expand("results/runs/{run}/curve.parquet", run=STUDIES[wildcards.study]),
        manifests=lambda wildcards: expand("results/runs/{run}/manifest.json", run=STUDIES[wildcards.study]),
        scores=lambda wildcards: [f for run in STUDIES[wildcards.study] for f in run_scores(run)],
        baselines=[f for name in evaluation.systems_of(CONFIG) for f in scores(f"baselines/{VERSION}/{name}")],
    output:
        tables=expand("results/studies/{{study}}/{name}.parquet", name=evaluation.STUDY_TABLES),
        csv=report("results/studies/{study}/comparison.csv", category="Comparison", labels={"study": "{study}"}),
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
        runs=lambda wildcards: [
            f"{option}={value}"
            for run in STUDIES[wildcards.study]
            for option, value in (("--runs", f"results/runs/{run}"), ("--sizes", RUNS[run]["size"]))
        ],
        baselines=[f"--baselines=results/baselines/{VERSION}/{name}" for name in evaluation.systems_of(CONFIG)],
        folder=subpath(output.summary, parent=True),
    shell:
        "ssmttm compare --study {wildcards.study} {params.runs:q} {params.baselines:q} --out {params.folder:q}"
        " --spec {params.spec:q} > {log:q} 2>&1"


rule claims:
    output:
        "results/claims.json",
    log:
        "results/logs/claims.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=3000,
        runtime=30,
    params:
        spec=settings("claims"),
        code=code("claims", mixer=("attention", "mamba2")),
    shell:
        "ssmttm claims --out {output:q} --spec {params.spec:q} > {log:q} 2>&1"


rule report:
    input:
        claims="results/claims.json",
        tables=expand("results/studies/{study}/{name}.parquet", study=STUDIES, name=evaluation.STUDY_TABLES),
        summaries=expand("results/studies/{study}/summary.json", study=STUDIES),
        audio=expand("results/{system}/generated/final.parquet", system=SYSTEMS),
        references=expand(f"results/references/{VERSION}/{PROMPTS['set']}.{{embedder}}.safetensors", embedder=EMBEDDERS),
        dataset=ancient(f"results/data/{VERSION}/dataset.json"),
        licensed=ancient(f"results/data/{VERSION}/licensed.parquet"),
        rejected=ancient(f"results/data/{VERSION}/rejected.parquet"),
        duplicates=ancient(f"results/data/{VERSION}/duplicates.parquet"),
    output:
        page=report("results/report.html", category="Report"),
        figures=report(
            directory(expand("results/studies/{study}/figures", study=STUDIES)),
            patterns=["{figure}.svg"],
            category="Figures",
        ),
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
        "ssmttm report {params.studies:q} --data {params.data:q} --claims {input.claims:q} --out {output.page:q}"
        " --spec {params.spec:q} > {log:q} 2>&1"


# The name of a study is a target: its comparison.
for study in STUDIES:

    rule:
        name:
            study
        input:
            f"results/studies/{study}/comparison.parquet",
