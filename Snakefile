from snakemake.utils import min_version

min_version("9.27")


configfile: "config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/tune.smk"
include: "workflow/rules/vocoder.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/report.smk"


rule all:
    default_target: True
    input:
        PAGE,
        *map(study_products, TABLE.own),


onstart:
    cluster.check_cluster(workflow, logger.info)


onsuccess:
    planning.check_finished(workflow)
    planning.tell_last_words(workflow, "page", logger.info)
