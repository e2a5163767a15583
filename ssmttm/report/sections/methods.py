"""The methods section: plain sentences from the configuration that ran and what the runs recorded."""

from typing import Any

from ssmttm.licenses.elements import SWITCHES
from ssmttm.numbers import (
    REFERENCE_NAMES,
    budget_name,
    listed,
    metric_name,
    millions,
    plural,
    power_of_ten,
    significant,
)
from ssmttm.report.inputs import Study
from ssmttm.report.scoreboard import run_facts
from ssmttm.report.sections.corpus import usable
from ssmttm.report.sections.every_score import audio_text

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


def paragraphs(study: Study, corpus: dict[str, Any], settings: dict[str, Any]) -> list[dict[str, str]]:
    """Headings with their text; `settings` are the `data`, `generation` and `evaluation` of the configuration."""
    specs = {name: run["manifest"]["spec"] for name, run in study.summary["runs"].items()}
    data = settings["data"]
    written = [
        ("Music", _music(data, corpus)),
        ("License policy", _policy(data["license"])),
        ("Clips and splits", _clips(data, corpus)),
        ("Captions and text encoder", _captions(data)),
        ("Audio codec", _codec(data, specs)),
        ("Models", _models(study, specs)),
        ("Training", _training(specs)),
        ("Machine", _machine(study)),
        ("Budgets", _budgets(study)),
        ("Generation", _generation(settings["generation"])),
        ("Scores", _scores(study)),
        ("Intervals", _intervals(study, settings["evaluation"])),
    ]
    return [{"heading": heading, "text": " ".join(filter(None, sentences))} for heading, sentences in written]


def _music(data: dict[str, Any], corpus: dict[str, Any]) -> list[str]:
    sources = [_source(name, settings) for name, settings in data["sources"].items()]
    fraction = "near-duplicates by audio fingerprint, from a similarity of"
    return [
        f"Data set {data['version']} was taken from {listed(sources)}.",
        f"Of {plural(corpus['candidates'], 'candidate track')}, {corpus['tracks']:,} were kept:"
        f" {significant(corpus['minutes'])} minutes by {plural(corpus['artists'], 'artist')}.",
        f"Exact duplicates and {fraction} {data['duplicates']['similarity']:g} on, are in no split.",
    ]


def _source(name: str, settings: dict[str, Any]) -> str:
    packages = settings.get("packages")
    return f"{name} ({listed(list(packages))})" if packages else name


_RESERVED = {
    "reject": "Tracks whose evidence reserves machine learning were refused.",
    "keep": "Tracks whose evidence reserves machine learning were not refused.",
}


def _policy(license: dict[str, Any]) -> list[str]:
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


def _clips(data: dict[str, Any], corpus: dict[str, Any]) -> list[str]:
    clips, split = data["clips"], data["split"]
    counts = listed([f"{s['clips']:,} for {s['split']}" for s in corpus["splits"]])
    return [
        f"Tracks were cut into mono clips of {clips['seconds']:g} s at {clips['sample_rate'] / 1000:g} kHz, each "
        f"brought to {_signed(clips['loudness_lufs'])} LUFS (EBU R128); clips below "
        f"{_signed(clips['silence_lufs'])} LUFS were dropped.",
        f"{_VOCALS[data['vocals']['mode']]}.",
        f"Artists were assigned to splits by a hash, {100 * split['validation']:g} % to validation and "
        f"{100 * split['test']:g} % to test, so that no artist is in two. Clips: {counts}.",
    ]


def _signed(value: float) -> str:
    return f"{value:g}".replace("-", "−")


def _captions(data: dict[str, Any]) -> list[str]:
    captions, text = data["captions"], data["text"]
    rewrite = captions.get("rewrite")
    return [
        f"Captions, {_CAPTIONS.get(captions['style'], captions['style'])}, were written from musical analysis and at "
        f"most {plural(captions['tags'], 'tag')} of musicnn with a probability of {captions['tag_threshold']:g} or "
        "more.",
        f"They were reworded by the language model {rewrite['model']}." if rewrite else "",
        f"The frozen text encoder is {_named(text['encoder'], text)}, for at most {text['max_tokens']} tokens.",
    ]


def _named(name: str, settings: dict[str, Any]) -> str:
    return f"{name} ({settings['model']})" if settings.get("model") else name


def _codec(data: dict[str, Any], specs: dict[str, Any]) -> list[str]:
    codec = data["codec"]
    levels = sorted({s["model"]["codebooks"] for s in specs.values()})
    return [
        f"Clips were turned to tokens by the codec {_named(codec['name'], codec)} with "
        f"{plural(codec['codebooks'], 'codebook')} of {codec['codebook_size']:,} codes; the models predict the first "
        f"{listed([str(v) for v in levels])} of them in the delay pattern."
    ]


def _models(study: Study, specs: dict[str, Any]) -> list[str]:
    runs = run_facts(study["comparison"])
    told = []
    for name, group in runs.groupby("variant", sort=False):
        spec = specs[group["system"].iloc[0]]["variant"]
        forward = (
            "no feed-forward layer" if spec["feedforward"] == "none" else f"a {spec['feedforward']} feed-forward layer"
        )
        sizes = listed([millions(p) for p in sorted(set(group["parameters"]), reverse=True)])
        attention = (
            f", attention in layers {listed(list(map(str, spec['attention_layers'])))}"
            if spec.get("attention_layers")
            else ""
        )
        told.append(
            f"{name}: {spec['mixer']} mixer with {forward}{attention}, text by "
            f"{'a prefix' if spec['conditioning'] == 'prefix' else 'cross-attention'}, {sizes} parameters."
        )
    return told


def _values(specs: dict[str, Any], key: str, form: str = "{:g}") -> str:
    """One setting of the training, or all of them where runs differ."""
    values = list(dict.fromkeys(s["training"][key] for s in specs.values()))
    return listed([form.format(v) for v in values])


def _training(specs: dict[str, Any]) -> list[str]:
    smoothing = any(s["training"]["label_smoothing"] for s in specs.values())
    average = any(s["training"]["ema_decay"] for s in specs.values())
    return [
        f"Models were trained by AdamW with a learning rate that rises to {_values(specs, 'learning_rate')} over "
        f"{_values(specs, 'warmup_steps')} steps and then falls along a cosine, to "
        f"{_values(specs, 'minimum_learning_rate')} at the end of the run’s own budget. Weight decay was "
        f"{_values(specs, 'weight_decay')}, and gradients were clipped at {_values(specs, 'gradient_clip')}.",
        f"Batches had {_values(specs, 'batch_size')} clips, in {_values(specs, 'precision', '{}')}.",
        f"Label smoothing was {_values(specs, 'label_smoothing')}." if smoothing else "",
        f"The model is an average of the weights with decay {_values(specs, 'ema_decay')}." if average else "",
        f"Captions were dropped with probability {_values(specs, 'caption_dropout')}, words of them masked with "
        f"{_values(specs, 'word_dropout')}.",
        f"Seeds of training: {listed([str(v) for v in sorted({s['seed'] for s in specs.values()})])}.",
    ]


def _machine(study: Study) -> list[str]:
    """What the runs were trained on, and what another processor would give."""
    told = []
    for run in study.summary["runs"].values():
        manifest = run["manifest"]
        place = "" if manifest["device"] == "cpu" else f"{manifest['device']}, with the processor "
        told.append(
            f"{place}{manifest['machine']['cpu']}, {manifest['instruction_set']} instructions, torch "
            f"{manifest['packages']['torch']}, {plural(manifest['threads'], 'thread')}"
        )
    return [
        f"Runs were trained on {'; '.join(dict.fromkeys(told))}.",
        "There, with the same packages and threads, they repeat exactly. Another processor rounds differently, and a "
        "codec that is fitted there may have other codes: losses and scores then differ by more than rounding.",
    ]


def _budgets(study: Study) -> list[str]:
    runs = run_facts(study["comparison"])
    groups = runs.groupby(["budget_kind", "budget"], sort=False)
    told = [f"{plural(len(group), 'run')} with {budget_name(*budget)}" for budget, group in groups]
    low, high = float(runs["flops_spent"].min()), float(runs["flops_spent"].max())
    spent = power_of_ten(low) if low == high else f"{power_of_ten(low)} to {power_of_ten(high)}"
    return [
        f"{listed(told)}.",
        f"FLOPs are counted from the models’ own formulas, forward and backward; the runs spent {spent} of them.",
    ]


def _generation(settings: dict[str, Any]) -> list[str]:
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
    audio = listed([audio_text(r) for r in runs.itertuples()])
    references = listed([REFERENCE_NAMES[r] for r in dict.fromkeys(table["reference"])])
    return [
        f"Scores are {names}, on embeddings of {listed(study.embedders)}, each against {references}.",
        f"Captions come from {'the test split' if prompts['set'] == 'test' else prompts['set']}." if prompts else "",
        f"The runs’ clips: {audio}.",
        "Definitions and backends are listed with the scores.",
    ]


def _intervals(study: Study, evaluation: dict[str, Any]) -> list[str]:
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
