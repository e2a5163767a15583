"""A clip's row of the table `captions`: analyzed, captioned by templates, perhaps to be reworded by a model."""

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np

from ssmttm.audio.coded import decode_audio, encode_audio, resample
from ssmttm.captions import features, stated, styles, tags
from ssmttm.captions.facts import Facts
from ssmttm.captions.rewrite import TEMPLATE, Rewriter
from ssmttm.rows import CaptionRow, Clip, LicensedRow
from ssmttm.seeds import stable_int
from ssmttm.settings import CaptionSettings

_LISTENING_RATE = 16000
"""Hz: what models that listen hear."""

Reworded = Future[tuple[str, str]]
"""A caption, and who wrote it."""


def caption(
    clip: Clip, track: LicensedRow, settings: CaptionSettings, seed: int, rewriter: Rewriter | None
) -> tuple[CaptionRow, Reworded | None]:
    """The row of `clip`, and what later replaces its caption, if a model is asked; genre and artist are the track's."""
    clip_seed = stable_int("caption", seed, clip["clip_id"])
    wave, sample_rate = decode_audio(clip["audio"]["bytes"])
    analysis: Mapping[str, Any] = asdict(features.analyze(wave, sample_rate))
    heard = tags.choose(tags.hear(wave, sample_rate), settings["tags"], settings["tag_threshold"])
    genres, given = stated.stated_genres(track["tags"], track["artist"]), stated.stated_tags(track["tags"])
    known = {*genres, *given, *(word for genre in genres for word in genre.split())}  # space rock is rock
    heard = [t for t in heard if t not in known and not any(tags.contradict(t, s) for s in known)]
    facts = Facts(clip["duration_s"], tuple(given + heard), tuple(genres), **analysis)
    if facts.tempo:  # a measured tempo overrules those of the tags
        heard = [t for t in heard if t not in ("slow", "fast")]
        given = [t for t in given if t not in ("slow", "fast")]
    texts = styles.write_all(facts, clip_seed)
    style = styles.choose_style(settings["style"], clip["clip_id"], seed)
    row: CaptionRow = {
        "clip_id": clip["clip_id"],
        "track_id": clip["track_id"],
        "caption": texts[style],
        "styles": [{"style": name, "text": text} for name, text in texts.items()],
        "written_by": TEMPLATE,
        "tags": genres + given + heard,
        "loudness_lufs": clip["loudness_lufs"],
        **analysis,  # type: ignore[typeddict-item]  # the fields of Features
    }
    if rewriter is None or style == "tags":
        return row, None
    audio = clip["audio"]["bytes"], partial(_listenable, wave, sample_rate)
    return row, rewriter.submit(facts, style, texts[style], clip_seed, audio)


def _listenable(wave: np.ndarray, sample_rate: int) -> bytes:
    return encode_audio(resample(wave, sample_rate, _LISTENING_RATE), _LISTENING_RATE, "WAV")
