import pytest
import torch
from tiny_vocoder import mel_frames, tiny_vocoder

from ssmttm.vocoder.synthesis import dither, vocode


def dithered(seed=3):
    """A vocoder with dither that is not alike in any two bands."""
    vocoder = tiny_vocoder()
    vocoder.dither.copy_(0.05 * torch.randn(192, 192, generator=torch.Generator().manual_seed(seed)))
    return vocoder


@pytest.mark.parametrize("piece", [1, 7, 16, 33, 100])
def test_pieces_are_the_whole(piece):
    vocoder, mel = tiny_vocoder(), mel_frames(61)
    whole = vocoder(mel[None])[0].detach()
    torch.testing.assert_close(vocode(vocoder, mel, piece=piece), whole, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("start", [12, 13, 15])
def test_a_piece_of_a_recording_that_knows_its_place_is_that_of_the_whole(start):
    vocoder, mel = dithered(), mel_frames(80)
    margin = vocoder.config.margin
    whole = vocode(vocoder, mel)
    part = vocode(vocoder, mel[start : start + 40], first=start)
    inner = slice(margin * 256, (40 - margin) * 256)
    torch.testing.assert_close(part[inner], whole[start * 256 :][inner], atol=1e-5, rtol=1e-4)
    elsewhere = vocode(vocoder, mel[start : start + 40], first=start + 1)
    assert (elsewhere[inner] - part[inner]).abs().max() > 1e-3


def test_no_frames_are_no_audio():
    assert vocode(tiny_vocoder(), mel_frames(0)).shape == (0,)


@pytest.mark.parametrize("piece", [7, 16, 33])
def test_pieces_have_the_dither_of_the_whole(piece):
    vocoder, mel = dithered(), mel_frames(61)
    whole = vocode(vocoder, mel)
    torch.testing.assert_close(vocode(vocoder, mel, piece=piece), whole, atol=1e-5, rtol=1e-4)
    assert (whole - vocoder(mel[None])[0]).abs().max() > 1e-3


def test_dither_is_added_to_frames_by_their_numbers():
    vocoder, mel = dithered(), mel_frames(30)
    noise = dither(vocoder, range(100))
    torch.testing.assert_close(dither(vocoder, range(37, 58)), noise[37:58])
    expected = vocoder((mel + noise[40:70])[None], 40)[0].detach()
    torch.testing.assert_close(vocode(vocoder, mel, first=40), expected, atol=1e-5, rtol=1e-4)


def test_dither_has_the_moments_that_its_root_stands_for():
    vocoder = dithered()
    noise = dither(vocoder, range(40_000)).view(-1, 192)
    expected = vocoder.dither @ vocoder.dither.T
    assert (noise.T @ noise / len(noise) - expected).norm() < 0.15 * expected.norm()
