"""Who is asked what, under which names, and that no name tells a system."""

import json
import stat
from collections import Counter
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import tiny_listening

from ssmttm.audio.coded import decode_audio, encode_audio
from ssmttm.audio.loudness import loudness
from ssmttm.errors import UserError
from ssmttm.listening import design, flac, level, material, page
from ssmttm.stages import listen

SYSTEMS = tuple(f"system-{i}" for i in range(5))
CAPTIONS = {f"c{i}": f"text {i}" for i in range(6)}


def made(salt=b"salt", **changes):
    wanted = {"systems": SYSTEMS, "captions": CAPTIONS, "pairs": design.every_pair(SYSTEMS), "ceiling": "system-0"}
    return design.make(design.Wanted(**(wanted | changes)), salt)


@pytest.mark.parametrize(("a", "b"), [(1, 1), (4, 6), (6, 4), (5, 7), (8, 8), (1, 9)])
def test_a_balanced_order_has_every_combination_once_and_both_go_round(a, b):
    order = design.balanced(a, b)
    assert sorted(order) == sorted(product(range(a), range(b)))
    for start in range(len(order) - b + 1):
        counts = Counter(second for _, second in order[start : start + b])
        assert max(counts.values()) <= 2, "any stretch of so many holds nearly all of them"


def test_sheets_hold_every_trial_once_evenly_and_no_more_than_asked_for():
    test = made(ratings=10, comparisons=7)
    sheets = test.public["sheets"]
    rated = [[i for i in s if test.items[i]["role"] == "mos"] for s in sheets["mos"]]
    assert sorted(map(len, rated)) == [10, 10, 10]
    assert Counter((test.items[i]["system"], test.items[i]["clip_id"]) for s in rated for i in s) == Counter(
        product(SYSTEMS, CAPTIONS)
    )
    for sheet in rated:
        assert set(Counter(test.items[i]["system"] for i in sheet).values()) == {2}
    compared = [[i for i in s if test.items[i]["role"] == "preference"] for s in sheets["preference"]]
    assert sum(map(len, compared)) == 10 * 6 and max(map(len, compared)) <= 7
    for every in sheets.values():
        for sheet in every:
            roles = Counter(test.items[i]["role"] for i in sheet)
            assert roles["instruction"] == 1 and roles["noise"] == 1
    assert all(Counter(test.items[i]["role"] for i in s)["repeat"] == 1 for s in sheets["mos"])


def test_a_repeated_clip_is_on_the_sheet_of_its_twin_under_another_name():
    test = made(ratings=10)
    for sheet in test.public["sheets"]["mos"]:
        (again,) = [i for i in sheet if test.items[i]["role"] == "repeat"]
        twin = test.items[again]["of"]
        assert twin in sheet
        first, second = (test.public["items"][i]["clips"][0] for i in (again, twin))
        assert first != second and test.clips[first] == test.clips[second]


def test_the_salt_changes_every_name_and_nothing_else():
    one, other = made(b"one"), made(b"other")
    assert made(b"one") == one
    assert not set(one.public["items"]) & set(other.public["items"]) and not set(one.clips) & set(other.clips)
    asked = [sorted((i["role"], i["clip_id"], str(i.get("system"))) for i in t.items.values()) for t in (one, other)]
    assert asked[0] == asked[1]


def test_order_in_the_public_part_tells_no_system():
    test = made()
    assert list(test.public["items"]) == sorted(test.public["items"])
    assert all(s == sorted(s) for every in test.public["sheets"].values() for s in every)
    lower = [
        test.clips[i["clips"][0]]["system"] < test.clips[i["clips"][1]]["system"]
        for i in test.public["items"].values()
        if i["kind"] == "preference"
    ]
    assert 0.3 < sum(lower) / len(lower) < 0.7


def test_without_real_music_nothing_is_compared_with_noise():
    assert not [i for i in made(ceiling=None, tests=("preference",)).items.values() if i["role"] == "noise"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tests": ("mos", "taste")}, "--tests mos,taste"),
        ({"pairs": ()}, "at least two systems"),
        ({"heard": 1.5}, "--heard 1.5"),
        ({"title": "Is System-3 good?"}, "system-3"),
        ({"ratings": 0}, "at least one clip"),
    ],
)
def test_a_test_that_makes_no_sense_is_refused(changes, said):
    with pytest.raises(UserError, match=said):
        made(**changes)


def test_no_public_byte_names_a_system_and_no_file_differs_in_more_than_its_sound(built, key):
    folder = built[0]
    files = [p for p in folder.rglob("*") if p.is_file()]
    texts = json.dumps(list(tiny_listening.CAPTIONS.values()))
    for file in files:
        seen = file.name.encode() + file.read_bytes().lower()
        for word in (b"zebra", b"quokka", b"original", b"noise", b"codec", b"shuffled", b"tiny", b"/systems/", b"salt"):
            assert word not in seen and word.decode() not in texts, (file, word)
    assert len({p.stat().st_mtime for p in files}) == 1
    sounds = [p.read_bytes() for p in files if p.suffix == ".flac"]
    assert len(set(map(len, sounds))) == 1, "one size"
    heard = [decode_audio(data)[0].tobytes() for data in sounds]
    assert len(set(heard)) == len(sounds), "also a clip that is on two trials has two files that differ"
    assert len({decode_audio(p.read_bytes())[1] for p in files if p.suffix == ".flac"}) == 1, "one sample rate"
    lengths = {
        len(decode_audio((folder / f"audio/{n}.flac").read_bytes())[0]) for n, c in key["clips"].items() if c["clip_id"]
    }
    assert lengths == {int(tiny_listening.SECONDS * tiny_listening.RATE)}, "one length"
    assert {p.stem for p in files if p.suffix == ".flac"} == set(key["clips"])


def test_the_key_lies_outside_is_private_and_says_whose_each_clip_is(built, key):
    assert built[0] not in built[1].parents
    assert stat.S_IMODE(built[1].stat().st_mode) == 0o600
    assert {c["system"] for c in key["clips"].values()} >= {"zebra-run", "quokka-run", "originals"}
    assert key["public"] == page.read(built[0])


def test_captions_come_through_as_text(built):
    shown = {i["caption"] for i in page.read(built[0])["items"].values()}
    assert len(shown) == 2 and shown < set(tiny_listening.CAPTIONS.values())
    assert (built[0] / "index.html").read_text().count("</script>") == 2


def test_all_clips_are_equally_loud_with_one_gain_and_unclipped(built, key):
    for name, clip in key["clips"].items():
        wave, rate = decode_audio((built[0] / f"audio/{name}.flac").read_bytes())
        assert loudness(wave, rate) == pytest.approx(key["level_lufs"], abs=0.05), clip
        assert np.abs(wave).max() < 10 ** (level.CEILING_DB / 20) + 1e-3


def test_the_common_level_gives_way_to_peaks_but_not_to_one_odd_clip():
    assert level.common_level({"a": -10.0, "b": -20.0}) == level.TARGET_LUFS
    assert level.common_level({"a": -10.0, "b": -25.0}) == -25.0
    assert level.common_level({"a": -60.0, "b": -10.0}) == level.TARGET_LUFS - level.LOWERED_BY_AT_MOST
    click = np.zeros(16000, dtype=np.float32)
    click[5000] = 1.0
    measured = loudness(click, 16000)
    gain = level.gain_db(measured, level.reachable(click, measured), -23.0)
    assert gain == pytest.approx(level.CEILING_DB), "the peak decides"
    silent = loudness(np.zeros(16000, dtype=np.float32), 16000)
    assert level.gain_db(silent, level.reachable(np.zeros(4), silent), -23.0) == 0.0


def test_dither_stays_within_one_step_and_is_of_the_seed():
    wave = tiny_listening.tone(300, 0.5)
    one, again, other = (level.dithered(wave, seed) for seed in (1, 1, 2))
    assert np.array_equal(one, again) and not np.array_equal(one, other)
    for changed in (one, other):
        assert 0 < np.abs(changed - wave).max() <= 1.001 / 32768
        assert abs((changed - wave).mean()) < 0.05 / 32768


@pytest.mark.parametrize("more", [0, 4, 5, 100_000, 2**24 + 3, 2**24 + 5, 2**25 + 9])
def test_padding_makes_a_file_larger_and_changes_no_sample(more):
    wave = tiny_listening.tone(300, 0.5)
    data = encode_audio(wave, tiny_listening.RATE)
    padded = flac.padded(data, len(data) + more)
    assert len(padded) == len(data) + more
    assert np.array_equal(decode_audio(padded)[0], decode_audio(data)[0])


def test_padding_that_is_impossible_is_an_error():
    data = encode_audio(tiny_listening.tone(300, 0.5), tiny_listening.RATE)
    for size in (len(data) - 1, len(data) + 3):
        with pytest.raises(ValueError, match="can't be padded"):
            flac.padded(data, size)
    with pytest.raises(ValueError, match="not a FLAC"):
        flac.padded(b"RIFF", 100)


@pytest.mark.parametrize("out", [".", "..", "/", ""])
def test_a_folder_that_is_there_is_refused_however_it_is_written(study, out):
    with pytest.raises(UserError, match=r"--out .*: .*give a new folder"):
        listen.build(study, Path(out))


@pytest.mark.parametrize("seconds", [np.inf, np.nan, -1.0, 0.1])
def test_lengths_that_no_clip_can_have_are_refused(study, tmp_path, seconds):
    with pytest.raises(UserError, match="--seconds"):
        listen.build(study, tmp_path / "page", seconds=seconds)
    assert not list(tmp_path.iterdir())


def test_what_can_not_be_built_is_said(study, built, tmp_path):
    def refused(said, **changes):
        with pytest.raises(UserError, match=said):
            listen.build(**({"study": study, "out": tmp_path / "page"} | changes))

    refused("no such system; this study has originals", systems=["zebra"])
    refused("only 3 clips in common", captions=4)
    refused("expected A:B", pairs=["zebra-run"], captions=1)
    refused("exists already", out=built[0], key=tmp_path / "other.json")
    refused("inside the public folder", key=tmp_path / "page" / "key.json")
    refused("exists already", key=built[1])
    refused("no such file", study=tmp_path)
    assert not list(tmp_path.iterdir()), "nothing is left behind"


def test_runs_and_other_makers_systems_are_compared_by_default_and_baselines_only_on_request(study):
    every = material.Systems({"originals": study, "codec": study, "theirs": study, "ours": study}, {"ours", "theirs"})
    assert material.choose([], every) == ["originals", "theirs", "ours"]
    assert material.pairs([], material.choose([], every), every) == (("ours", "theirs"),)
    assert material.pairs(["ours:codec"], ["ours", "codec"], every) == (("codec", "ours"),)
    found = material.systems(study)
    assert found.models == {"zebra-run", "quokka-run"} and "originals" in found.folders


def test_broken_audio_is_refused_by_name(study, tmp_path):
    root = tmp_path / "results"
    broken = tiny_listening.write_study(root)
    short = {c: tiny_listening.tone(300, 0.5, 0.3) for c in tiny_listening.CAPTIONS}
    tiny_listening.write_system(root / "systems" / "v" / "0", "zebra-run", short)
    with pytest.raises(UserError, match=r"final.parquet: clip x:1@0 is shorter than 0.4 s"):
        listen.build(broken, tmp_path / "page", captions=3)
    tiny_listening.write_system(root / "systems" / "v" / "0", "zebra-run", {"x:1@0": tiny_listening.tone(300, 0.5)})
    with pytest.raises(UserError, match="only 1 clips in common"):
        listen.build(broken, tmp_path / "page", captions=3)


def test_a_build_that_is_cut_short_leaves_neither_page_nor_key(study, tmp_path, monkeypatch):
    def cut_short(public):
        raise KeyboardInterrupt

    monkeypatch.setattr(page, "render", cut_short)
    with pytest.raises(KeyboardInterrupt):
        listen.build(study, tmp_path / "page", captions=1)
    assert not list(tmp_path.iterdir())


def test_a_silent_clip_is_kept_and_told(tmp_path):
    root = tmp_path / "results"
    study = tiny_listening.write_study(root)
    silent = {c: np.zeros(7200, dtype=np.float32) for c in tiny_listening.CAPTIONS}
    tiny_listening.write_system(root / "systems" / "v" / "0", "zebra-run", silent)
    assert "softer" in listen.build(study, tmp_path / "page", captions=1)


def test_the_command_takes_lists_by_comma_and_says_what_it_built(study, tmp_path):
    from typer.testing import CliRunner

    from ssmttm.cli import app

    out, key = tmp_path / "page", tmp_path / "secret" / "key.json"
    options = ["--systems", "zebra-run,quokka-run,originals", "--pairs", "originals:zebra-run", "--tests", "preference"]
    options += ["--captions", "2", "--key", key]
    options += ["--study", study, "--out", out]
    found = CliRunner().invoke(app, ["listen", "build", *map(str, options)])
    assert found.exit_code == 0, found.output
    assert "preference: 1 pairs x 2 captions = 2 trials on 1 sheets" in found.output and "mos:" not in found.output
    told = json.loads(key.read_text())
    assert [i["systems"] for i in told["items"].values() if i["role"] == "preference"] == [
        ["originals", "zebra-run"]
    ] * 2
