import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast, T5Config, T5EncoderModel, T5ForConditionalGeneration

from ssmttm.errors import UserError
from ssmttm.stages import text as text_stage
from ssmttm.tables import SCHEMAS, read_table, write_table
from ssmttm.text.base import load_encoder, width_of

LEXICON = "a slow fast piano piece metal track with drums and harp in minor major steady beat at the end of violin"
WORDS = LEXICON.split()
WIDTH = 12
CAPTIONS = ["metal", "a slow piano piece in minor", "fast track with steady drums and a beat at the end of the piece"]


def save_tokenizer(folder, words=WORDS):
    vocabulary = {"<pad>": 0, "</s>": 1, "<unk>": 2} | {word: i + 3 for i, word in enumerate(words)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, "<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokens = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **tokens).save_pretrained(folder)


def save_model(folder, seed=0, whole=False):
    torch.manual_seed(seed)
    sizes = {"d_model": WIDTH, "d_kv": 4, "d_ff": 16, "num_layers": 2, "num_heads": 3}
    config = T5Config(**sizes, vocab_size=len(WORDS) + 3)
    model = T5ForConditionalGeneration(config) if whole else T5EncoderModel(config)
    model.save_pretrained(folder)
    save_tokenizer(folder)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("t5") / "model")


def load(folder):
    return load_encoder({"encoder": "t5", "model": str(folder)})


@pytest.fixture(scope="module")
def encoder(folder):
    return load(folder)


def test_a_caption_alone_and_in_a_batch_is_the_same(encoder):
    many = [f"{c} with {w}" for w in WORDS for c in CAPTIONS]  # more than one batch, of many lengths
    for caption, embedding in zip(many, encoder.encode(many, 48)):
        np.testing.assert_allclose(encoder.encode([caption], 48)[0], embedding, atol=1e-5)


def test_embeddings_are_the_last_hidden_states_of_the_models_own_ids(encoder, folder):
    model = T5EncoderModel.from_pretrained(folder).eval()
    ids = torch.tensor([[WORDS.index(w) + 3 for w in ("slow", "piano")] + [1]])  # </s> at the end
    with torch.inference_mode():
        expected = model(input_ids=ids).last_hidden_state[0].numpy()
    (embedding,) = encoder.encode(["slow piano"], 48)
    assert embedding.dtype == np.float32
    np.testing.assert_allclose(embedding, expected, atol=1e-6)


@pytest.mark.parametrize("most", [2, 5, 9])
def test_a_long_caption_is_cut_and_keeps_its_end_token(encoder, most):
    words = CAPTIONS[2].split()
    (cut,) = encoder.encode([CAPTIONS[2]], most)
    assert cut.shape == (most, WIDTH)
    np.testing.assert_allclose(cut, encoder.encode([" ".join(words[: most - 1])], 48)[0], atol=1e-6)


def test_lengths_and_width(encoder):
    assert encoder.width == WIDTH == width_of({"encoder": "t5", "model": encoder._model.name_or_path})
    assert [len(e) for e in encoder.encode(CAPTIONS, 48)] == [2, 7, 15]
    assert encoder.encode([], 48) == []


def test_the_width_of_published_models_needs_no_weights():
    assert width_of({"encoder": "t5", "model": "google/flan-t5-base"}) == 768
    assert width_of({"encoder": "t5", "model": "google-t5/t5-small"}) == 512
    assert width_of({"encoder": "minilm"}) == 384


def test_the_encoder_of_a_whole_t5_is_used_without_its_decoder(tmp_path):
    assert load(save_model(tmp_path, whole=True)).encode(["piano"], 8)[0].shape == (2, WIDTH)


def test_the_identity_is_that_of_weights_and_tokenizer(encoder, folder, tmp_path):
    assert load(folder).identity == encoder.identity
    assert encoder.identity.startswith("t5:")
    other = save_model(tmp_path / "weights", seed=1)
    assert load(other).identity != encoder.identity
    same = save_model(tmp_path / "tokenizer")
    assert load(same).identity == encoder.identity
    save_tokenizer(same, WORDS[::-1])
    assert load(same).identity != encoder.identity


def test_what_is_beyond_the_tokens_and_what_is_unknown_is_found(encoder):
    found = encoder.read("a slow piano piece with drums", 5)
    assert (found.tokens, found.dropped, found.known) == (7, "with drums", 1)
    assert len(encoder.encode(["a slow piano piece with drums"], 48)[0]) == found.tokens
    assert encoder.read("медленное фортепиано", 5).known == 0


@pytest.mark.parametrize("empty", ["", "  \n"])
def test_an_empty_caption_is_an_error(encoder, empty):
    with pytest.raises(ValueError, match="is empty"):
        encoder.encode(["piano", empty], 48)


def test_no_room_for_a_word_is_an_error(encoder):
    with pytest.raises(ValueError, match="max_tokens"):
        encoder.encode(["piano"], 1)


def test_a_missing_model_says_how_to_get_it():
    with pytest.raises(UserError, match="hf download google/no-such-t5"):
        load("google/no-such-t5")
    with pytest.raises(UserError, match="/no/such/folder: no such folder"):
        load("/no/such/folder")
    with pytest.raises(UserError, match=r"data\.text\.model: the encoder t5 needs a model"):
        load_encoder({"encoder": "t5"})


def test_a_tokenizer_without_its_vocabulary_is_refused(tmp_path):
    save_model(tmp_path)
    save_tokenizer(tmp_path, [])
    with pytest.raises(UserError, match=f"tokenizer of .* has 3 tokens where the weights have {len(WORDS) + 3}"):
        load(tmp_path)


def test_a_missing_tokenizer_is_refused(folder, tmp_path):
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    with pytest.raises(UserError, match=r"data\.text\.model"):
        load(tmp_path)


def test_a_pickle_is_refused(folder, tmp_path):
    save_tokenizer(tmp_path)
    (tmp_path / "config.json").write_bytes((folder / "config.json").read_bytes())
    torch.save(T5EncoderModel.from_pretrained(folder).state_dict(), tmp_path / "pytorch_model.bin")
    with pytest.raises(UserError, match=r"no file named model\.safetensors"):
        load(tmp_path)


def test_the_stage_writes_its_embeddings(encoder, folder, tmp_path):
    rows = [
        dict.fromkeys(SCHEMAS["captions"].names) | {"clip_id": f"c{i}", "caption": c} for i, c in enumerate(CAPTIONS)
    ]
    write_table(tmp_path / "captions.parquet", "captions", rows)
    settings = {"encoder": "t5", "model": str(folder), "max_tokens": 10}
    text_stage.run({"text": settings}, tmp_path / "captions.parquet", tmp_path / "text.parquet", 1)
    written = read_table(tmp_path / "text.parquet", "text").to_pylist()
    for row, expected in zip(written, encoder.encode(CAPTIONS, 10), strict=True):
        embedding = np.array(row["embedding"], np.float32).reshape(row["length"], row["width"])
        np.testing.assert_allclose(embedding, expected, atol=2e-3, rtol=2e-3)
        assert row["encoder"] == encoder.identity
