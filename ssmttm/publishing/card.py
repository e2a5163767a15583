"""The model card of an exported run: README.md with the front matter that Hugging Face reads."""

from collections.abc import Mapping, Sequence
from typing import Any

from huggingface_hub import EvalResult, ModelCardData
from jinja2 import Environment, PackageLoader, StrictUndefined

from ssmttm.dataset.attribution import escape
from ssmttm.dataset.heard import Heard
from ssmttm.publishing.scores import Line


def model_card(
    manifest: Mapping[str, Any],
    second: Mapping[str, Any] | None,
    heard: Heard,
    scores: Sequence[Line],
    study: str,
    precision: str,
    folder: str,
    vocoder: str,
    made_by: str,
) -> str:
    """README.md of a run.

    `manifest` is the run's, `second` its refiner.json, None for one stage; `scores` are those of the study titled
    `study`; `folder` is the one that the card stands in, `vocoder` is the config's
    `generation.vocoder`, `made_by` the program's version.
    """
    spec, stages = manifest["spec"], [manifest] if second is None else [manifest, second]
    front = ModelCardData(
        library_name="ssmttm",
        pipeline_tag="text-to-audio",
        tags=["music", "text-to-music", spec["variant"]["mixer"]],
        language="en",
        license="other",
        license_name="see-trained-on",
        model_name=manifest["run"] if scores else None,
        eval_results=[_result(line, spec["data"]["version"]) for line in scores] or None,
    )
    environment = Environment(  # plain text: `escape` makes Markdown of what strangers wrote
        loader=PackageLoader("ssmttm", "publishing"),
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["markdown"] = escape
    clips, seconds = manifest["clips"]["train"], spec["data"]["seconds"]
    return environment.get_template("card.md.j2").render(
        front=front.to_yaml(line_break="\n"),
        name=manifest["run"],
        parameters=sum(stage["parameters"] for stage in stages),
        variant=spec["variant"],
        model=spec["model"],
        manifest=manifest,
        second=second,
        made_by=made_by,
        folder=folder,
        vocoder=vocoder,
        precision=precision,
        hours=clips * seconds / 3600,
        artists=heard.artists["train"],
        rate=spec["data"]["sample_rate"],
        seconds=seconds,
        scores=scores,
        study=study,
        clips=clips,
        version=spec["data"]["version"],
        licenses=heard.licenses,
        counted=_counted,
        flops=sum(stage["flops_spent"] for stage in stages),
        device_hours=sum(stage["device_hours"] for stage in stages),
    )


def _result(line: Line, version: str) -> EvalResult:
    """A score as the Hub lists it."""
    return EvalResult(
        task_type="text-to-audio",
        dataset_type=version,
        dataset_name=f"{version}, split test",
        metric_type=line.metric,
        metric_value=line.value,
        metric_name=line.what,
    )


def _counted(counts: Mapping[str, int], what: str) -> str:
    """`ada (12 clips), bob (3)` as Markdown, most first."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    parts = [f"{escape(name)} ({count}{f' {what}' if i == 0 else ''})" for i, (name, count) in enumerate(ordered)]
    return ", ".join(parts)
