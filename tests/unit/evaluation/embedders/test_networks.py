import pickle

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_embedders import pann_state, passt, vggish
from torch import nn

from ssmttm.contracts.holding import music
from ssmttm.errors import UserError
from ssmttm.evaluation.embedder import load_embedder, peak_normalize, prepare
from ssmttm.pretrained import openl3 as openl3_module
from ssmttm.pretrained.checkpoints import fill, read_weights
from ssmttm.pretrained.openl3 import OpenL3, convert
from ssmttm.pretrained.openl3 import log_mel as openl3_log_mel
from ssmttm.pretrained.passt import log_mel as passt_log_mel
from ssmttm.pretrained.vggish import log_mel as vggish_log_mel


def tone(frequency, rate, seconds=1.0):
    return np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate).astype(np.float32)


def test_vggishs_windows_are_logs_of_offset_magnitudes():
    silent = vggish_log_mel(np.zeros(16000, np.float32))
    assert silent.shape == (1, 1, 96, 64)
    np.testing.assert_allclose(silent, np.log(0.01), rtol=1e-5)
    loud, quiet = (vggish_log_mel(gain * tone(1000, 16000)) for gain in (1.0, 0.1))
    band = int(loud[0, 0, 40].argmax())
    edges = np.linspace(1127 * np.log1p(125 / 700), 1127 * np.log1p(7500 / 700), 66)
    assert edges[band] < 1127 * np.log1p(1000 / 700) < edges[band + 2]
    # A magnitude, not a power: ten times the level is ten times the value before the log.
    assert float(loud[0, 0, 40, band] - quiet[0, 0, 40, band]) == pytest.approx(np.log(10), abs=0.01)


def test_openl3s_windows_lie_within_80_db_of_their_peak():
    windows = torch.from_numpy(np.stack([tone(1000, 48000), 0.01 * tone(1000, 48000), np.zeros(48000, np.float32)]))
    found = openl3_log_mel(windows)
    assert found.shape == (3, 1, 256, 199)
    assert float(found[0].max()) == 0 and float(found[0].min()) == -80
    assert float(found[2].min()) == float(found[2].max()) == 0
    # Decibels of magnitudes with the factor of powers: the range is 160 dB, so level all but cancels.
    np.testing.assert_allclose(found[0, 0, :, 50:100], found[1, 0, :, 50:100], atol=20)


def test_passts_spectrogram_hears_kaldis_bands():
    found = passt_log_mel(torch.from_numpy(tone(3000, 32000, 2.0))[None])
    assert found.shape == (1, 1, 128, 200)
    edges = np.linspace(0, 1127 * np.log1p(15000 / 700), 130)
    band = int(found[0, 0, :, 100].argmax())
    assert edges[band] < 1127 * np.log1p(3000 / 700) < edges[band + 2]
    quiet = passt_log_mel(torch.zeros(1, 32000))
    np.testing.assert_allclose(quiet, (np.log(1e-5) + 4.5) / 5, rtol=1e-5)


@pytest.mark.parametrize(("fft", "rate"), [(256, 8000), (512, 16000), (1024, 32000)])
def test_panns_rate_follows_from_the_checkpoint(tmp_path, fft, rate):
    save_file(pann_state(fft), tmp_path / "cnn14.safetensors")
    embedder = load_embedder("pann", {"pann": tmp_path / "cnn14.safetensors"})
    assert (embedder.sample_rate, embedder.dim, len(embedder.classes)) == (rate, 10, 5)


def test_pann_of_an_unknown_rate_is_refused(tmp_path):
    save_file(pann_state() | {"logmel_extractor.melW": torch.zeros(300, 64)}, tmp_path / "cnn14.safetensors")
    with pytest.raises(UserError, match="of no known sample rate"):
        load_embedder("pann", {"pann": tmp_path / "cnn14.safetensors"})


def test_a_stereo_clip_is_prepared_by_channel_or_by_mean():
    left, right = music(1.0, seed=1), music(1.0, seed=2)
    stereo = np.stack([left, right], 1)
    np.testing.assert_allclose(prepare(stereo, 24000, 24000)[0], (left + right) / 2, rtol=1e-5, atol=1e-7)
    np.testing.assert_array_equal(prepare(stereo, 24000, 24000, 2), stereo.T)
    np.testing.assert_array_equal(prepare(left, 24000, 24000, 2), np.stack([left, left]))
    with pytest.raises(ValueError, match="expected mono or 2 channels, got 6"):
        prepare(np.zeros((100, 6)), 24000, 24000, 2)
    assert np.abs(peak_normalize(left)).max() == pytest.approx(10 ** (-1 / 20), rel=1e-5)


class Payload:
    def __reduce__(self):
        return (print, ("unpickled",))


def test_a_checkpoint_that_holds_code_is_refused(tmp_path, capsys):
    for protocol, write in enumerate((lambda p: torch.save({"model": Payload()}, p), _plain_pickle)):
        path = tmp_path / f"{protocol}.pth"
        write(path)
        with pytest.raises(UserError, match=r"k: .* refused: .*; r"):
            read_weights(path, "k", "r")
    assert "unpickled" not in capsys.readouterr().out


def _plain_pickle(path):
    path.write_bytes(pickle.dumps({"model": Payload()}))


def test_a_checkpoint_is_unwrapped_whatever_lies_around_its_weights(tmp_path):
    weight = torch.arange(6.0).reshape(2, 3)
    wrapped = {"epoch": np.float64(3), "optimizer": {"lr": np.float32(0.1)}, "state_dict": {"module.a": weight.half()}}
    torch.save(wrapped, tmp_path / "a.pt")
    found = read_weights(tmp_path / "a.pt", "k", "r")
    assert list(found) == ["a"] and found["a"].dtype == torch.float32
    torch.testing.assert_close(found["a"], weight)
    for value in ({"model": {}}, [weight], {"a": 1}):
        torch.save(value, tmp_path / "b.pt")
        with pytest.raises(UserError, match=r"b.pt: (holds no weights|no mapping of weights)"):
            read_weights(tmp_path / "b.pt", "k", "r")


def test_weights_that_do_not_fill_the_network_are_refused():
    whole = {"weight": torch.zeros(2, 3), "bias": torch.zeros(2)}
    fill(nn.Linear(3, 2), whole, "f", "r")
    for state, problem in (
        ({"weight": whole["weight"]}, "f: lacks bias; r"),
        (whole | {"more": torch.zeros(1)}, "f: has, beyond the network, more; r"),
        (whole | {"bias": torch.zeros(4)}, "f: has in another shape bias; r"),
        (whole | {"bias": torch.full((2,), torch.nan)}, "f: bias is not finite"),
    ):
        with pytest.raises(UserError, match=problem):
            fill(nn.Linear(3, 2), state, "f", "r")


def test_weights_for_training_alone_are_left_out(tmp_path):
    state = load_file(vggish(tmp_path)) | {"pproc.pca_means": torch.zeros(128, 1)}
    save_file(state, tmp_path / "published.safetensors")
    assert load_embedder("vggish", {"vggish": tmp_path / "published.safetensors"}).dim == 12
    assert len(load_embedder("passt", {"passt": passt(tmp_path)}).classes) == 7


def test_openl3s_keras_file_becomes_safetensors(tmp_path, monkeypatch):
    h5py = pytest.importorskip("h5py", reason="reading Keras files needs h5py, which is optional")
    from tiny_embedders import randomized

    network = randomized(OpenL3((2,) * 4 + (4, 4, 4, 6)))
    with h5py.File(tmp_path / "keras.h5", "w") as file:
        layers = ["input_1", "melspectrogram_1"]
        for name in layers:
            file.create_group(name).attrs["weight_names"] = []
        for i, (norm, convolve) in enumerate(zip(network.norms, network.convolutions), 1):
            statistics = (norm.weight, norm.bias, norm.running_mean, norm.running_var)
            layers += [
                _layer(file, f"batch_normalization_{i}", dict(zip(("gamma", "beta", "mean", "var"), statistics)))
            ]
            kernel = convolve.weight.permute(2, 3, 1, 0)
            name = f"conv2d_{i}" if i < 8 else "audio_embedding_layer"
            layers += [_layer(file, name, {"kernel": kernel, "bias": convolve.bias})]
        file.attrs["layer_names"] = [name.encode() for name in layers]
    convert(tmp_path / "keras.h5", tmp_path / "openl3.safetensors")
    wave = music(2.0)
    keras, converted = (
        load_embedder("openl3", {"openl3": tmp_path / name}).analyze(wave, 24000).windows
        for name in ("keras.h5", "openl3.safetensors")
    )
    with torch.no_grad():
        expected = network(_centered(wave))
    np.testing.assert_allclose(keras[:, :6], expected, atol=1e-5)
    np.testing.assert_array_equal(keras, converted)
    (tmp_path / "bad.h5").write_bytes(b"no HDF5")
    with pytest.raises(UserError, match="no Keras weights of OpenL3"):
        convert(tmp_path / "bad.h5", tmp_path / "out.safetensors")
    assert not (tmp_path / "out.safetensors").exists()


def _layer(file, name, arrays):
    group = file.create_group(name)
    for key, tensor in arrays.items():
        group.create_dataset(f"{name}/{key}:0", data=tensor.detach().numpy())
    group.attrs["weight_names"] = [f"{name}/{key}:0".encode() for key in arrays]
    return name


def _centered(wave):
    """Windows of 1 s every 0.5 s around the clip's instants, as the embedder cuts them."""
    first = peak_normalize(prepare(wave, 24000, 44100))[0]
    samples = prepare(first, 44100, openl3_module.SAMPLE_RATE)[0]
    padded = np.pad(samples, (24000, 24000))
    return torch.from_numpy(np.stack([padded[s : s + 48000] for s in range(0, len(samples) - 24000 + 1, 24000)]))
