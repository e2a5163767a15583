import json

import numpy as np
import pytest
import torch
from foreign_files import CLIPS, tune
from tiny_musicgen import CODES, save_musicgen
from transformers import AutoTokenizer, MusicgenDecoderConfig, MusicgenForCausalLM, MusicgenForConditionalGeneration

from ssmttm.accounting.musicgen import SMALL, SMALL_TRAINING, forward, training_flops
from ssmttm.audio.coded import decode_audio
from ssmttm.errors import UserError
from ssmttm.evaluation.systems import musicgen
from ssmttm.pretrained.musicgen import MusicGen, MusicGenSampling, load_musicgen
from ssmttm.stages import musicgen as stage
from ssmttm.tables import SCHEMAS, read_table, write_table

CAPTIONS = ["a slow piano piece", "fast metal", "a harp in major with a steady beat"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_musicgen(tmp_path_factory.mktemp("musicgen") / "model")


@pytest.fixture(scope="module")
def model(folder):
    return load_musicgen(str(folder), "key")


@pytest.mark.parametrize("guidance", [1.0, 3.0])
def test_the_likeliest_codes_are_those_of_transformers_own_generation(model, folder, guidance):
    own = model.generate(CAPTIONS, [1, 2, 3], 0.8, MusicGenSampling(guidance, 1))
    theirs = MusicgenForConditionalGeneration.from_pretrained(folder).eval()
    read = AutoTokenizer.from_pretrained(folder)(CAPTIONS, padding=True, return_tensors="pt")
    expected = theirs.generate(
        input_ids=read.input_ids, attention_mask=read.attention_mask, do_sample=False, guidance_scale=guidance,
        max_new_tokens=model.steps(0.8),
    )  # fmt: skip
    np.testing.assert_array_equal(np.stack(own), expected[:, 0].numpy())
    assert own[0].shape == (0.8 * model.sample_rate,)


def test_a_caption_is_drawn_by_its_own_seed_whatever_stands_beside_it(model):
    sampling = MusicGenSampling(top_k=CODES, temperature=1.5)
    together = model.generate(CAPTIONS, [7, 8, 9], 1.0, sampling)
    alone = model.generate(CAPTIONS[1:2], [8], 1.0, sampling)
    np.testing.assert_allclose(alone[0], together[1], atol=1e-5)
    again = model.generate(CAPTIONS, [7, 8, 9], 1.0, sampling)
    assert all(np.array_equal(a, b) for a, b in zip(together, again, strict=True))
    assert not np.allclose(model.generate(CAPTIONS[1:2], [9], 1.0, sampling)[0], alone[0])


def test_draws_follow_the_probabilities_of_the_top_k():
    from ssmttm.pretrained.musicgen import _draw

    logits = torch.log(torch.tensor([[0.5, 0.3, 0.15, 0.05]]))
    generator = torch.Generator().manual_seed(0)
    drawn = torch.cat([_draw(logits, MusicGenSampling(top_k=2), generator) for _ in range(4000)])
    share = torch.bincount(drawn, minlength=4) / 4000
    assert share[2] == share[3] == 0
    assert share[0] == pytest.approx(0.5 / 0.8, abs=0.03)


def test_lengths_and_captions_that_it_cannot_make_are_refused(model):
    with pytest.raises(ValueError, match="up to 30 s"):
        model.generate(CAPTIONS[:1], [1], 31.0, MusicGenSampling())
    with pytest.raises(ValueError, match="empty"):
        model.generate([" "], [1], 1.0, MusicGenSampling())


def test_weights_that_lack_are_stereo_or_without_a_vocabulary_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"^key: .*no such folder"):
        load_musicgen(str(tmp_path / "none"), "key")
    with pytest.raises(UserError, match="makes stereo"):
        load_musicgen(str(save_musicgen(tmp_path / "stereo", channels=2)), "key")
    with pytest.raises(UserError, match=r"the tokenizer of .* has 5 tokens where the weights have 19"):
        load_musicgen(str(save_musicgen(tmp_path / "empty", words=["a", "b"])), "key")
    weights = save_musicgen(tmp_path / "damaged") / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    with pytest.raises(UserError, match="cannot load the folder"):
        load_musicgen(str(weights.parent), "key")


def test_the_small_models_operations_are_the_references():
    per_step = forward(SMALL, SMALL_TRAINING.frames)
    steps = SMALL_TRAINING.frames + SMALL.codebooks - 1
    assert steps == 1503
    assert per_step.weights / steps == pytest.approx(721e6, rel=1e-3)  # 14 d² a layer and the heads
    assert (per_step.scores + per_step.later) / steps == pytest.approx(148e6, rel=5e-3)
    clips = SMALL_TRAINING.steps * SMALL_TRAINING.batch
    assert 3 * clips * (per_step.total + per_step.later) == pytest.approx(7.52e20, rel=5e-3)
    assert training_flops(SMALL, SMALL_TRAINING) == pytest.approx(6.89e20, rel=5e-3)
    assert training_flops(SMALL, SMALL_TRAINING, 60) / training_flops(SMALL, SMALL_TRAINING) < 1.02


def test_operations_are_those_that_torch_counts(model):
    from torch.utils.flop_counter import FlopCounterMode

    frames, tokens = 12, 5
    decoder, steps = model.model.decoder, frames + 3
    hidden = torch.randn(1, tokens, decoder.config.hidden_size)
    decoder.set_attn_implementation("eager")
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        decoder(input_ids=torch.zeros(4, steps, dtype=torch.int64), encoder_hidden_states=hidden, use_cache=False)
    counted = forward(musicgen.shape_of(model), frames, tokens)
    assert counted.total + counted.later == counter.get_total_flops()  # transformers multiplies all pairs, then masks


def test_the_small_model_has_the_published_number_of_trained_parameters():
    names = {"hidden_size": SMALL.width, "ffn_dim": SMALL.hidden, "num_codebooks": 4, "vocab_size": SMALL.codes}
    with torch.device("meta"):
        decoder = MusicgenForCausalLM(
            MusicgenDecoderConfig(num_hidden_layers=SMALL.layers, num_attention_heads=16, **names)
        )
        projection = torch.nn.Linear(768, SMALL.width)
    assert sum(p.numel() for part in (decoder, projection) for p in part.parameters()) == 420_371_456


@pytest.fixture
def prompts(tmp_path):
    empty = dict.fromkeys(SCHEMAS["captions"].names)
    rows = [empty | {"clip_id": f"c/{i}", "track_id": f"t{i}", "caption": c} for i, c in enumerate(CAPTIONS)]
    write_table(tmp_path / "prompts.parquet", "captions", rows)
    return tmp_path / "prompts.parquet"


def run(folder, prompts, out, **changes):
    settings = {"model": str(folder), "top_k": CODES, "batch": 2, "seconds": 0.6, **changes}
    spec = {"musicgen": settings, "seed": 1, "clips": CLIPS}
    stage.run(spec, prompts, out / "final.parquet", out / "facts.json", "cpu", 1)
    return read_table(out / "final.parquet", "generated").to_pylist(), json.loads((out / "facts.json").read_text())


def test_the_stage_writes_a_clip_per_prompt_and_what_the_system_cost(folder, prompts, tmp_path, model):
    rows, facts = run(folder, prompts, tmp_path / "out", flops=1.0e9)
    assert [(r["clip_id"], r["caption"], r["system"]) for r in rows] == [
        (f"c/{i}", c, "musicgen") for i, c in enumerate(CAPTIONS)
    ]
    assert {(r["sample_rate"], r["duration_s"]) for r in rows} == {(16000, 0.6)}
    assert len({r["seed"] for r in rows}) == 3
    assert (facts["kind"], facts["flops"], facts["hours"]) == ("external", 1.0e9, None)
    assert facts["parameters"] == sum(p.numel() for p in model.model.decoder.parameters()) + 16 * 24 + 24
    assert "guidance 3, top-k 16" in facts["note"]
    assert "0.6 s long, where the data set's clips are 4 s" in facts["note"]
    assert facts["model"] == model.identity
    assert not (tmp_path / "out" / "partial").exists()


def test_an_interrupted_stage_goes_on_and_ends_with_the_same_audio(folder, prompts, tmp_path, monkeypatch):
    whole, _ = run(folder, prompts, tmp_path / "whole")
    calls = []
    original = musicgen.Generator._rows

    def stop_at_second(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return original(*arguments)

    monkeypatch.setattr(musicgen.Generator, "_rows", stop_at_second)
    with pytest.raises(KeyboardInterrupt):
        run(folder, prompts, tmp_path / "cut")
    resumed, _ = run(folder, prompts, tmp_path / "cut")
    assert len(calls) == 3  # the first batch was not made again
    assert [r["audio"]["bytes"] for r in resumed] == [r["audio"]["bytes"] for r in whole]


def test_a_clip_below_the_level_of_silence_is_said_also_one_that_was_kept(folder, prompts, tmp_path, monkeypatch):
    def quiet_second(self, captions, *arguments):
        return [tune(0.6, 16000, 1) * (1e-3 if c == CAPTIONS[1] else 1) for c in captions]

    monkeypatch.setattr(MusicGen, "generate", quiet_second)
    monkeypatch.setattr(stage.shutil, "rmtree", lambda *arguments, **more: None)
    first, _ = run(folder, prompts, tmp_path / "out")
    monkeypatch.setattr(musicgen.Generator, "_rows", None)  # all batches are kept ones now
    again, facts = run(folder, prompts, tmp_path / "out")
    assert again == first
    assert "1 clip silent and scored as such: c/1; the others brought to -18 LUFS" in facts["note"]


def test_other_settings_start_anew(folder, prompts, tmp_path, monkeypatch):
    first = tmp_path / "out" / "partial"
    again, _ = run(folder, prompts, tmp_path / "out")
    rows, _ = run(folder, prompts, tmp_path / "out", temperature=2.0)
    assert not first.exists()
    assert not np.array_equal(decode_audio(rows[0]["audio"]["bytes"])[0], decode_audio(again[0]["audio"]["bytes"])[0])


def test_the_published_training_is_that_of_the_small_models_shape_only(model, monkeypatch):
    assert musicgen.stated(model, {})["flops"] is None
    monkeypatch.setattr(musicgen, "shape_of", lambda model: SMALL)
    small = musicgen.stated(model, {"note": "mine"})
    assert small["hours"] == 20000
    assert small["flops"] == training_flops(SMALL, SMALL_TRAINING)
    assert small["note"].startswith("mine; of MusicGen-small's shape")


def test_without_weights_the_stage_says_which_key_to_set(prompts, tmp_path):
    with pytest.raises(UserError, match=r"evaluation\.musicgen\.model: names no weights"):
        stage.run({"musicgen": None, "clips": CLIPS, "seed": 1}, prompts, tmp_path / "a", tmp_path / "b", "cpu", 1)
