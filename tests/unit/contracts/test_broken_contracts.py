"""A plug-in that breaks its contract ends in a message with its name, its package, and the test that shows it."""

import json

import pytest
import torch
from plugin_packages import EXAMPLE, write_package
from training_data import tiny_spec, write_dataset

from ssmttm.contracts.checks import assure, failures
from ssmttm.tables import write_table

SOURCES = EXAMPLE / "src" / "ssmttm_example"

BREAKS = [
    (
        "mixers",
        "min_gru",
        "self.out(h), None if",
        "self.out(h.flip(1)), None if",
        "test_outputs_depend_on_no_later_input",
    ),
    ("mixers", "min_gru", "(1 - z) * state", "z * state", "test_step_by_step_equals_forward"),
    (
        "mixers",
        "min_gru",
        "x.dtype)\n        h = recur",
        "x.dtype) * 0\n        h = recur",
        "test_in_two_pieces_equals_in_one",
    ),
    ("mixers", "min_gru", "z = z * mask", "z = z + 0 * mask", "test_padding_on_the_left_changes_nothing"),
    (
        "mixers",
        "min_gru",
        "(self.gate, self.candidate, self.out)",
        "(self.gate, self.out)",
        "test_counted_products_are",
    ),
    ("mixers", "min_gru", "self.inner * element_size", "self.inner", "test_state_bytes_are_those_of_the_state"),
    (
        "mixers",
        "min_gru",
        "return self.out(h), None if",
        "return self.out(h - h.mean(0)), None if",
        "test_sequences_of_a",
    ),
    (
        "mixers",
        "min_gru",
        "    def __init__(self, config",
        "    recordable = True\n\n    def __init__(self, config",
        "test_steps_that_can_be_recorded",
    ),
    ("mixers", "min_gru", "sigmoid(self.gate(x))", "sigmoid(self.gate(x).detach())", "test_every_parameter_learns"),
    ("codecs", "cosines", ".astype(np.float32).ravel()", ".ravel()[:-1]", "test_any_length_goes_there_and_back"),
    ("codecs", "cosines", "return HOP, HOP", "return HOP, 1", "test_what_is_known_without_weights_is_true"),
    ("codecs", "cosines", "default_rng(seed)", "default_rng()", "test_the_same_input_gives_the_same_output"),
    ("codecs", "cosines", "self._books[1:].copy()", "self._books[1:] * 1.5", "test_joined_latents_are_those_of_all"),
    (
        "codecs",
        "cosines",
        "codes, latents = checked_rest(self, first, rest, HOP)\n        return self",
        "codes, latents = first[None] % 16, rest\n        return self",
        "test_other_shapes_and_codes",
    ),
    ("embedders", "band_levels", 'identity = f"band_levels:', 'identity = f"band_levels ', "test_it_says_what_it_is"),
    (
        "embedders",
        "band_levels",
        "energies = torch",
        "batch = batch / batch.std()\n        energies = torch",
        "test_a_clip_alone",
    ),
    ("embedders", "band_levels", "+ FLOOR", "", "test_silence_has_a_finite_embedding"),
    (
        "metrics",
        "centroid",
        "/ usual, settings)",
        "/ usual, settings) | {'low': 9e9}",
        "test_a_score_is_a_number_with_its",
    ),
    (
        "metrics",
        "centroid",
        "own = clip_means(reference)",
        "own = clip_means(reference) + np.random.rand()",
        "test_the_same_clips",
    ),
    ("metrics", "centroid", 'BETTER = "lower"', 'BETTER = "less"', "test_it_says_what_it_is"),
    ("sources", "tones", 'track_id=f"tones:{number}"', 'track_id=f"{number}"', "test_ids_are_its_own"),
    ("sources", "tones", 'Evidence("catalog"', 'Evidence("rumor"', "test_problems_and_evidence_are"),
    ("sources", "tones", "duration_s=seconds", "duration_s=9 * seconds", "test_a_fetched_file_is_whole_audio"),
    ("sources", "tones", "if found is None", "if False", "test_a_track_that_can_not_be_had_is_unavailable"),
    ("text_encoders", "word_hashes", "[:max_tokens]", "", "test_embeddings_are_a_row_for_each_token"),
    ("text_encoders", "word_hashes", "raise ValueError(", "words.append(", "test_an_empty_caption_is_refused"),
    ("text_encoders", "word_hashes", "kept=max_tokens", "kept=99", "test_what_is_read_of_a_text_is_told"),
]

INDEX = json.dumps(
    {
        "sources": {"tones": {"tracks": 2}},
        "clips": {"seconds": 6.0, "sample_rate": 24000, "loudness_lufs": -18.0, "silence_lufs": -50.0}
        | {"max_track_seconds": 99.0},
        "fetch": {"connections": 1, "attempts": 1, "timeout_s": 1.0, "keep": True},
    }
)
"""What stage `index` takes."""


def install(site, kind, name, old, new):
    """A package `faulty` with the example's plug-in, in which `old` became `new`."""
    text = (SOURCES / f"{name}.py").read_text()
    assert old in text
    files = {"faulty/__init__.py": "", f"faulty/{name}.py": text.replace(old, new, 1)}
    return write_package(site, "faulty", {f"{kind}:{name}": f"faulty.{name}"}, files)


@pytest.mark.parametrize(("kind", "name", "old", "new", "test"), BREAKS, ids=[f"{b[1]}-{b[4]}" for b in BREAKS])
def test_each_break_is_named_by_its_test(use, tmp_path, kind, name, old, new, test):
    use(install(tmp_path / "site", kind, name, old, new))
    broken = [check.name for check, told in failures(kind, name) if told is not None]
    assert any(found.startswith(test) for found in broken), broken


@pytest.fixture
def backward(use, tmp_path):
    """A mixer that sees later frames."""
    kind, name, old, new, _ = BREAKS[0]
    use(install(tmp_path / "site", kind, name, old, new))


def test_a_training_with_a_mixer_that_sees_later_frames_is_refused_before_it_starts(backward, tmp_path, ssmttm):
    data = write_dataset(tmp_path / "data")
    spec = tiny_spec()
    spec["variant"]["mixer"] = "min_gru"
    words = ["--run", "x", "--data", data, "--out", tmp_path / "out", "--device", "cpu", "--spec", json.dumps(spec)]
    status, _, message = ssmttm("train", *map(str, words))
    assert status == 2 and not (tmp_path / "out").exists()
    assert (
        "ssmttm: the mixer 'min_gru' of faulty 1.0 breaks the contract of mixers: test_outputs_depend_on_no_" in message
    )
    assert message.rstrip().endswith("See all that is broken: ssmttm plugin test min_gru")


def test_the_command_tells_all_that_is_broken_and_fails(backward, ssmttm):
    status, output, _ = ssmttm("plugin", "test", "min_gru")
    assert status == 1
    assert "  BROKEN  test_outputs_depend_on_no_later_input: frames before 12 saw later ones" in output
    assert "  ok      test_it_loads" in output and output.rstrip().endswith("broken: 4 of these tests")


def test_ours_are_not_tried_at_each_use(monkeypatch):
    monkeypatch.setattr("ssmttm.contracts.checks.checks", lambda *_: pytest.fail("ours was tried"))
    assure("mixers", ["mamba2", "attention"])


def test_a_metric_is_tried_before_it_scores(use, tmp_path, ssmttm):
    use(install(tmp_path / "site", "metrics", "centroid", 'BETTER = "lower"', 'BETTER = "less"'))
    row = {
        **{
            "clip_id": "a",
            "caption": "a",
            "windows": 1,
            "dim": 2,
            "backend": "x:1",
            "embedding": [1.0, 2.0],
            "text": [],
        },
        **{"posterior": [], "activation": "none", "duration_s": 1.0, "sample_rate": 8000, "channels": 1},
    }
    write_table(tmp_path / "e.parquet", "embeddings", [row])
    spec = {"metrics": ["centroid"], "bootstrap": 20, "confidence": 0.9, "seed": 1, "training_clips": 10}
    found = [f"--reference={name}={tmp_path / 'e.parquet'}" for name in ("originals", "codec")]
    words = ["--embedder", "musicnn", "--system", "s", "--embeddings", tmp_path / "e.parquet", *found, "--out",
             tmp_path / "s.json", "--spec", json.dumps(spec)]  # fmt: skip
    status, _, message = ssmttm("score", *map(str, words))
    assert status == 2 and "the metric 'centroid' of faulty 1.0 breaks the contract of metrics: test_it_says" in message


def test_an_error_out_of_a_plug_in_is_told_as_its_own(use, tmp_path, ssmttm, monkeypatch):
    new = "context.progress(1 / 0, settings"
    use(install(tmp_path / "site", "sources", "tones", "context.progress(number, settings", new))
    words = ["index", "--out", tmp_path / "index.parquet", "--cache", tmp_path / "cache", "--spec", INDEX]
    status, _, message = ssmttm(*map(str, words))
    assert status == 1 and "ZeroDivisionError" in message
    assert message.rstrip().endswith(
        "ssmttm: this came out of the source 'tones' of faulty 1.0; what is wrong with it: ssmttm plugin test tones"
    )


def test_a_source_that_lists_for_another_one_is_refused(use, tmp_path, ssmttm):
    use(install(tmp_path / "site", "sources", "tones", 'source="tones"', 'source="debian"'))
    words = ["index", "--out", tmp_path / "index.parquet", "--cache", tmp_path / "cache", "--spec", INDEX]
    status, _, message = ssmttm(*map(str, words))
    assert status == 2 and "data.sources.tones: it lists a track 'tones:0' of source 'debian'" in message


def test_the_order_of_tests_leaves_torch_as_it_was():
    before = torch.random.get_rng_state()
    list(failures("mixers", "attention"))
    assert torch.equal(before, torch.random.get_rng_state())
