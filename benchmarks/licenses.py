"""Are license statements understood, is none accepted wrongly, and is it fast enough for 55,701 tracks?

Labels: benchmarks/licenses.tsv, statements as real catalogs write them with the SPDX expression that
they mean (`-`: none that can be proved), the verdict under the default policy, and whose convention
it is; `\\n` in a text is a line break. Goals: no false accept, at least 98 % recognised. Exit status 1
if one of these is missed.

Speed: one catalog statement per track from a template of Jamendo's with 20 license addresses,
once as the license's line alone and once with the track's title, artist and page around it. Goals:
the decisions in under 3 s, the whole stage with reading and writing tables in under 1 GB.

    python benchmarks/licenses.py [--tracks 55701] [--labels benchmarks/licenses.tsv]
"""

import argparse
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ssmttm.config import load_config
from ssmttm.licenses.explanation import explain, render
from ssmttm.licenses.policy import Policy, apply_policy, make_policy
from ssmttm.stages import license
from ssmttm.tables import write_table

NAMES = {
    "by": "Attribution",
    "by-sa": "Attribution-ShareAlike",
    "by-nc": "Attribution-NonCommercial",
    "by-nd": "Attribution-NoDerivs",
    "by-nc-sa": "Attribution-NonCommercial-ShareAlike",
    "by-nc-nd": "Attribution-NonCommercial-NoDerivs",
}
ADDRESSES = [f"http://creativecommons.org/licenses/{e}/{v}/" for e in NAMES for v in ("2.0", "2.5", "3.0")] + [
    "http://creativecommons.org/licenses/by-nc-sa/2.0/fr/",
    "http://creativecommons.org/licenses/by-sa/3.0/de/",
]


class Label(NamedTuple):
    text: str
    license: str | None
    verdict: str
    source: str


def read_labels(path: Path) -> list[Label]:
    rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()[1:]]
    return [Label(t.replace("\\n", "\n"), None if e == "-" else e, v, s) for t, e, v, s in rows]


def judge(labels: list[Label], policy: Policy) -> bool:
    """Print what is understood otherwise than labelled; whether the goals are met."""
    explained = list(explain((label.text for label in labels), policy))
    pairs = list(zip(labels, explained))
    recognised = sum(label.license == e.license for label, e in pairs)
    false = [(label, e) for label, e in pairs if (label.verdict, e.verdict) == ("reject", "keep")]
    wrong = [(label, e) for label, e in pairs if label.verdict != e.verdict]
    print(f"statements                 {len(labels)}, of {len({x.source for x in labels})} conventions")
    print(f"that state a license       {sum(x.license is not None for x in labels)}")
    print(f"recognised                 {recognised / len(labels):.2%} (goal: at least 98 %)")
    print(f"false accepts              {len(false)} (goal: 0)")
    print(f"wrong verdicts             {len(wrong)}")
    for label, e in pairs:
        if label.license != e.license or label.verdict != e.verdict:
            kind = "false accept" if (label.verdict, e.verdict) == ("reject", "keep") else "differs"
            print(f"  {kind}: {label.text!r} is {label.license}, {label.verdict}; understood {e.license}, {e.verdict}")
    return not false and recognised >= 0.98 * len(labels)


def rows(tracks: int, around: bool) -> Iterator[dict[str, Any]]:
    """Index rows with one statement each; `around`: with the track's own words in it."""
    generator = random.Random(1)
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["".join(generator.choices(letters, k=generator.randint(2, 9))) for _ in range(8000)]
    words += ["the", "of", "in", "a", "not", "love", "my", "you", "before", "was"] * 100

    def name() -> str:
        return " ".join(generator.choices(words, k=generator.randint(1, 5))).title()

    for number in range(tracks):
        address = ADDRESSES[number % len(ADDRESSES)]
        title, artist, page = name(), name(), f"http://www.jamendo.com/track/{number}"
        statement = f"Creative Commons {NAMES[address.split('/')[4]]} license: {address}"
        text = f"Available under a {statement}"
        if around:
            text = f'"{title}" by {artist} ({page}). Licensed under a {statement}'
        place = f"audio_licenses.txt, line {4 * number + 3}"
        yield {
            "track_id": f"jamendo:{number}",
            "source": "jamendo",
            "url": f"{page}.mp3",
            "homepage": page,
            "title": title,
            "artist": artist,
            "album": name(),
            "duration_s": 215.0,
            "tags": ["genre---rock"],
            "license_evidence": [{"kind": "catalog", "text": text, "url": None if around else address, "where": place}],
            "sha256": "0" * 64,
            "problem": None,
            "problem_detail": None,
        }


def timed(name: str, work: Callable[..., Any], *arguments: Any) -> None:
    """Run `work` and print its wall and CPU seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    work(*arguments)
    print(f"  {name:26}{time.perf_counter() - wall:8.2f} s{time.process_time() - cpu:8.2f} s of CPU")


def print_all(texts: list[str], policy: Policy) -> list[str]:
    return [render(e, True) for e in explain(texts, policy)]


def measure(tracks: int, settings: dict[str, Any]) -> None:
    """Print times over `tracks` rows."""
    policy = make_policy(settings)
    for around in (False, True):
        print(f"{tracks} tracks, {'title and artist around the license' if around else 'the line of the license'}")
        data = list(rows(tracks, around))
        timed("decisions (goal: < 3 s)", apply_policy, data, policy)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            index = folder / "index.parquet"
            write_table(index, "index", data)
            out = [folder / n for n in ("licensed.parquet", "rejected.parquet", "ATTRIBUTION.md")]
            timed("stage license", license.run, {"license": settings}, index, *out)
        texts = [row["license_evidence"][0]["text"] for row in data]
        timed("explain --json", print_all, texts, policy)
    print(f"peak memory, with the rows themselves: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GB")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labels", type=Path, default=Path(__file__).with_suffix(".tsv"))
    parser.add_argument("--tracks", type=int, default=55_701)
    arguments = parser.parse_args()
    settings = load_config()["data"]["license"]
    understood = judge(read_labels(arguments.labels), make_policy(settings))
    measure(arguments.tracks, {**settings, "noncommercial": True, "noderivatives": True})
    return 0 if understood else 1


if __name__ == "__main__":
    sys.exit(main())
