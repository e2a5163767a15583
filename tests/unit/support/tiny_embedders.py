"""Tiny networks of the embedders' own classes, with random weights, saved as the published ones are."""

import json
import re

import numpy as np
import torch
from safetensors.torch import save_file
from transformers import ClapConfig, ClapFeatureExtractor, ClapModel, EncodecConfig, EncodecModel, RobertaTokenizer

from ssmttm.pretrained.openl3 import OpenL3
from ssmttm.pretrained.panns import Cnn14
from ssmttm.pretrained.passt import Layout, Passt
from ssmttm.pretrained.vggish import VGGish

WORDS = ["a", "calm", "loud", "piano", "drum", "with", "and"]


def randomized(network, seed=0, scale=0.3):
    """Random weights, statistics of normalizations included, so that no layer is neutral."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if tensor.is_floating_point() and name not in ("mel", "window"):
                fan = max(tensor[0].numel() if tensor.ndim > 1 else 1, 1)
                random = torch.randn(tensor.shape, generator=generator) * (
                    scale if tensor.ndim < 2 else (2 / fan) ** 0.5
                )
                positive = name.endswith("running_var") or (tensor.ndim == 1 and name.endswith("weight"))
                tensor.copy_(random.abs() + 0.7 if positive else random)
    return network.eval()


def vggish(folder, seed=0):
    network = randomized(VGGish((4, 4, 6, 6, 8, 8), (16, 16, 12)), seed)
    save_file(network.state_dict(), folder / "vggish.safetensors")
    return folder / "vggish.safetensors"


def pann_state(fft=512, seed=0, widths=(4, 4, 6, 6, 8, 8), dim=10, classes=5):
    """A state dict under the names of the published checkpoints."""
    from ssmttm.captions.by_librosa import librosa

    network = randomized(Cnn14(fft, 64, widths, dim, classes), seed)
    state = {name: tensor.clone() for name, tensor in network.state_dict().items() if name != "mel"}
    rate = network.sample_rate
    mel = librosa.filters.mel(sr=rate, n_fft=fft, n_mels=64, fmin=50, fmax=min(14000, rate // 2))
    return state | {"logmel_extractor.melW": torch.from_numpy(mel.T.copy())}


def pann(folder, seed=0):
    torch.save({"iteration": 7, "model": pann_state(seed=seed)}, folder / "Cnn14_16k.pth")
    return folder / "Cnn14_16k.pth"


def openl3(folder, seed=0):
    save_file(randomized(OpenL3((2,) * 4 + (4, 4, 4, 6)), seed).state_dict(), folder / "openl3.safetensors")
    return folder / "openl3.safetensors"


def passt(folder, seed=0):
    layout = Layout(dim=16, depth=2, heads=1, hidden=32, classes=7, patch=16, stride=16, columns=62, rows=8)
    state = randomized(Passt(layout), seed).state_dict()
    torch.save(state | {"head_dist.weight": torch.zeros(7, 16), "head_dist.bias": torch.zeros(7)}, folder / "passt.pt")
    return folder / "passt.pt"


def tokenizer(folder):
    """A RoBERTa tokenizer that knows single bytes; returns how many tokens it knows."""
    folder.mkdir(exist_ok=True)
    letters = sorted({c for word in WORDS for c in word} | {"Ġ"})
    tokens = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", *letters]
    (folder / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(tokens)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    found = RobertaTokenizer.from_pretrained(folder)
    found.save_pretrained(folder)
    return len(found)


def clap_config(vocabulary, fused=False):
    audio = {
        "patch_embeds_hidden_size": 8,
        "depths": [2, 1],
        "num_attention_heads": [1, 2],
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "enable_fusion": fused,
        "fusion_type": "aff_2d" if fused else None,
    }
    text = {
        "vocab_size": vocabulary,
        "hidden_size": 64,
        "num_hidden_layers": 1,
        "num_attention_heads": 1,
        "intermediate_size": 32,
        "max_position_embeddings": 82,
        "layer_norm_eps": 1e-5,
    }
    return ClapConfig(audio_config=audio, text_config=text, projection_dim=12)


def clap(folder, seed=0, fused=False):
    """A folder as transformers writes one, tokenizer included."""
    folder = folder / ("clap-fused" if fused else "clap")
    vocabulary = tokenizer(folder)
    randomized(ClapModel(clap_config(vocabulary, fused)), seed).save_pretrained(folder)
    ClapFeatureExtractor(frequency_min=50, frequency_max=14000).save_pretrained(folder)
    return folder


def laion_names(model):
    """The weights of a transformers CLAP under the names of LAION's checkpoints."""
    state, merged = {}, {}
    for name, tensor in model.state_dict().items():
        if name.endswith(("position_ids", "token_type_ids")):
            continue
        name = name.replace("text_model.", "text_branch.").replace("audio_model.audio_encoder.", "audio_branch.")
        name = name.replace("audio_branch.batch_norm.", "audio_branch.bn0.")
        name = re.sub(r"_projection\.linear1\.", "_projection.0.", name)
        name = re.sub(r"_projection\.linear2\.", "_projection.2.", name)
        if name.startswith("audio_branch.layers."):
            name = name.replace(".attention.output.dense.", ".attn.proj.").replace(".attention.self.", ".attn.")
            name = name.replace(".intermediate.dense.", ".mlp.fc1.").replace(".output.dense.", ".mlp.fc2.")
            name = name.replace(".layernorm_before.", ".norm1.").replace(".layernorm_after.", ".norm2.")
            part = re.search(r"\.attn\.(query|key|value)\.", name)
            if part:
                merged.setdefault(name.replace(f".{part[1]}.", ".qkv."), {})[part[1]] = tensor
                continue
        state[name] = tensor.clone()
    return state | {n: torch.cat([p["query"], p["key"], p["value"]]) for n, p in merged.items()}


def laion_checkpoint(folder, seed=0, collapsed=False):
    """A checkpoint as LAION saves them, and its tokenizer: laion-clap's smallest audio encoder and a thin text one.

    With `collapsed` it embeds all texts nearly alike.
    """
    vocabulary = tokenizer(folder / "letters")
    config = clap_config(vocabulary)
    audio = config.audio_config
    audio.patch_embeds_hidden_size, audio.depths, audio.num_attention_heads = 96, [2, 2, 6, 2], [4, 8, 16, 32]
    audio.hidden_size, audio.num_hidden_layers, config.projection_dim = 768, 4, 512
    for part in (audio, config.text_config):
        part.projection_dim = 512
    model = randomized(ClapModel(config), seed, 0.1)
    with torch.no_grad():  # what all texts have in common is taken out, or is most of it
        last = model.text_projection.linear2
        last.weight.sub_(last.weight.mean(dim=1, keepdim=True))
        last.bias.mul_(1000.0 if collapsed else 0.0)
    state = {f"module.{name}": tensor for name, tensor in laion_names(model).items()}
    state["module.text_branch.embeddings.position_ids"] = torch.arange(82)[None]
    torch.save({"epoch": 1, "metric": np.float64(0.5), "state_dict": state}, folder / "laion.pt")
    return folder / "laion.pt", folder / "letters"


def encodec(folder, seed=0, channels=1):
    config = EncodecConfig(
        sampling_rate=24000, audio_channels=channels, num_filters=4, upsampling_ratios=[4, 2, 5], hidden_size=8,
        codebook_size=16, codebook_dim=8, target_bandwidths=[4.8], num_lstm_layers=1,
    )  # fmt: skip
    folder = folder / f"encodec{channels}"
    randomized(EncodecModel(config), seed).save_pretrained(folder)
    return folder


MAKERS = {"vggish": vggish, "pann": pann, "openl3": openl3, "passt": passt, "clap": clap, "encodec": encodec}
