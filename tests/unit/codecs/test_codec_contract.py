"""Every codec keeps the contract of codecs; and what pretrained ones, and ours alone, do beyond it."""

import pytest
from tiny_codecs import DAC_RATE, save_dac, save_encodec

from ssmttm.codecs import _network
from ssmttm.contracts.checks import checks
from ssmttm.contracts.codecs import subject
from ssmttm.contracts.holding import noise

RATES = {"spectral": 24000, "dac": DAC_RATE, "encodec": 24000}
CHECKS = list(map(str, checks("codecs", "spectral")))


@pytest.fixture(scope="module", params=list(RATES))
def name(request):
    return request.param


@pytest.fixture(scope="module")
def settings(name, tmp_path_factory):
    """What the codec is made of: that of a tiny network, where its weights come from elsewhere."""
    if name == "spectral":
        return {"sample_rate": RATES[name]}
    save = {"dac": save_dac, "encodec": save_encodec}[name]
    return {"sample_rate": RATES[name], "model": str(save(tmp_path_factory.mktemp(name) / name))}


@pytest.fixture(scope="module")
def tests(name, settings):
    """The tests of the contract, which share one codec."""
    return {str(check): check for check in checks("codecs", name, settings)}


@pytest.mark.parametrize("check", CHECKS)
def test_contract(tests, check):
    tests[check]()


@pytest.fixture(scope="module")
def codec(name, settings, tmp_path_factory):
    return subject(name, settings, tmp_path_factory.mktemp("codec")).codec


@pytest.mark.parametrize("name", ["dac", "encodec"], indirect=True)
def test_a_network_never_sees_more_than_a_piece_of_a_long_recording(codec, monkeypatch):
    monkeypatch.setattr(_network, "PIECE", 16)
    seen = []

    def hook(module, inputs):
        seen.append(inputs[0].shape[-1])

    hooks = [layer.register_forward_pre_hook(hook) for layer in codec._network.modules()]
    longest = []
    for frames in (200, 800):
        wave = noise(frames * codec.hop)
        assert codec.decode(codec.encode(wave)).shape == wave.shape
        longest.append(max(seen))
        seen.clear()
    for each in hooks:
        each.remove()
    assert longest[0] == longest[1] <= (16 + 2 * 20) * codec.hop


def test_the_bit_rate_is_that_of_the_codes(codec):
    assert codec.bit_rate == pytest.approx(4 * 4 * codec.sample_rate / codec.hop)


def test_whether_phase_is_kept_is_stated(codec, name):
    assert codec.keeps_phase == (name != "spectral")
