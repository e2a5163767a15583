# Runs of one study are compared with one another, and each study has a page.


rule compare:
    input:
        models=lambda wildcards: [file for run in STUDIES[wildcards.study] for file in stage_files(run)],
        records=lambda wildcards: [file for run in STUDIES[wildcards.study] for file in run_records(run)],
        scores=lambda wildcards: [f for run in STUDIES[wildcards.study] for f in run_scores(run)],
        baselines=[file for system in BASELINES for file in scores(system)],
        likelihoods=lambda wildcards: likelihoods(wildcards.study),
    output:
        tables=expand("results/studies/{{study}}/{name}.parquet", name=choices.STUDY_TABLES),
        csv=report(
            "results/studies/{study}/comparison.csv",
            caption="../report/comparison.rst",
            category="Comparison",
            labels={"study": "{study}", "table": "scores"},
        ),
        losses=[
            report(
                f"results/studies/{{study}}/{name}.csv",
                caption="../report/losses.rst",
                category="Comparison",
                labels={"study": "{study}", "table": name},
            )
            for name in choices.LOSS_TABLES
        ],
        summary="results/studies/{study}/summary.json",
    log:
        "results/logs/{study}/compare.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        spec=study_settings("compare"),
        code=code("compare"),
        runs=lambda wildcards, input: [
            f"{option}={value}"
            for run in STUDIES[wildcards.study]
            for option, value in (
                ("--runs", remote.beside(input.models[0], f"results/runs/{run}")),
                ("--sizes", RUNS[run]["size"]),
                ("--changes", spec.design_changes(RUNS[run]["overrides"], run)),
            )
        ],
        baselines=lambda wildcards, input: [
            f"--baselines={remote.beside(input.models[0], f'results/{system}')}" for system in BASELINES
        ],
        folder=subpath(output.summary, parent=True),
    shell:
        "ssmttm compare --study {wildcards.study} {params.runs:q} {params.baselines:q} --out {params.folder:q}"
        " --spec {params.spec:q} > {log:q} 2>&1"


rule claims:
    output:
        report("results/claims.json", caption="../report/claims.rst", category="Claims", labels={"of": "the paper"}),
    log:
        "results/logs/claims.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=3000,
        runtime=30,
    params:
        spec=settings("claims"),
        code=code("claims", mixer=("attention", "mamba2"), backbone="unet", objective="diffusion"),
    shell:
        "ssmttm claims --out {output:q} --spec {params.spec:q} > {log:q} 2>&1"


rule report:
    input:
        study_page_parts,
        claims="results/claims.json",
        summary="results/studies/{study}/summary.json",
        dataset=released(f"results/data/{VERSION}/dataset.json"),
        licensed=released(f"results/data/{VERSION}/licensed.parquet"),
        rejected=released(f"results/data/{VERSION}/rejected.parquet"),
        duplicates=released(f"results/data/{VERSION}/duplicates.parquet"),
    output:
        page=report(
            "results/studies/{study}/report.html",
            caption="../report/study_page.rst",
            category="Report",
            labels={"study": "{study}"},
        ),
        figures=report(
            directory("results/studies/{study}/figures"),
            patterns=["{figure}.svg"],
            caption="../report/figures.rst",
            category="Figures",
            labels={"study": "{study}", "figure": "{figure}"},
        ),
    log:
        "results/logs/{study}/report.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=3000,
        runtime=30,
    params:
        spec=study_settings("report"),
        code=code("report"),
        study=subpath(input.summary, parent=True),
        data=subpath(input.dataset, parent=True),
    shell:
        "ssmttm report --studies {params.study:q} --data {params.data:q} --claims {input.claims:q} --out {output.page:q}"
        " --spec {params.spec:q} > {log:q} 2>&1"


# The configured study's page once more, with links that hold where it lies.
rule page:
    input:
        page_parts,
        claims="results/claims.json",
        summary=f"results/studies/{STUDY}/summary.json",
        dataset=released(f"results/data/{VERSION}/dataset.json"),
    output:
        report(PAGE, caption="../report/page.rst", category="Report", labels={"study": f"{STUDY}, as configured"}),
    log:
        "results/logs/report.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=3000,
        runtime=30,
    params:
        spec=page_settings(),
        code=code("report"),
        study=subpath(input.summary, parent=True),
        data=subpath(input.dataset, parent=True),
    shell:
        "ssmttm report --studies {params.study:q} --data {params.data:q} --claims {input.claims:q} --out {output:q}"
        " --no-figures --spec {params.spec:q} > {log:q} 2>&1"


# The name of a study is a target: its comparison and its page.
for study in STUDIES:

    rule:
        name:
            study
        input:
            study_products(study),
