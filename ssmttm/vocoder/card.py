"""The model card of a trained vocoder, as Markdown: what it is, what it heard, what it cost, how good it is."""

from collections.abc import Mapping, Sequence
from typing import Any

_TEMPLATE = """# Vocoder for the spectral codec

Log-mel frames ({bands} bands, {fft}-point FFT, hop {hop}, {rate} Hz) to audio: a ConvNeXt of {layers} blocks that
predicts each frame's spectrum, after Vocos (Siuzdak 2023, arXiv 2306.00814), in this project's own code.
{parameters:,} parameters in half precision. It was trained on mel frames of codes as well as on clean ones, so that it
mends quantization. {dither}

File `vocoder.safetensors`, SHA-256 `{sha256}`. Codec: `{codec}`.

## Trained on

Openly licensed music alone: {clips} clips of {seconds:g} s, {hours:.1f} hours, of the data set `{version}`, by
{artists}.

Licenses of the tracks: {licenses}. Their credits are at the end. The licenses, share-alike among them, are of the
recordings. Whether they bear on weights that were trained on recordings is not settled law; this card takes no
position, and names everything the network has heard.

Held out, and never heard in training: {held_out}.

## Training

{steps:,} optimizer steps of {batch} examples of {crop} mel frames, {device_hours:.1f} hours on {device} with
{threads} thread(s), {flops:.2e} FLOPs. Discriminator from step {adversarial_from:,} on. Seed {seed}, commit {commit}.

{curve}

On all {test_clips} held-out test clips at the end, from codes of all levels: {test}.

## Measured

{figures}

## To train it again

```
snakemake --cores 2 vocoder --configfile workflow/presets/vocoder/config.yaml
```

It goes on where it was stopped. Settings, versions of packages and hashes are in `manifest.json`.

## Limits

Mono. It heard few artists, and hardly any singing: voices may sound rougher. Other mel frames, and codecs other than
`spectral`, are refused.

## Credits

{credits}
"""


def model_card(
    manifest: Mapping[str, Any], curve: Sequence[Mapping[str, Any]], figures: Mapping[str, Any] | None
) -> str:
    """The card of the vocoder whose training left `manifest` and `curve` (rows of the table `curve`).

    `figures` is what benchmarks/vocoder.py writes: `columns`, `rows` of cells and a `note`; None if nothing was
    measured yet.
    """
    spec, data, parts = manifest["spec"], manifest["dataset"], list(manifest["spectral_parts"])
    clips, mel = manifest["clips"]["train"], manifest["mel"]
    return _TEMPLATE.format(
        **mel,
        rate=mel["sample_rate"],
        layers=spec["vocoder"]["layers"],
        parameters=manifest["parameters_by_group"]["vocoder"],
        sha256=manifest["sha256"]["vocoder.safetensors"],
        codec=manifest["codec"],
        dither=_dither(spec["vocoder"]["dither"]),
        clips=clips,
        seconds=manifest["seconds_of_clip"],
        hours=clips * manifest["seconds_of_clip"] / 3600,
        version=data["version"],
        artists=_counted(data["artists"]["train"], "clips"),
        licenses=_counted(data["licenses"], "tracks"),
        held_out=_counted(data["artists"]["test"], "clips"),
        steps=manifest["steps"],
        batch=spec["training"]["batch_size"],
        crop=spec["vocoder"]["crop"],
        device_hours=manifest["device_hours"],
        device=manifest["device"],
        threads=manifest["threads"],
        flops=manifest["flops_spent"],
        adversarial_from=spec["vocoder"]["adversarial_from"],
        seed=spec["seed"],
        commit=manifest["commit"] or "unknown",
        curve=_curve(curve, parts),
        test_clips=manifest["test_clips"],
        test=", ".join(f"{part} {loss:.3f}" for part, loss in zip(parts, manifest["test_part_losses"])),
        figures=_measured(figures),
        credits="\n".join(f"- {credit}" for credit in data["credits"]),
    )


def _dither(strength: float) -> str:
    if not strength:
        return "It adds no dither."
    return (
        f"When it makes audio, dither is added to mel frames: noise of {strength:g} times the size of what codes of "
        "all levels leave out of them, and with its covariance."
    )


def _counted(counts: Mapping[str, int], what: str) -> str:
    """`ada (12 clips), bob (3)`, most first."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{name} ({count}{f' {what}' if i == 0 else ''})" for i, (name, count) in enumerate(ordered))


def _curve(curve: Sequence[Mapping[str, Any]], parts: Sequence[str]) -> str:
    """The losses on validation clips, a row each time they were computed."""
    rows = [
        [
            str(row["step"]),
            f"{row['seconds'] / 3600:.2f}",
            *(f"{x:.3f}" for x in row["validation_part_losses"][: len(parts)]),
        ]
        for row in curve
        if row["validation_part_losses"]
    ]
    return _table(["step", "hours", *(f"validation {part}" for part in parts)], rows)


def _measured(figures: Mapping[str, Any] | None) -> str:
    if figures is None:
        return "Not measured yet: `python benchmarks/vocoder.py --help`."
    return f"{_table(figures['columns'], figures['rows'])}\n\n{figures['note']}"


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
