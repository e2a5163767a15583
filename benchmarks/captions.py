"""Can captions be followed: are stated tempos and keys right, and do captions differ?

Clips of many tracks are analyzed as the captions stage does it, and again by librosa's own calls: tempo from its beat
tracker (an octave off counts as an error), key from the correlation of its constant-Q chroma with the profiles of
Krumhansl and Kessler (1982). librosa errs as well, so that these figures are of agreement. What share of clips has a
tempo or a key stated is printed beside them. Then how far the two analyzers of `data.captions.analyzer` state the same
facts, and their seconds. With captions in the data set's folder: how many distinct words and captions they have.

    python benchmarks/captions.py results/data/laptop-5 [--clips 100]
"""

import argparse
import time
import warnings
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import librosa
import numpy as np

from ssmttm.audio.coded import decode_audio
from ssmttm.captions.facts import Facts
from ssmttm.captions.features import analyze
from ssmttm.captions.statistics import statistics
from ssmttm.seeds import stable_int
from ssmttm.tables import iter_rows, read_table, read_tables

NOTES = ("C", "C sharp", "D", "E flat", "E", "F", "F sharp", "G", "A flat", "A", "B flat", "B")
SAME_NOTE = {"D sharp": "E flat", "G sharp": "A flat", "A sharp": "B flat", "D flat": "C sharp", "G flat": "F sharp"}
MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
SOUNDS = {
    "brightness": ("dark", "neutral", "bright"),
    "bass": ("thin", "bass-heavy"),
    "noise": ("pure", "noisy"),
    "notes": ("sparse", "steady notes", "dense"),
    "volume": ("even", "some dynamics", "wide", "rising", "fading"),
}
MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)


def waves(folder: Path, count: int) -> Iterator[tuple[np.ndarray, int]]:
    """`count` clips: one of each track, then two, and so on, in an order by hash."""
    paths = sorted(path for path in (folder / "clips").glob("*.parquet") if "rejected" not in path.name)
    rows = read_tables(paths, "clips", ["clip_id", "track_id"]).to_pylist()
    rows.sort(key=lambda row: stable_int("benchmark", row["clip_id"]))
    turn: dict[str, int] = {}
    order = []
    for row in rows:
        turn[row["track_id"]] = turn.get(row["track_id"], 0) + 1
        order.append((turn[row["track_id"]], stable_int("benchmark", row["clip_id"]), row["clip_id"]))
    wanted = {clip for _, _, clip in sorted(order)[:count]}
    for path in paths:
        if wanted & set(read_table(path, "clips", ["clip_id"])["clip_id"].to_pylist()):
            for row in iter_rows(path, "clips"):
                if row["clip_id"] in wanted:
                    yield decode_audio(row["audio"]["bytes"])


def their_tempo(wave: np.ndarray, rate: int) -> float:
    """Beats per minute by librosa's beat tracker; 0 for none."""
    return float(np.atleast_1d(librosa.beat.beat_track(y=wave, sr=rate)[0])[0])


def their_key(wave: np.ndarray, rate: int) -> str:
    """The key whose profile correlates best with the mean chroma."""
    chroma = librosa.feature.chroma_cqt(y=wave, sr=rate).mean(1)
    fits = {
        f"{note} {scale}": float(np.corrcoef(chroma, np.roll(profile, place))[0, 1])
        for scale, profile in (("major", MAJOR), ("minor", MINOR))
        for place, note in enumerate(NOTES)
    }
    return max(fits, key=lambda key: fits[key])


def our_key(facts: Facts) -> str | None:
    """The stated key with one name for each note."""
    if facts.key_name is None:
        return None
    note, _, scale = facts.key_name.rpartition(" ")
    return f"{SAME_NOTE.get(note, note)} {scale}"


def agreement(heard: list[tuple[Facts, Facts]]) -> Iterator[str]:
    """Of facts by essentia and by librosa of the same clips: how many are stated, by both, and alike."""
    yield "| fact | by essentia | by librosa | by both | the same |"
    yield "| --- | --- | --- | --- | --- |"
    stated = {
        "tempo": [(a.tempo and a.tempo_bpm, b.tempo and b.tempo_bpm) for a, b in heard],
        "key": [(our_key(a), our_key(b)) for a, b in heard],
        **{
            name: [(*({*words} & {*facts.qualities} for facts in pair),) for pair in heard]
            for name, words in SOUNDS.items()
        },
    }
    for name, pairs in stated.items():
        both = [(a, b) for a, b in pairs if a and b]
        alike = sum(abs(b / a - 1) < 0.05 if name == "tempo" else a == b for a, b in both)
        counts = [sum(bool(pair[i]) for pair in pairs) for i in (0, 1)]
        yield f"| {name} | {counts[0]} | {counts[1]} | {len(both)} | {alike} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--clips", type=int, default=100)
    args = parser.parse_args()
    warnings.filterwarnings("ignore", module="librosa")
    tempos: list[tuple[float, float]] = []
    keys: list[tuple[str, str]] = []
    heard: list[tuple[Facts, Facts]] = []
    seconds = {"essentia": 0.0, "librosa": 0.0}
    count = 0
    for name in seconds:  # what is compiled or loaded once isn't measured
        analyze(np.random.default_rng(0).normal(0, 0.1, 5 * 24000), 24000, name)
    for wave, rate in waves(args.data, args.clips):
        count += 1
        by = {}
        for name in seconds:
            started = time.perf_counter()
            by[name] = Facts(len(wave) / rate, **asdict(analyze(wave, rate, name)))
            seconds[name] += time.perf_counter() - started
        heard.append((by["essentia"], by["librosa"]))
        facts = by["essentia"]
        if facts.tempo and facts.tempo_bpm:
            tempos.append((facts.tempo_bpm, their_tempo(wave, rate)))
        if key := our_key(facts):
            keys.append((key, their_key(wave, rate)))
    right = sum(abs(theirs / ours - 1) < 0.05 for ours, theirs in tempos)
    ratios = [theirs / ours for ours, theirs in tempos if abs(theirs / ours - 1) >= 0.05]
    same = sum(ours == theirs for ours, theirs in keys)
    print(f"{count} clips")
    print(f"tempo stated in {len(tempos)}, within 5 % of librosa's in {right} ({right / max(len(tempos), 1):.0%})")
    print(f"  the others are off by {', '.join(f'{ratio:.2f}' for ratio in sorted(ratios)) or 'nothing'}")
    print(f"key stated in {len(keys)}, librosa's in {same} ({same / max(len(keys), 1):.0%})")
    print("  others, as stated and as librosa has it: " + "; ".join(f"{a}, {b}" for a, b in keys if a != b))
    print(*agreement(heard), sep="\n")
    print(f"seconds a clip: {seconds['essentia'] / count:.2f} essentia, {seconds['librosa'] / count:.2f} librosa")
    paths = sorted((args.data / "captions").glob("*.parquet"))
    if paths:
        texts = read_tables(paths, "captions", ["caption"])["caption"].to_pylist()
        told = statistics(texts)
        words, distinct = told["vocabulary"]["distinct_words"], 1 - told["repetition"]["duplicates"]
        print(f"{len(texts)} captions, {words} words in use, {distinct:.1%} of the captions distinct")
        print(f"{told['words']['median']:.0f} words each (median)")


if __name__ == "__main__":
    main()
