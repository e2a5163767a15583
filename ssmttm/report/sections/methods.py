"""The methods section: plain sentences from the configuration that ran and what the runs recorded."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ssmttm.licenses.elements import SWITCHES
from ssmttm.numbers import (
    REFERENCE_NAMES,
    budget_name,
    listed,
    metric_name,
    millions,
    minus,
    plural,
    power_of_ten,
    significant,
)
from ssmttm.report.scoreboard import run_rows, runs_by_budget
from ssmttm.report.sections.corpus import Corpus, usable
from ssmttm.report.sections.every_score import audio_text
from ssmttm.study.folder import Study
from ssmttm.study.rows import SystemScore, rows_of

Settings = Mapping[str, Any]
"""A section of the configuration."""

_CAPTIONS = {
    "sentence": "one sentence each",
    "tags": "lists of tags",
    "paragraph": "short paragraphs",
    "mixed": "sentences, tags and paragraphs in turn",
}

_VOCALS = {
    "keep": "Clips with voices were kept",
    "drop": "Clips in which voices were heard were dropped",
    "separate": "Voices were removed by source separation",
}


@dataclass(frozen=True)
class Paragraph:
    """A heading with its text."""

    heading: str
    text: str


def paragraphs(study: Study, corpus: Corpus, settings: Settings) -> list[Paragraph]:
    """The methods; `settings` are the `data`, `generation` and `evaluation` of the configuration."""
    data = settings["data"]
    sentences = {
        "Music": _music(data, corpus),
        "License policy": _policy(data["license"]),
        "Clips and splits": _clips(data, corpus),
        "Captions and text encoder": _captions(data),
        "Audio codec": _codec(data, study),
        "Models": _models(study),
        "Training": _training(study),
        "Machine": _machine(study),
        "Budgets": _budgets(study),
        "Generation": _generation(settings["generation"]),
        "Scores": _scores(study),
        "Intervals": _intervals(study, settings["evaluation"]),
    }
    return [Paragraph(heading, " ".join(filter(None, parts))) for heading, parts in sentences.items()]


def _music(data: Settings, corpus: Corpus) -> list[str]:
    sources = [_source(name, settings) for name, settings in data["sources"].items()]
    return [
        f"Data set {data['version']} was taken from {listed(sources)}.",
        f"Of {plural(corpus.candidates, 'candidate track')}, {corpus.whole.tracks:,} were kept:"
        f" {significant(corpus.whole.minutes)} minutes by {plural(corpus.whole.artists, 'artist')}.",
        "Exact duplicates and near-duplicates by audio fingerprint, from a similarity of "
        f"{data['duplicates']['similarity']:g} on, are in no split.",
    ]


def _source(name: str, settings: Settings) -> str:
    packages = settings.get("packages")
    return f"{name} ({listed(list(packages))})" if packages else name


_RESERVED = {
    "reject": "Tracks whose evidence reserves machine learning were refused.",
    "keep": "Tracks whose evidence reserves machine learning were not refused.",
}


def _policy(license: Settings) -> list[str]:
    allowed = usable(license)
    off = [element.upper() for element, (key, _) in SWITCHES.items() if not license[key]]
    on = [element.upper() for element, (key, _) in SWITCHES.items() if license[key]]
    return [
        "A track was used only where evidence about that very track states a license of the policy: "
        f"{listed(allowed)}.",
        f"Licenses with {' or '.join(off)} were refused." if off else "",
        f"Licenses with {' or '.join(on)} were allowed." if on else "",
        _RESERVED[license["ml_reservations"]],
        "A track without evidence, or with evidence that contradicts itself, was left out.",
    ]


def _clips(data: Settings, corpus: Corpus) -> list[str]:
    clips, split = data["clips"], data["split"]
    counts = listed([f"{part.clips:,} for {split}" for split, part in corpus.splits.items()])
    return [
        f"Tracks were cut into mono clips of {clips['seconds']:g} s at {clips['sample_rate'] / 1000:g} kHz, each "
        f"brought to {minus(format(clips['loudness_lufs'], 'g'))} LUFS (EBU R128); clips below "
        f"{minus(format(clips['silence_lufs'], 'g'))} LUFS were dropped.",
        f"{_VOCALS[data['vocals']['mode']]}.",
        f"Artists were assigned to splits by a hash, {100 * split['validation']:g} % to validation and "
        f"{100 * split['test']:g} % to test, so that no artist is in two. Clips: {counts}.",
    ]


def _captions(data: Settings) -> list[str]:
    captions, text = data["captions"], data["text"]
    rewrite = captions.get("rewrite")
    return [
        f"Captions, {_CAPTIONS.get(captions['style'], captions['style'])}, were written from musical analysis and at "
        f"most {plural(captions['tags'], 'tag')} of musicnn with a probability of {captions['tag_threshold']:g} or "
        "more.",
        f"They were reworded by the language model {rewrite['model']}." if rewrite else "",
        f"The frozen text encoder is {_named(text['encoder'], text)}, for at most {text['max_tokens']} tokens.",
    ]


def _named(name: str, settings: Settings) -> str:
    return f"{name} ({settings['model']})" if settings.get("model") else name


def _codec(data: Settings, study: Study) -> list[str]:
    codec = data["codec"]
    levels = sorted({s["model"]["codebooks"] for s in study.specs.values()})
    return [
        f"Clips were turned into tokens by the codec {_named(codec['name'], codec)} with "
        f"{plural(codec['codebooks'], 'codebook')} of {codec['codebook_size']:,} codes; the models predict the first "
        f"{listed([str(v) for v in levels])} of them in the delay pattern."
    ]


def _models(study: Study) -> list[str]:
    found = []
    for name, group in run_rows(study["comparison"]).groupby("variant", sort=False):
        spec = study.specs[group["system"].iloc[0]]["variant"]
        layer, layers = spec["feedforward"], spec.get("attention_layers")
        forward = "no feed-forward layer" if layer == "none" else f"a {layer} feed-forward layer"
        attention = f", attention in layers {listed(list(map(str, layers)))}" if layers else ""
        conditioning = "a prefix" if spec["conditioning"] == "prefix" else "cross-attention"
        sizes = listed([millions(p) for p in sorted(set(group["parameters"]), reverse=True)])
        found.append(
            f"{name}: {spec['mixer']} mixer with {forward}{attention}, text by {conditioning}, {sizes} parameters."
        )
    return found


def _training(study: Study) -> list[str]:
    specs = study.specs.values()

    def values(key: str, form: str = "{:g}") -> str:
        """One setting of the training, or all of them where runs differ."""
        return listed([form.format(v) for v in dict.fromkeys(spec["training"][key] for spec in specs)])

    smoothing, average = (any(s["training"][key] for s in specs) for key in ("label_smoothing", "ema_decay"))
    return [
        f"Models were trained by AdamW with a learning rate that rises to {values('learning_rate')} over "
        f"{values('warmup_steps')} steps and then falls along a cosine, to {values('minimum_learning_rate')} at the "
        f"end of the run’s own budget. Weight decay was {values('weight_decay')}, and gradients were clipped at "
        f"{values('gradient_clip')}.",
        f"Batches had {values('batch_size')} clips, in {values('precision', '{}')}.",
        f"Label smoothing was {values('label_smoothing')}." if smoothing else "",
        f"The model is an average of the weights with decay {values('ema_decay')}." if average else "",
        f"Captions were dropped with probability {values('caption_dropout')}, words of them masked with "
        f"{values('word_dropout')}.",
        f"Seeds of training: {listed([str(v) for v in sorted({s['seed'] for s in specs})])}.",
    ]


def _machine(study: Study) -> list[str]:
    """What the runs were trained on, and what another processor would give."""
    places = []
    for run in study.summary["runs"].values():
        manifest = run["manifest"]
        device = "" if manifest["device"] == "cpu" else f"{manifest['device']}, with the processor "
        places.append(
            f"{device}{manifest['machine']['cpu']}, {manifest['instruction_set']} instructions, torch "
            f"{manifest['packages']['torch']}, {plural(manifest['threads'], 'thread')}"
        )
    return [
        f"Runs were trained on {'; '.join(dict.fromkeys(places))}.",
        "There, with the same packages and threads, they repeat exactly. Another processor rounds differently, and a "
        "codec that is fitted there may have other codes: losses and scores then differ by more than rounding.",
    ]


def _budgets(study: Study) -> list[str]:
    groups = runs_by_budget(study["comparison"])
    spent = [run.flops_spent or 0.0 for _, runs in groups for run in runs]
    named = listed([f"{plural(len(runs), 'run')} with {budget_name(*budget)}" for budget, runs in groups])
    span = " to ".join(power_of_ten(v) for v in dict.fromkeys((min(spent), max(spent))))
    return [
        f"{named}.",
        f"FLOPs are counted from the models’ own formulas, forward and backward; the runs spent {span} of them.",
    ]


def _generation(settings: Settings) -> list[str]:
    guidance = settings["guidance"]
    guided = f"classifier-free guidance of {guidance:g}" if guidance != 1 else "no classifier-free guidance"
    return [
        f"Each model made one clip for each of {plural(settings['prompts'], 'held-out caption')}, sampled at "
        f"temperature {settings['temperature']:g} from the {settings['top_k']:,} likeliest codes with {guided}, "
        f"seed {settings['seed']}."
    ]


def _scores(study: Study) -> list[str]:
    table, prompts = study["comparison"], study.summary["evaluation"].get("prompts") or {}
    names = listed([metric_name(m) for m in dict.fromkeys(table["metric"])])
    runs = table[table["kind"] == "run"].drop_duplicates(["clip_s", "sample_rate", "channels"])
    audio = listed([audio_text(score) for score in rows_of(runs, SystemScore)])
    references = listed([REFERENCE_NAMES[r] for r in dict.fromkeys(table["reference"])])
    return [
        f"Scores are {names}, on embeddings of {listed(study.embedders)}, each against {references}.",
        f"Captions come from {'the test split' if prompts['set'] == 'test' else prompts['set']}." if prompts else "",
        f"The runs’ clips: {audio}.",
        "Definitions and backends are listed with the scores.",
    ]


def _intervals(study: Study, evaluation: Settings) -> list[str]:
    paired = (
        "Two runs under one budget are compared on the same captions, with an interval of the difference and a p-value "
        "adjusted by Holm’s method for all such pairs; fits redraw the captions of all their points together."
        if len(study["differences"])
        else ""
    )
    table = study["comparison"]
    without = [metric_name(metric) for metric, rows in table.groupby("metric", sort=False) if rows["low"].isna().all()]
    return [
        f"Intervals cover {100 * evaluation['confidence']:g} %, from "
        f"{plural(evaluation['bootstrap'], 'bootstrap resample')} over captions, seed {evaluation['seed']}.",
        f"{listed(without)}: no interval and no test, since none is known to be valid." if without else "",
        paired,
        "The seeds table averages over seeds of training."
        if len(study["seeds"])
        else "They don’t cover how a run would differ under another seed of training.",
    ]
