"""A clip's row of the table `captions`: analyzed, captioned by templates, perhaps to be reworded by a model."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from ssmttm.audio.coded import decode_audio, encode_audio, resample
from ssmttm.captions import features, stated, styles, tags
from ssmttm.captions.facts import Facts
from ssmttm.captions.features import Features
from ssmttm.captions.rewrite import TEMPLATE, Rewriter
from ssmttm.rows import CaptionRow, Clip, LicensedRow
from ssmttm.seeds import stable_int
from ssmttm.settings import Analyzer, CaptionSettings

_LISTENING_RATE = 16000
"""Hz: what models that listen hear."""

Reworded = Future[tuple[str, str]]
"""A caption, and who wrote it."""


@dataclass(frozen=True)
class Heard:
    """What is measured of a clip, and how likely each of musicnn's tags is."""

    features: Features
    tags: Mapping[str, float]


def listen(clip: Clip, analyzer: Analyzer) -> Heard:
    """Analyze one clip; about 0.5 s of one core for 10 s of audio."""
    wave, sample_rate = decode_audio(clip["audio"]["bytes"])
    return Heard(features.analyze(wave, sample_rate, analyzer), tags.hear(wave, sample_rate))


def of_track(clips: Sequence[Heard]) -> dict[str, float]:
    """How likely each tag is of a track, as the mean over its clips."""
    return {tag: sum(clip.tags[tag] for clip in clips) / len(clips) for tag in clips[0].tags}


def caption(
    clip: Clip,
    track: LicensedRow,
    heard: Heard,
    whole: Mapping[str, float],
    settings: CaptionSettings,
    seed: int,
    rewriter: Rewriter | None,
) -> tuple[CaptionRow, Reworded | None]:
    """The row of `clip`, and what later replaces its caption, if a model is asked.

    `heard` is of the clip, `whole` of its track; stated genre and artist are the track's.
    """
    clip_seed = stable_int("caption", seed, clip["clip_id"])
    analysis: dict[str, Any] = asdict(heard.features)
    measured = analysis | {"tempo": Facts(clip["duration_s"], **analysis).tempo is not None}
    likely = tags.evident(heard.tags, whole, measured, settings["tags"], settings["tag_threshold"])
    genres, given = stated.stated_genres(track["tags"], track["artist"]), stated.stated_tags(track["tags"])
    known = {*genres, *given, *(word for genre in genres for word in genre.split())}  # space rock is rock
    likely = [t for t in likely if t not in known and not any(tags.contradict(t, s) for s in known)]
    facts = Facts(clip["duration_s"], tuple(given + likely), tuple(genres), **analysis)
    texts = styles.write_all(facts, clip_seed)
    style = styles.choose_style(settings["style"], clip["clip_id"], seed)
    row: CaptionRow = {
        "clip_id": clip["clip_id"],
        "track_id": clip["track_id"],
        "caption": texts[style],
        "styles": [{"style": name, "text": text} for name, text in texts.items()],
        "written_by": TEMPLATE,
        "tags": genres + given + likely,
        "loudness_lufs": clip["loudness_lufs"],
        **analysis,  # type: ignore[typeddict-item]  # the fields of Features
    }
    if rewriter is None or style == "tags":
        return row, None
    audio = clip["audio"]["bytes"], partial(_listenable, clip["audio"]["bytes"])
    return row, rewriter.submit(facts, style, texts[style], clip_seed, audio)


def _listenable(stored: bytes) -> bytes:
    wave, sample_rate = decode_audio(stored)
    return encode_audio(resample(wave, sample_rate, _LISTENING_RATE), _LISTENING_RATE, "WAV")
