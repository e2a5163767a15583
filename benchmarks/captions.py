"""Can captions be followed: are stated tempos and keys right, and do captions differ?

Clips of many tracks are analyzed as the captions stage does it, and again by librosa, which the package doesn't use for
this: tempo from its beat tracker (an octave off counts as an error), key from the correlation of its constant-Q chroma
with the profiles of Krumhansl and Kessler (1982). librosa errs as well, so that these figures are of agreement.
What share of clips has a tempo or a key stated is printed beside them. With captions in the data set's folder:
how many distinct words and captions they have.

    python benchmarks/captions.py results/data/laptop-5 [--clips 100]
"""

import argparse
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--clips", type=int, default=100)
    args = parser.parse_args()
    warnings.filterwarnings("ignore", module="librosa")
    tempos: list[tuple[float, float]] = []
    keys: list[tuple[str, str]] = []
    count = 0
    for wave, rate in waves(args.data, args.clips):
        count += 1
        facts = Facts(len(wave) / rate, **asdict(analyze(wave, rate)))
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
    paths = sorted((args.data / "captions").glob("*.parquet"))
    if paths:
        texts = read_tables(paths, "captions", ["caption"])["caption"].to_pylist()
        told = statistics(texts)
        words, distinct = told["vocabulary"]["distinct_words"], 1 - told["repetition"]["duplicates"]
        print(f"{len(texts)} captions, {words} words in use, {distinct:.1%} of the captions distinct")
        print(f"{told['words']['median']:.0f} words each (median)")


if __name__ == "__main__":
    main()
