import json

import numpy as np
import pytest
import torch
from tiny_embedders import clap, clap_config, laion_names, randomized, tokenizer
from transformers import ClapModel

from ssmttm.contracts.holding import music
from ssmttm.errors import UserError
from ssmttm.evaluation.embedder import load_embedder

TEXTS = ["a calm piano", "loud drum and a piano with a drum", "drum"]


@pytest.fixture(scope="module")
def embedder(models):
    return load_embedder("clap", models)


def test_audio_and_texts_meet_on_the_unit_sphere(embedder):
    audio, texts = embedder.analyze(music(3.0), 24000).windows, embedder.embed_texts(TEXTS)
    assert audio.shape[1] == texts.shape[1] == embedder.dim
    np.testing.assert_allclose(np.linalg.norm(np.concatenate([audio, texts]), axis=1), 1, atol=1e-5)


def test_a_text_alone_is_the_text_in_a_batch(embedder):
    together = embedder.embed_texts(TEXTS)
    np.testing.assert_allclose(together, np.concatenate([embedder.embed_texts([t]) for t in TEXTS]), atol=1e-6)
    assert np.abs(together[0] - together[1]).max() > 1e-3
    assert embedder.embed_texts([]).shape == (0, embedder.dim)


def test_an_empty_text_is_refused(embedder):
    with pytest.raises(ValueError, match="text 1 of 2 is empty"):
        embedder.embed_texts(["drum", " "])


def test_the_last_window_of_a_long_clip_ends_with_it(embedder):
    wave = music(25.0, 48000)
    found = embedder.analyze(wave, 48000).windows
    assert len(found) == 3
    for row, part in zip(found, (wave[:480000], wave[480000:960000], wave[-480000:])):
        np.testing.assert_allclose(row, embedder.analyze(part, 48000).windows[0], atol=1e-6)


def test_windows_of_a_model_with_fusion_are_the_same_every_time(tmp_path):
    embedder = load_embedder("clap", {"clap": clap(tmp_path, fused=True)})
    clips = [(music(12.0, 48000, seed), 48000) for seed in range(2)]
    first, again = embedder.analyze_many(clips), embedder.analyze_many(clips)
    for clip, a, b in zip(clips, first, again):
        np.testing.assert_array_equal(a.windows, b.windows)
        np.testing.assert_allclose(a.windows, embedder.analyze(*clip).windows, atol=1e-6)


@pytest.mark.parametrize("fused", [False, True])
def test_a_checkpoint_of_laion_is_the_same_model(tmp_path, fused):
    vocabulary = tokenizer(tmp_path / "words")
    model = randomized(ClapModel(clap_config(vocabulary, fused)), 3)
    model.save_pretrained(tmp_path / "folder")
    tokenizer(tmp_path / "folder")
    state = {f"module.{name}": tensor for name, tensor in laion_names(model).items()}
    state["module.text_branch.embeddings.position_ids"] = torch.arange(82)[None]
    state["module.audio_branch.tscam_conv.weight"] = torch.zeros(2, 2)
    torch.save({"epoch": 1, "metric": np.float64(0.5), "state_dict": state}, tmp_path / "laion.pt")
    folder = load_embedder("clap", {"clap": tmp_path / "folder"})
    file = load_embedder("clap", {"clap": {"weights": tmp_path / "laion.pt", "tokenizer": tmp_path / "words"}})
    wave = music(12.0)
    np.testing.assert_allclose(file.analyze(wave, 24000).windows, folder.analyze(wave, 24000).windows, atol=1e-6)
    np.testing.assert_allclose(file.embed_texts(TEXTS), folder.embed_texts(TEXTS), atol=1e-6)


def test_texts_need_a_tokenizer(tmp_path, models):
    vocabulary = tokenizer(tmp_path / "words")
    torch.save(laion_names(randomized(ClapModel(clap_config(vocabulary)))), tmp_path / "laion.pt")
    embedder = load_embedder("clap", {"clap": tmp_path / "laion.pt"})
    with pytest.raises(UserError, match="texts need `tokenizer`"):
        embedder.embed_texts(TEXTS)


def test_a_tokenizer_without_its_vocabulary_is_refused(tmp_path):
    folder = clap(tmp_path)
    words = folder / "tokenizer.json"
    found = json.loads(words.read_text())
    found["model"]["vocab"] = dict(list(found["model"]["vocab"].items())[:5])
    words.write_text(json.dumps(found))
    with pytest.raises(UserError, match=r"the tokenizer of .* has 5 tokens where the weights have"):
        load_embedder("clap", {"clap": folder})
