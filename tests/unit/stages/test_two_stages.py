"""Generating with a language model of level 1 and a refiner of the others; what is missing or doesn't fit is said."""

import json
import shutil

import numpy as np
import pytest
import soundfile
import torch
from run_folders import RATE, SETTINGS, Words, tiny_codec, write_refiner, write_run

from ssmttm.codecs.base import load_codec
from ssmttm.codecs.spectral import SpectralCodec
from ssmttm.errors import UserError
from ssmttm.files import sha256_file
from ssmttm.generation import pipeline, streaming
from ssmttm.generation.latent_samplers import Refinement
from ssmttm.generation.pipeline import Pipeline
from ssmttm.generation.sampler import Sampling
from ssmttm.generation.second_stage import find_refiner
from ssmttm.stages import generate

SAMPLING = Sampling.from_settings(SETTINGS)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run's folder with its refiner."""
    folder = write_run(tmp_path_factory.mktemp("results"), codebooks=1)
    write_refiner(folder / "refiner.safetensors", tiny_codec())
    return folder


@pytest.fixture(autouse=True)
def words(monkeypatch):
    monkeypatch.setattr(pipeline, "load_encoder", lambda settings: Words())
    yield
    torch.use_deterministic_algorithms(False)


@pytest.fixture
def own(run, tmp_path):
    """A copy that may be changed, with its data set."""
    return shutil.copytree(run.parent.parent, tmp_path / "results") / "runs" / "r"


def call(run, out, prompt="calm piano", seconds=1.0, settings=(), **more):
    generate.run({**SETTINGS, **dict(settings)}, run, out, prompt, None, seconds, None, "cpu", 1, **more)
    return soundfile.read(out)[0]


def load(run, refinement=None, **more):
    refinement = refinement or Refinement.from_settings(SETTINGS)
    return Pipeline.load(run, None, torch.device("cpu"), "fp32", refinement, **more)


def features_of(monkeypatch):
    """Collects what is decoded, instead of decoding it."""
    seen = []

    def watch(self, z, first=0):
        seen.append(z)
        return np.zeros(512 * len(z), np.float32)

    monkeypatch.setattr(SpectralCodec, "decode_latents", watch)
    return seen


def test_the_refiner_of_the_folder_is_used_and_the_same_seed_gives_the_same_audio(run, own, tmp_path):
    wave = call(run, tmp_path / "a.wav")
    assert len(wave) == RATE
    assert np.array_equal(wave, call(run, tmp_path / "b.wav"))
    assert not np.array_equal(wave, call(run, tmp_path / "c.wav", settings={"seed": 2}))
    (own / "refiner.safetensors").unlink()
    assert not np.array_equal(wave, call(own, tmp_path / "d.wav"))


def test_another_refiner_can_be_named_and_is_seen_in_the_result(own, tmp_path, ssmttm):
    before = call(own, tmp_path / "a.wav")
    other = write_refiner(tmp_path / "other.safetensors", tiny_codec(), backbone="unet", objective="flow")
    with pytest.raises(UserError, match="trained by flow: set euler"):
        call(own, tmp_path / "b.wav", refiner=other)
    assert not np.array_equal(before, call(own, tmp_path / "b.wav", refiner=other, settings={"sampler": "euler"}))
    words = ("generate", "--model", str(own), "--prompt", "calm piano", "--device", "cpu", "--threads", "1")
    for steps in ("2", "9"):
        assert ssmttm(*words, "--out", str(tmp_path / f"{steps}.wav"), "--steps", steps)[0] == 0
    assert (tmp_path / "2.wav").read_bytes() != (tmp_path / "9.wav").read_bytes()


def test_level_1_is_what_the_language_model_wrote(run, monkeypatch):
    seen = features_of(monkeypatch)
    codec = load_codec(run.parent.parent / "data" / "v1" / "codec.safetensors")
    stages = load(run, Refinement("ddim", 3, 1.0, snap=True))
    written = []
    generate_codes = pipeline.generate_codes
    monkeypatch.setattr(pipeline, "generate_codes", lambda *a: written.append(generate_codes(*a)) or written[-1])
    list(stages.generate(["calm piano"], SAMPLING, [1], 1.0))
    first = written[0][0, 0].numpy()
    rest = seen[0] - codec.latents(first[None], 1)
    assert np.array_equal(codec.snap(first, rest)[0], first)
    np.testing.assert_allclose(codec.latents(codec.snap(first, rest), 3), seen[0], atol=1e-5)


def test_a_stream_decodes_the_frames_of_the_whole(run, monkeypatch):
    stages = load(run)
    seen = features_of(monkeypatch)
    wave = next(stages.generate(["calm piano"], SAMPLING, [1], 4.6))
    (whole,) = seen
    seen.clear()
    monkeypatch.setattr(streaming.StreamDecoder, "_best_shift", lambda *rest: 0)
    pushed = []
    push = streaming.StreamDecoder.push
    monkeypatch.setattr(streaming.StreamDecoder, "push", lambda self, z: pushed.append(z) or push(self, z))
    blocks = list(stages.stream("calm piano", SAMPLING, 1, 4.6))
    np.testing.assert_allclose(np.stack(pushed), whole, atol=1e-4)
    assert sum(map(len, blocks)) == len(wave)
    assert len(blocks) > 2
    assert max(map(len, seen)) < len(whole)


def test_audio_is_continued_with_the_levels_that_it_has(run, tmp_path, monkeypatch):
    codec = load_codec(run.parent.parent / "data" / "v1" / "codec.safetensors")
    stages, seen = load(run), features_of(monkeypatch)
    given = (0.1 * np.random.default_rng(1).normal(size=RATE)).astype(np.float32)
    prompt = stages.encode_prompt(given)
    assert prompt.shape == (3, len(given) // 512)
    (wave,) = stages.generate(["calm piano"], SAMPLING, [1], 1.0, prompt=prompt)
    assert len(wave) == prompt.shape[1] * 512 + RATE
    np.testing.assert_allclose(seen[0][: prompt.shape[1]], codec.latents(prompt, 3), atol=1e-4)
    alone = next(stages.generate(["calm piano"], SAMPLING, [1], 1.0))
    assert len(alone) == RATE
    streamed = np.concatenate(list(stages.stream("calm piano", SAMPLING, 1, 1.0, prompt=prompt)))
    assert len(streamed) == len(wave)


def test_a_missing_or_exchanged_refiner_is_named(own, tmp_path):
    path = own / "refiner.safetensors"
    right = sha256_file(path)
    (own / "refiner.json").write_text(json.dumps({"run": "small", "sha256": {"model.safetensors": right}}))
    assert find_refiner(own) == path
    write_refiner(path, tiny_codec(), backbone="unet")
    with pytest.raises(UserError, match=rf"has SHA-256 {sha256_file(path)}, but .* the refiner small with .* {right}"):
        call(own, tmp_path / "x.wav")
    path.unlink()
    with pytest.raises(
        UserError, match=rf"refiner\.safetensors: no such file, but .* small with SHA-256 {right}.*--refiner"
    ):
        call(own, tmp_path / "x.wav")
    with pytest.raises(UserError, match="no such file"):
        call(own, tmp_path / "x.wav", refiner=tmp_path / "none.safetensors")
    (own / "refiner.json").unlink()
    assert find_refiner(own) is None


def test_a_refiner_that_does_not_fit_the_run_is_refused_before_any_work(own, tmp_path):
    path = own / "refiner.safetensors"
    write_refiner(path, tiny_codec(seed=5))
    with pytest.raises(UserError, match=f"for the codec {tiny_codec(seed=5).identity}, but the run is of"):
        call(own, tmp_path / "x.wav")
    write_refiner(path, tiny_codec(), encoder="minilm:1")
    with pytest.raises(UserError, match="for the text encoder minilm:1, but the run is of words:1"):
        call(own, tmp_path / "x.wav")
    write_refiner(path, tiny_codec(), levels=4)
    with pytest.raises(UserError, match=r"a refiner of 4 levels, but the codec .* has 3"):
        call(own, tmp_path / "x.wav")
    shutil.copy(own / "model.safetensors", path)
    with pytest.raises(UserError, match="not a refiner that `ssmttm refiner train` wrote"):
        call(own, tmp_path / "x.wav")
    path.write_bytes(b"PK\x03\x04 pickled")
    with pytest.raises(UserError, match="pickled checkpoints are not loaded"):
        call(own, tmp_path / "x.wav")
    assert not (tmp_path / "x.wav").exists()


def test_a_refiner_goes_on_from_one_codebook_alone(tmp_path):
    folder = write_run(tmp_path, codebooks=2)
    write_refiner(folder / "refiner.safetensors", tiny_codec())
    with pytest.raises(UserError, match=r"writes 2 codebooks; use a run with model\.codebooks 1"):
        call(folder, tmp_path / "x.wav")
