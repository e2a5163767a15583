import numpy as np
import pandas as pd
import pytest

from ssmttm.numbers import budget_name, clock, millions, power_of_ten, significant
from ssmttm.report.figures.curves import smooth
from ssmttm.report.figures.spectrogram import mel_spectrogram, spectrogram_png
from ssmttm.report.scoreboard import blocks, columns
from ssmttm.report.sections.conclusions import conclusions
from ssmttm.statistics.paired import holm
from ssmttm.wording import listed


def table(**frechet):
    """A study of two runs and baselines, whose Fréchet (value, low, high) are given by system."""
    rows = []
    for system in ("a", "b", "codec", "noise"):
        run = system in "ab"
        facts = {"variant": system, "budget_kind": "iterations", "budget": 9.0, "d_model": 8, "layers": 1, "seed": 1}
        facts["codebooks"] = 4
        costs = {"test_loss": 5.0, "final_validation_loss": 7.2, "parameters": 1000, "flops_spent": 1e9, "seconds": 3.0}
        costs["test_clips"] = 105
        for metric in ("frechet", "kl", "text_audio"):
            for reference in ("codec", "originals"):
                value, low, high = frechet.get(system, (1.0, 0.9, 1.1)) if metric == "frechet" else (0.1, -0.1, 0.3)
                rows.append(
                    {"system": system, "kind": "run" if run else "baseline", "metric": metric, "reference": reference,
                     "value": value, "low": low, "high": high, "confidence": 0.95, "warnings": "",
                     "embedder": "musicnn", "n": 24, "study": "s", "definition": "", "backend": "",
                     "interval": "", "test_loss": None, "final_validation_loss": None,
                     "parameters": None, "flops_spent": None, "seconds": None, "test_clips": None,
                     "codebooks": None,
                     "better": "higher" if metric == "text_audio" else "lower", **(facts | costs if run else {})}
                )  # fmt: skip
    return pd.DataFrame(rows)


def paired(*pairs, confidence=0.95):
    """Fréchet differences of pairs (a, b, p), adjusted for all of them, among those of other kinds."""
    common = {"embedder": "musicnn", "metric": "frechet", "reference": "codec", "budget_kind": "iterations"}
    common |= {"budget": 9.0, "confidence": confidence, "better": "lower", "n": 24}
    common |= {"difference": 1.0, "low": 0.0, "high": 2.0, "p_value": 0.01}
    adjusted = holm([p for _, _, p in pairs])
    rows = [{**common, "a": a, "b": b, "p_adjusted": p} for (a, b, _), p in zip(pairs, adjusted, strict=True)]
    others = [{**row, **other, "p_adjusted": 1e-6} for row in rows for other in ({"metric": "kl"}, {"budget": 8.0})]
    return pd.DataFrame([*others, *rows], columns=[*common, "a", "b", "p_adjusted"])


def lines(comparison, differences=None, codes=1024):
    differences = paired() if differences is None else differences
    return " ".join(line for part in conclusions(comparison, differences, codes) for line in part.sentences)


@pytest.mark.parametrize("pair", [("a", "b"), ("b", "a")])
def test_a_leader_is_ahead_by_the_paired_test_and_not_by_intervals(pair):
    overlapping = table(a=(2, 1.5, 3.5), b=(4, 3, 5), noise=(9, 8, 10))
    text = lines(overlapping, paired((*pair, 0.01)))
    assert "a is lowest with 2.00 (1.50 to 3.50). Its lead over every other run is significant" in text
    disjoint = table(a=(2, 1.5, 2.5), b=(4, 3, 5), noise=(9, 8, 10))
    assert "Its lead over b is not significant (paired by caption, adjusted for 1 pair: least p 0.20)." in lines(
        disjoint, paired((*pair, 0.2))
    )
    assert "Its lead was not tested." in lines(disjoint)


def test_a_lead_is_significant_only_after_adjusting_for_all_pairs():
    comparison = table(a=(2, 1, 3), b=(4, 3, 5))
    third = comparison[comparison["system"] == "b"].assign(system="c", value=6.0)
    three = pd.concat([comparison, third], ignore_index=True)
    text = lines(three, paired(("a", "b", 0.03), ("a", "c", 0.001), ("b", "c", 0.9)))
    assert "over c is significant (paired by caption, adjusted for 3 pairs: p below 0.05), that over b is not." in text
    assert "over every other run is significant" in lines(
        three, paired(("a", "b", 0.02), ("a", "c", 0.001), ("b", "c", 0.9))
    )
    assert "over the other runs is not significant" in lines(
        three, paired(("a", "b", 0.03), ("a", "c", 0.02), ("b", "c", 0.9))
    )


def test_the_loss_says_how_many_clips_it_is_of():
    assert "Loss on all 105 test clips: from 5.00 (a) to 5.00 (b) nats per token." in lines(table())


def test_the_loss_is_compared_with_guessing_among_the_codecs_codes():
    assert "1,024 codes of a codebook costs 6.93 nats per token" in lines(table())
    assert "on validation clips no run is below it (7.20 to 7.20) and on test clips every run is below it" in lines(
        table()
    )
    assert "on validation clips every run is below it" in lines(table(), codes=4096)
    mixed = table()
    mixed.loc[mixed["system"] == "a", "final_validation_loss"] = 6.0
    assert "on validation clips 1 of 2 runs are below it (6.00 to 7.20)" in lines(mixed)


def with_music(codec, originals):
    """Runs at a Fréchet distance of 5 from everything, and training clips at other ones."""
    comparison = table(a=(5, 4, 6), b=(5, 4, 6))
    music = comparison[comparison["system"] == "noise"].assign(system="training_codec", value=0.1)
    frechet = music["metric"] == "frechet"
    music.loc[frechet, "value"] = music["reference"].map({"codec": codec, "originals": originals})
    return pd.concat([comparison, music], ignore_index=True)


def test_models_that_beat_real_music_by_one_reference_only_are_said():
    said = "every run beats training clips through the codec, which are real music, "
    said += "when compared with codec reconstructions (5.00 to 5.00 "
    assert said + "against 7.00), but not when compared with original recordings" in lines(with_music(7.0, 3.0))
    assert "when compared with original recordings (5.00 to 5.00 against 7.00), but not" in lines(with_music(3.0, 7.0))
    for both in (3.0, 7.0):
        assert "real music" not in lines(with_music(both, both))
    one = with_music(7.0, 3.0)
    one.loc[(one["system"] == "b") & (one["metric"] == "frechet"), "value"] = 8.0
    assert "1 of 2 runs beat training clips" in lines(one)


def test_runs_no_better_than_noise_are_called_so():
    assert "b is no better than noise, or lies beyond it" in lines(table(a=(2, 1, 3), b=(8.5, 8, 9), noise=(9, 8, 10)))
    assert "lies below that of noise (9.00)" in lines(table(a=(2, 1, 3), b=(3, 2, 4), noise=(9, 8, 10)))


def test_captions_are_said_to_be_followed_only_above_zero():
    comparison = table()
    assert "none measurably follows" in lines(comparison)
    comparison.loc[(comparison["metric"] == "text_audio") & (comparison["system"] == "b"), "low"] = 0.05
    assert "1 of 2 runs have" in lines(comparison)


def test_a_far_baseline_leaves_the_scale_instead_of_pressing_the_runs_together():
    comparison = table(a=(2, 1.5, 2.5), b=(4, 3, 5), noise=(900, 800, 1000))
    block = blocks(comparison, columns(comparison, ["musicnn"]), {"a": 0, "b": 1}, {})[0]
    noise = next(row for row in block.others if row.name == "Noise")
    assert noise.cells[0][0].beyond
    assert not any(row.cells[0][0].beyond for row in block.runs)
    assert block.runs[1].cells[0][0].at > 50


def test_a_warning_stands_below_the_table_under_the_letter_in_its_cell():
    comparison = table(a=(2, 1.5, 2.5))
    comparison.loc[(comparison["system"] == "a") & (comparison["metric"] == "frechet"), "warnings"] = "few; fewer"
    block = blocks(comparison, columns(comparison, ["musicnn"]), {"a": 0, "b": 1}, {})[0]
    assert block.runs[0].cells[0][0].marks == ["a", "b"]
    assert block.notes == {"few": "a", "fewer": "b"}
    assert block.runs[1].cells[0][0].marks == []


def test_a_metric_stands_in_the_main_table_once_by_the_first_embedder_that_has_it():
    comparison = table()
    other = comparison[comparison["metric"] != "text_audio"].assign(embedder="vggish")
    both = pd.concat([comparison, other], ignore_index=True)
    found = [(c.metric, c.embedder) for c in columns(both, ["vggish", "musicnn"])]
    assert found == [("frechet", "vggish"), ("kl", "vggish"), ("text_audio", "musicnn")]


def test_a_budget_is_named_by_its_measure():
    found = [budget_name(*budget) for budget in (("iterations", 1200.0), ("flops", 6e12), ("gpu_hours", 1.5))]
    assert found == ["1,200 iterations", "6.00×10¹² FLOPs", "1.5 GPU-hours"]


def test_numbers_are_printed_with_three_digits_and_units():
    assert [significant(v) for v in (3.14159, 0.000123, 12345.6, -2.0, 0)] == [
        "3.14",
        "0.000123",
        "12,346",
        "−2.00",
        "0",
    ]
    assert significant(9.999) == "10.00" and power_of_ten(6.02e12) == "6.02×10¹²"
    assert (millions(1234567), millions(45678)) == ("1.23 M", "45.7 k")
    assert (clock(5.2), clock(65), clock(3725)) == ("5 s", "1 min 05 s", "1 h 02 min")
    assert listed(["a", "b", "c"]) == "a, b and c"


def test_smoothing_keeps_a_constant_and_the_first_value():
    assert smooth(np.full(50, 3.0)) == pytest.approx(np.full(50, 3.0))
    assert smooth(np.array([8.0, 1.0]))[0] == 8.0


def test_a_tone_lights_its_own_band_and_silence_none():
    rate = 24000
    tone = np.sin(2 * np.pi * 1000 * np.arange(rate) / rate)
    bands = mel_spectrogram(tone, rate).mean(axis=1)
    mel = 15.0, 15 + 27 * np.log(12) / np.log(6.4)  # of 1 kHz and of Nyquist, by Slaney's scale
    expected = mel[0] / mel[1] * 89 - 1
    assert abs(bands.argmax() - expected) <= 1
    assert (mel_spectrogram(np.zeros(100), rate) == -70).all()
    assert spectrogram_png(tone, rate).startswith(b"\x89PNG")


def test_losses_over_different_numbers_of_codebooks_are_not_compared():
    comparison = table().astype({"codebooks": "Int64"})
    comparison.loc[comparison["system"] == "a", "codebooks"] = 1
    [found] = [c for c in conclusions(comparison, paired(("a", "b", 0.5)), 1024) if c.heading.startswith("Under")]
    losses = [sentence for sentence in found.sentences if sentence.startswith("Loss")]
    assert [sentence.split(":")[0] for sentence in losses] == [
        "Loss on all 105 test clips over 1 codebook", "Loss on all 105 test clips over 4 codebooks"
    ]  # fmt: skip
    block = blocks(comparison, columns(comparison, ["musicnn"]), {"a": 0, "b": 1}, {})[0]
    assert [row.costs[0].subs for row in block.runs] == [("1 codebook",), ("4 codebooks",)]
