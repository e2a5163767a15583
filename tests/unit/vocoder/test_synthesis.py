import pytest
import torch
from tiny_vocoder import mel_frames, tiny_vocoder

from ssmttm.vocoder.synthesis import vocode


@pytest.mark.parametrize("piece", [1, 7, 16, 33, 100])
def test_pieces_are_the_whole(piece):
    vocoder, mel = tiny_vocoder(), mel_frames(61)
    whole = vocoder(mel[None])[0].detach()
    torch.testing.assert_close(vocode(vocoder, mel, piece=piece), whole, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("start", [12, 13, 15])
def test_a_piece_of_a_recording_that_knows_its_place_is_that_of_the_whole(start):
    vocoder, mel = tiny_vocoder(), mel_frames(80)
    margin = vocoder.config.margin
    whole = vocode(vocoder, mel)
    part = vocode(vocoder, mel[start : start + 40], first=start)
    inner = slice(margin * 256, (40 - margin) * 256)
    torch.testing.assert_close(part[inner], whole[start * 256 :][inner], atol=1e-5, rtol=1e-4)
    elsewhere = vocode(vocoder, mel[start : start + 40], first=start + 1)
    assert (elsewhere[inner] - part[inner]).abs().max() > 1e-3


def test_no_frames_are_no_audio():
    assert vocode(tiny_vocoder(), mel_frames(0)).shape == (0,)
