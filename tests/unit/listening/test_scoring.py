"""Answers with known scores: means, intervals, tests, ranking and screening."""

import csv
import json

import numpy as np
import pytest
import tiny_listening
from scipy import stats
from tiny_listening import choice, rating

from ssmttm.errors import UserError
from ssmttm.listening import scoring
from ssmttm.listening.results import collect
from ssmttm.listening.scoring import Settings
from ssmttm.stages import listen
from ssmttm.statistics import crossed, ranking

FAST = Settings(resamples=300)


def write(folder, *given):
    for answers in given:
        (folder / f"{answers['participant']}.json").write_text(json.dumps(answers))
    return folder


def crowd(effect, people=12, captions=15, seed=3):
    """Ratings of two systems that differ by `effect`, with listeners and captions of their own taste."""
    rng = np.random.default_rng(seed)
    listener, caption = rng.normal(0, 0.5, people), rng.normal(0, 0.5, captions)
    return [
        rating(f"p{p}", f"c{c}", system, 3 + shift + listener[p] + caption[c] + rng.normal(0, 0.3))
        for p in range(people)
        for c in range(captions)
        for system, shift in (("a", effect), ("b", 0.0))
    ]


def test_means_are_means_and_differences_are_differences():
    votes = crowd(0.5)
    result = scoring.score(votes, FAST)
    mean = {r["system"]: r["mean"] for r in result["mos"] if r["question"] == "quality"}
    for system in "ab":
        assert mean[system] == pytest.approx(np.mean([v.values["quality"] for v in votes if v.systems == (system,)]))
    (row,) = [r for r in result["differences"] if r["question"] == "quality"]
    assert row["difference"] == pytest.approx(mean["a"] - mean["b"])
    assert 0 < row["low"] < row["difference"] < row["high"]


def test_the_interval_of_a_difference_is_narrower_than_those_of_the_means():
    result = scoring.score(crowd(0.5), FAST)
    widths = [r["high"] - r["low"] for r in result["mos"]]
    assert max(r["high"] - r["low"] for r in result["differences"]) < 0.5 * min(widths), "taste cancels"


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    covered = 0
    for seed in range(60):
        result = scoring.score(crowd(0.5, people=8, captions=10, seed=seed), Settings(200, 0.9))
        row = result["differences"][0]
        covered += row["low"] <= 0.5 <= row["high"]
    assert covered >= 48, "of 60, where 54 are expected"


def test_listeners_that_differ_widen_the_interval_and_more_answers_of_the_same_ones_do_not_narrow_it():
    def width(people, captions):
        votes = [rating(f"p{p}", f"c{c}", "a", 2 + 2 * (p % 2)) for p in range(people) for c in range(captions)]
        row = scoring.score(votes, FAST)["mos"][0]
        return row["high"] - row["low"]

    assert width(8, 40) == pytest.approx(width(8, 5), rel=0.25)
    assert width(64, 5) < 0.5 * width(8, 5)


def test_too_little_to_resample_gives_no_interval_but_a_warning():
    result = scoring.score([rating("p", "c", "a", 4)], FAST)
    assert result["mos"][0]["mean"] == 4 and result["mos"][0]["low"] is None
    assert [w for w in result["warnings"] if "one participant" in w] and result["agreement"][0]["alpha"] is None
    assert crossed.interval(np.array([np.nan] * 3 + [1.0]), 0.95) is None


def test_win_rates_count_ties_half_and_the_sign_test_leaves_them_out():
    pair = ("a", "b")
    votes = [choice(f"p{i}", f"c{i % 4}", pair, w) for i, w in enumerate([1.0] * 9 + [0.0] + [0.5] * 2)]
    (row,) = scoring.score(votes, FAST)["preference"]
    assert row["win_rate"] == pytest.approx((9 + 1) / 12) and (row["wins"], row["losses"], row["ties"]) == (9, 1, 2)
    assert row["low"] <= row["win_rate"] <= row["high"]
    assert row["p_answers"] == row["p_participants"] == pytest.approx(2 * 11 / 2**10)
    assert scoring.sign_test(0, 0) == 1.0


def test_one_listener_with_many_answers_counts_once_in_the_test_over_participants():
    votes = [choice("p", f"c{i}", ("a", "b"), 1.0) for i in range(20)]
    (row,) = scoring.score(votes, FAST)["preference"]
    assert row["p_answers"] < 1e-5 and row["p_participants"] == 1.0
    assert row["low"] is row["high"] is None and "one participant" in row["note"]


def test_bradley_terry_finds_the_strengths_that_made_the_wins():
    truth = np.array([1.0, 0.2, -0.4, -0.8])
    chance = 1 / (1 + np.exp(truth[None] - truth[:, None]))
    found = ranking.strengths(1000 * chance * (1 - np.eye(4)))
    assert found == pytest.approx(truth - truth.mean(), abs=1e-6)
    both = ranking.strengths(np.stack([1000 * chance * (1 - np.eye(4))] * 2))
    assert both[1] == pytest.approx(found)


def test_of_two_systems_the_strengths_are_the_log_odds():
    wins = np.array([[0.0, 30.0], [10.0, 0.0]])
    found = ranking.strengths(wins)
    assert found[0] - found[1] == pytest.approx(np.log(3))


def test_a_system_that_always_wins_has_a_finite_rank_and_unlinked_pairs_have_none():
    pairs = (("a", "b"), ("b", "c"))
    votes = [choice(f"p{i}", f"c{i}", pair, 1.0) for i in range(12) for pair in pairs]
    ranking = scoring.score(votes, FAST)["ranking"]
    assert [r["system"] for r in ranking] == ["a", "b", "c"] and np.isfinite([r["strength"] for r in ranking]).all()
    apart = scoring.score([choice("p", "c", pair, 1.0) for pair in (("a", "b"), ("c", "d"))], FAST)
    assert apart["ranking"] == [] and "no ranking" in apart["warnings"][-1]


def test_chance_preferences_are_rarely_significant():
    rng = np.random.default_rng(5)
    found = [scoring.sign_test(k, 30 - k) for k in rng.binomial(30, 0.5, 500)]
    assert np.mean(np.array(found) < 0.05) <= 0.06
    assert found[0] == stats.binomtest(int(np.random.default_rng(5).binomial(30, 0.5)), 30).pvalue


def test_attentive_participants_count_and_score_as_they_answered(key, built, tmp_path):
    (tmp_path / "answers").mkdir()
    folder = write(tmp_path / "answers", *(tiny_listening.answers(key, f"p{i}") for i in range(3)))
    out = tmp_path / "results.json"
    said = listen.score([folder], built[1], out, FAST)
    result = json.loads(out.read_text())
    assert result["participants"] == {"given": 3, "kept": 3, "excluded": []}
    assert {r["system"]: r["mean"] for r in result["mos"]} == {"zebra-run": 4.0, "quokka-run": 2.0}
    assert all(r["answers"] == 6 and r["participants"] == 3 and r["captions"] == 2 for r in result["mos"])
    (row,) = result["preference"]
    assert (row["a"], row["win_rate"], row["losses"]) == ("quokka-run", 0.0, 6)
    assert [r["system"] for r in result["ranking"]] == ["zebra-run", "quokka-run"]
    alpha = {r["question"]: (r["alpha"], r["level"]) for r in result["agreement"]}
    assert alpha["quality"] == (1.0, "ordinal") and alpha["choice"] == (None, "nominal")
    assert "quality     zebra-run   4.00" in said and "only 3 participants" in said
    with open(tmp_path / "results.mos.csv") as file:
        assert [float(r["mean"]) for r in csv.DictReader(file)] == [r["mean"] for r in result["mos"]]


@pytest.mark.parametrize(
    ("role", "given", "reason"),
    [
        ("mos_noise", {"ratings": tiny_listening.ratings(3)}, "noise: gave noise a quality of 3"),
        ("mos_instruction", {"ratings": tiny_listening.ratings(5)}, "instruction: chose 5 where"),
        ("mos_repeat", {"ratings": {"quality": 5, "relevance": 5, "musicality": 5}}, "repeat: "),
        ("mos_mos", {"heard": [0.3], "ratings": tiny_listening.ratings(3)}, "not heard: 4 trials"),
    ],
)
def test_who_fails_a_check_is_left_out_with_the_reason(key, tmp_path, role, given, reason):
    # The repeated clip gets 5 where its twin got 2 from somebody who finds everything poor.
    flat = dict.fromkeys(tiny_listening.QUALITY, 2)
    careless = tiny_listening.answers(key, "careless", quality=flat, **{role: given})
    write(tmp_path, careless, tiny_listening.answers(key, "careful"))
    result = collect([tmp_path], key, FAST)
    (left,) = result["participants"]["excluded"]
    assert left["participant"] == "careless" and left["reasons"][0].startswith(reason) and len(left["reasons"]) == 1
    assert result["participants"]["kept"] == 1 and {r["participants"] for r in result["mos"]} == {1}


def test_preferring_noise_or_leaving_trials_out_fails_too(key, tmp_path):
    careless = tiny_listening.answers(key, "careless")
    for answer in careless["answers"]:
        if key["items"][answer["item"]]["role"] == "noise" and "choice" in answer:
            answer["choice"] = key["items"][answer["item"]]["refused"]
    short = tiny_listening.answers(key, "short")
    short["answers"] = short["answers"][:4]
    write(tmp_path, careless, short)
    with pytest.raises(UserError, match=r"no participant passed .*noise: preferred noise.*incomplete: 7 of 11"):
        collect([tmp_path], key, FAST)


def test_files_that_are_no_answers_are_named_with_the_place(key, built, tmp_path):
    good = tiny_listening.answers(key, "good")

    def refused(said, change=None, text=None):
        bad = json.loads(json.dumps(good))
        if change:
            change(bad)
        (tmp_path / "bad.json").write_text(json.dumps(bad) if text is None else text)
        with pytest.raises(UserError, match=said) as error:
            collect([tmp_path / "bad.json"], key, FAST)
        assert "bad.json: " in str(error.value)

    refused("not valid JSON", text="{")
    refused("not valid JSON: NaN is no JSON", text='{"format": NaN}')
    refused("not valid JSON", text="[" * 100_000)
    refused("a key stands twice", text='{"format": 1, "format": 1}')
    refused("larger than", text=" " * 300_000)
    refused(r"answers\[2\].ratings.quality: 7 is greater", lambda b: b["answers"][2]["ratings"].update(quality=7))
    refused("relevance", lambda b: b["answers"][0]["ratings"].pop("relevance"))
    refused("system", lambda b: b.update(system="zebra-run"))
    refused("participant: '../x'", lambda b: b.update(participant="../x"))
    refused("another test", lambda b: b.update(test="0" * 20))
    refused(r"answers\[11\].item: .* answered twice", lambda b: b["answers"].append(b["answers"][0]))
    refused(r"answers\[0\].item: .* not on this", lambda b: b["answers"][0].update(item="0" * 20))
    refused(r"answers\[0\].clips", lambda b: b["answers"][0].update(clips=["0" * 20]))
    refused("there is no sheet 5", lambda b: b["sheets"].update(mos=5))
    refused(r"sheets\.mos: 0\.0 is not of type 'integer'", lambda b: b["sheets"].update(mos=0.0))
    refused("started: .* does not match", lambda b: b.update(started="\ud800"))
    refused("too deep", text='{"format": ' + "[" * 990 + "]" * 990 + "}")
    refused("sheets: expected mos, preference", lambda b: b["sheets"].pop("mos"))
    refused(r"answers\[10\].choice", lambda b: b["answers"][10].update(choice="0" * 20))


def test_one_participant_in_two_files_is_refused_and_one_file_given_twice_counts_once(key, tmp_path):
    write(tmp_path, tiny_listening.answers(key, "p1"))
    assert collect([tmp_path, tmp_path / "p1.json"], key, FAST)["participants"]["given"] == 1
    (tmp_path / "copy.json").write_text((tmp_path / "p1.json").read_text())
    with pytest.raises(UserError, match=r"p1.json: participant: p1 is in .*copy.json too"):
        collect([tmp_path], key, FAST)


def test_a_folder_without_answers_and_a_file_that_is_no_key_are_errors(key, built, tmp_path):
    with pytest.raises(UserError, match=r"holds no \.json files"):
        collect([tmp_path], key, FAST)
    with pytest.raises(UserError, match=r"nowhere\.json: No such file"):
        collect([tmp_path / "nowhere.json"], key, FAST)
    (tmp_path / "key.json").write_text("{}")
    with pytest.raises(UserError, match="not the key of a listening test"):
        listen.score([tmp_path], tmp_path / "key.json", None, FAST)
    with pytest.raises(UserError, match=r"ends in \.json"):
        listen.score([tmp_path], built[1], tmp_path / "x.csv", FAST)
