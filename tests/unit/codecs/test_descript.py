import pickle

import numpy as np
import pytest
import torch
from descript_dac import Dac

from ssmttm.codecs.base import fit_codec, load_codec
from ssmttm.errors import UserError

RATE, LEVELS, SIZE = 44100, 4, 16


def fit(path, **changes):
    settings = {"name": "dac", "model": str(path), "codebooks": LEVELS, "codebook_size": SIZE} | changes
    return fit_codec(settings, iter(()), 0, RATE, 1)


@pytest.fixture(scope="module")
def network():
    return Dac().eval()


@pytest.fixture(scope="module")
def path(network, tmp_path_factory):
    return network.save(tmp_path_factory.mktemp("descript") / "weights.pth")


def noise(samples):
    return np.random.default_rng(0).normal(0, 0.3, samples).astype(np.float32)


def test_codes_and_audio_are_those_of_the_package(network, path, tmp_path):
    fit(path).save(tmp_path / "codec.safetensors")
    codec = load_codec(tmp_path / "codec.safetensors")
    wave = noise(60 * 512)
    codes = codec.encode(wave)
    assert len(np.unique(codes)) > SIZE // 2
    np.testing.assert_array_equal(codes, network.encode(torch.from_numpy(wave)).numpy())
    np.testing.assert_allclose(codec.decode(codes), network.decode(torch.from_numpy(codes)).numpy(), atol=1e-5)


def test_its_folder_is_the_same_codec(path):
    assert fit(path.parent).identity == fit(path).identity
    assert fit(path, codebooks=2).codebooks == 2


def changed(path, out, change):
    content = torch.load(path, weights_only=True)
    change(content)
    torch.save(content, out)
    return out


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.pop("metadata"), "has no state_dict with its metadata"),
        (lambda c: c["metadata"]["kwargs"].pop("codebook_dim"), "its metadata lack codebook_dim"),
        (lambda c: c["metadata"]["kwargs"].update(sample_rate="44.1"), "sizes that are no numbers"),
        (lambda c: c["metadata"]["kwargs"].update(encoder_rates=[2, 4, 5, 8]), r"has strides \[2, 4, 5, 8\]"),
        (lambda c: c["metadata"]["kwargs"].update(sample_rate=24000), "works at 24000"),
        (lambda c: c["state_dict"].pop("encoder.block.0.weight_g"), r"lacks encoder\.block\.0\.weight_g"),
        (lambda c: c["state_dict"].update({"head.bias": torch.zeros(1)}), "has the layer head"),
        (lambda c: c["state_dict"].pop("decoder.model.0.bias"), r"no dac of these settings.*decoder\.conv1\.bias"),
    ],
)
def test_another_file_is_refused(path, tmp_path, change, message):
    with pytest.raises(UserError, match=message):
        fit(changed(path, tmp_path / "other.pth", change))


class Evil:
    def __reduce__(self):
        return print, ("run",)


def test_a_pickle_with_code_is_refused_and_not_run(tmp_path, capsys):
    (tmp_path / "raw.pth").write_bytes(pickle.dumps({"state_dict": Evil()}, protocol=2))
    torch.save({"state_dict": Evil()}, tmp_path / "zip.pth")
    for name in ("raw.pth", "zip.pth"):
        with pytest.raises(UserError, match=r"refused|unreadable"):
            fit(tmp_path / name)
    assert "run" not in capsys.readouterr().out
