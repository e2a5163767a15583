"""A tiny MusicGen with random weights, saved as transformers saves the published ones."""

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    EncodecConfig,
    MusicgenConfig,
    MusicgenDecoderConfig,
    MusicgenForConditionalGeneration,
    PreTrainedTokenizerFast,
    T5Config,
)

LEXICON = "a slow fast piano piece metal track with drums and harp in minor major steady beat"
WORDS = LEXICON.split()
CODES = 16


def save_musicgen(folder, seed=0, channels=1, words=WORDS):
    """16 kHz, 25 frames a second, 4 codebooks."""
    vocabulary = {"<pad>": 0, "</s>": 1, "<unk>": 2} | {word: i + 3 for i, word in enumerate(words)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, "<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    special = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(folder)
    text = T5Config(vocab_size=len(WORDS) + 3, d_model=16, d_kv=8, d_ff=24, num_layers=1, num_heads=2)
    audio = EncodecConfig(
        sampling_rate=16000, num_filters=4, upsampling_ratios=[8, 5, 4, 4], hidden_size=8, codebook_size=CODES,
        codebook_dim=8, target_bandwidths=[0.4], num_lstm_layers=1,
    )  # fmt: skip
    decoder = MusicgenDecoderConfig(
        vocab_size=CODES, num_hidden_layers=2, hidden_size=24, ffn_dim=32, num_attention_heads=2,
        num_codebooks=4 * channels, pad_token_id=CODES, bos_token_id=CODES, audio_channels=channels,
    )  # fmt: skip
    torch.manual_seed(seed)
    config = MusicgenConfig(text_encoder=text.to_dict(), audio_encoder=audio.to_dict(), decoder=decoder.to_dict())
    model = MusicgenForConditionalGeneration(config).eval()
    for layer in model.audio_encoder.quantizer.layers:
        torch.nn.init.normal_(layer.codebook.embed)  # else zeros: all codes would sound alike
    for name in ("decoder_start_token_id", "pad_token_id", "bos_token_id"):
        setattr(model.generation_config, name, CODES)
    model.save_pretrained(folder)
    return folder
