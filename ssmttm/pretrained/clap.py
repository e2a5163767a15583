"""CLAP (Wu et al. 2023) as transformers runs it, from its folders and from LAION's own checkpoints."""

import re
from pathlib import Path

from transformers import ClapConfig, ClapFeatureExtractor, ClapModel, PreTrainedTokenizerBase

from ssmttm.errors import UserError
from ssmttm.pretrained.checkpoints import State, fill, need, numbers, read_weights
from ssmttm.pretrained.hub import load_pretrained, load_tokenizer, local

SAMPLE_RATE = 48000
WINDOW = 10 * SAMPLE_RATE
_HEAD = 64  # width of a text attention head, in every published checkpoint
_UNUSED: tuple[str, ...] = ("audio_transform.", "text_transform.", "audio_branch.spectrogram_extractor.")
_UNUSED += ("audio_branch.logmel_extractor.", "audio_branch.tscam_conv.", "audio_branch.head.")
_RENAMED = (
    (r"^text_branch\.", "text_model."),
    (r"^audio_branch\.bn0\.", "audio_model.audio_encoder.batch_norm."),
    (r"^audio_branch\.", "audio_model.audio_encoder."),
    (r"\.attn\.proj\.", ".attention.output.dense."),
    (r"\.attn\.", ".attention.self."),
    (r"\.mlp\.fc1\.", ".intermediate.dense."),
    (r"\.mlp\.fc2\.", ".output.dense."),
    (r"\.norm1\.", ".layernorm_before."),
    (r"\.norm2\.", ".layernorm_after."),
    (r"_projection\.0\.", "_projection.linear1."),
    (r"_projection\.2\.", "_projection.linear2."),
)
_LAYERS: tuple[str, ...] = ("audio_branch.patch_embed.proj.weight", "text_branch.embeddings.word_embeddings.weight")
_LAYERS += ("text_branch.embeddings.position_embeddings.weight", "text_branch.encoder.layer.0.intermediate.dense.bias")
_LAYERS += ("audio_projection.0.weight", "audio_branch.norm.weight")


def load_clap(path: Path, key: str, remedy: str) -> ClapModel:
    """The model of a transformers folder or of one of LAION's files; UserError when it is neither or damaged."""
    if path.is_dir():
        return load_pretrained(ClapModel, str(path), key)
    state = read_weights(path, key, remedy)
    need(state, _LAYERS, str(path), remedy)
    model = ClapModel(config_of(state))
    fill(model, {**_constants(model), **renamed(state)}, str(path), remedy)
    return model


def config_of(state: State) -> ClapConfig:
    """The sizes of LAION's checkpoint `state`, as far as they show in shapes; the rest is common to all of them."""
    stages = numbers(state, r"audio_branch\.layers\.(\d+)\.")
    depths = [len(numbers(state, rf"audio_branch\.layers\.{i}\.blocks\.(\d+)\.")) for i in stages]
    bias = "audio_branch.layers.{}.blocks.0.attn.relative_position_bias_table"
    fused = "audio_branch.patch_embed.mel_conv2d.weight" in state
    joint, hidden = state["audio_projection.0.weight"].shape
    vocabulary, width = state["text_branch.embeddings.word_embeddings.weight"].shape
    audio = {
        "depths": depths,
        "num_attention_heads": [state[bias.format(i)].shape[1] for i in stages],
        "num_hidden_layers": len(depths),
        "patch_embeds_hidden_size": len(state["audio_branch.patch_embed.proj.weight"]),
        "hidden_size": hidden,
        "enable_fusion": fused,
        "fusion_type": "aff_2d" if fused else None,
    }
    text = {
        "vocab_size": vocabulary,
        "hidden_size": width,
        "num_hidden_layers": len(numbers(state, r"text_branch\.encoder\.layer\.(\d+)\.")),
        "num_attention_heads": max(width // _HEAD, 1),
        "intermediate_size": len(state["text_branch.encoder.layer.0.intermediate.dense.bias"]),
        "max_position_embeddings": len(state["text_branch.embeddings.position_embeddings.weight"]),
        "layer_norm_eps": 1e-5,  # of RoBERTa, which LAION takes; transformers' default for CLAP is 1e-12
    }
    return ClapConfig(audio_config=audio, text_config=text, projection_dim=joint)


def renamed(state: State) -> State:
    """LAION's tensors under transformers' names, without those that no embedding needs."""
    ours: State = {}
    for name, tensor in state.items():
        if name.startswith(_UNUSED) or name.endswith((".attn_mask", "position_ids", "token_type_ids")):
            continue
        for pattern, new in _RENAMED:
            name = re.sub(pattern, new, name)
        if ".self.qkv." in name:
            for part, piece in zip(("query", "key", "value"), tensor.chunk(3)):
                ours[name.replace(".qkv.", f".{part}.")] = piece
        else:
            ours[name] = tensor
    return ours


def _constants(model: ClapModel) -> State:
    """Buffers that are no weights."""
    return {name: t for name, t in model.state_dict().items() if name.endswith(("position_ids", "token_type_ids"))}


def extractor(model: ClapModel, path: Path, key: str) -> ClapFeatureExtractor:
    """Waves to log-mel spectrograms as the model was trained: the folder's settings, or those of LAION's files."""
    if path.is_dir() and (path / "preprocessor_config.json").is_file():
        own = local(lambda: ClapFeatureExtractor.from_pretrained(path, local_files_only=True), str(path), key)
        if (own.sampling_rate, own.nb_max_samples) != (SAMPLE_RATE, WINDOW):
            raise UserError(f"{key}: {path}: wants {own.nb_max_samples} samples at {own.sampling_rate} Hz, not 10 s")
        return own
    return ClapFeatureExtractor(frequency_min=50, frequency_max=14000, feature_size=64)


def tokenizer(folder: Path, vocabulary: int, key: str) -> PreTrainedTokenizerBase:
    """The tokenizer in `folder`; UserError unless it knows `vocabulary` tokens."""
    remedy = "put the files of roberta-base there (tokenizer.json, or vocab.json and merges.txt)"
    return load_tokenizer(str(folder), key, vocabulary, 1.0, remedy)
