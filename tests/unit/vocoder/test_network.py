import numpy as np
import pytest
import torch
from tiny_vocoder import mel_frames, tiny_config, tiny_vocoder

from ssmttm.codecs import _mel


@pytest.mark.parametrize("frames", [1, 2, 7, 40])
def test_a_mel_frame_becomes_a_hop_of_samples(frames):
    wave = tiny_vocoder()(mel_frames(frames)[None].expand(2, -1, -1))
    assert wave.shape == (2, 256 * frames)
    assert wave.isfinite().all()
    torch.testing.assert_close(wave[0], wave[1])


def test_samples_depend_on_the_frames_in_the_margin_and_on_no_others():
    vocoder, mel = tiny_vocoder(), mel_frames(60)[None]
    margin = vocoder.config.margin
    changed = mel.clone()
    changed[:, 30] += 2
    moved = (vocoder(changed) - vocoder(mel)).abs().view(60, 256).amax(1)
    assert margin == 3 * 3 + 3 + 2
    assert moved[: 30 - margin].max() < 1e-6
    assert moved[30 + margin + 1 :].max() < 1e-6
    assert moved[30 - margin + 1] > 0
    assert moved[30 + margin - 1] > 0


def test_spectra_of_real_audio_are_synthesized_to_that_audio():
    vocoder = tiny_vocoder()
    wave = torch.from_numpy(np.random.default_rng(0).normal(0, 0.1, 256 * 20).astype(np.float32))
    padded = torch.nn.functional.pad(wave, (384, 384))
    spectra = torch.fft.rfft(padded.unfold(0, 1024, 256) * vocoder.window)
    torch.testing.assert_close(vocoder.synthesize(spectra[None])[0], wave, atol=1e-5, rtol=0)


def test_a_tone_in_the_middle_of_a_bin_needs_the_same_output_in_every_frame():
    """Phases are predicted relative to the middles of bins, so a steady tone is a steady prediction."""
    vocoder = tiny_vocoder()
    time = torch.arange(256 * 24)
    tone = torch.cos(2 * torch.pi * 37 * time / 1024)
    frames = torch.nn.functional.pad(tone[None], (384, 384), mode="reflect")[0].unfold(0, 1024, 256)
    spectra = torch.fft.rfft(frames * vocoder.window)[4:-4, 37]
    relative = spectra / vocoder._turn(torch.zeros(1, 24, 96), 0)[4:-4, 37]
    torch.testing.assert_close(relative, relative[:1].expand(16), atol=0.05, rtol=0)


def test_an_untrained_vocoder_keeps_about_the_levels_of_bands():
    """Its magnitudes start from the mel frame, spread over the spectrum."""
    torch.manual_seed(0)
    from ssmttm.vocoder.network import Vocoder

    noise = torch.from_numpy(np.random.default_rng(1).normal(0, 0.1, 256 * 60).astype(np.float32))
    mel = _mel.log_mel(noise, 24000)
    with torch.inference_mode():
        again = _mel.log_mel(Vocoder(tiny_config())(mel[None])[0], 24000)
    assert (again - mel).mean().abs() < 0.8


def test_a_projection_leaves_spectra_of_real_audio_as_they_are_and_keeps_any_magnitudes():
    vocoder = tiny_vocoder()
    wave = torch.from_numpy(np.random.default_rng(0).normal(0, 0.1, 256 * 23).astype(np.float32))
    real = torch.fft.rfft(wave.unfold(0, 1024, 256) * vocoder.window)[None]
    torch.testing.assert_close(vocoder.project(real)[:, 4:-4], real[:, 4:-4], atol=1e-3, rtol=1e-3)
    random = torch.polar(real.abs(), 6 * torch.rand_like(real.abs()))
    projected = vocoder.project(random)
    torch.testing.assert_close(projected.abs(), real.abs(), atol=1e-2, rtol=1e-2)
    apart = (projected - vocoder.project(projected)).abs().mean()
    assert apart < (random - projected).abs().mean()


@pytest.mark.parametrize("wrong", [{"projections": -1}, {"layers": 0}, {"width": 1.5}, {"bands": "96"}, {"fft": 1000}])
def test_sizes_that_fit_no_network_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        tiny_config(**wrong)
