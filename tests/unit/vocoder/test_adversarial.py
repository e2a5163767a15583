import pytest
import torch
from tiny_vocoder import mel_frames, tiny_config

from ssmttm.vocoder.adversarial import PARTS, SPECTRAL, AdversarialVocoder
from ssmttm.vocoder.discriminator import Discriminator, adversarial_loss, discriminator_loss, feature_loss

ALL = [slice(0, 16 * 256)] * 2


@pytest.fixture
def model():
    torch.manual_seed(0)
    return AdversarialVocoder(tiny_config())


@pytest.fixture
def batch():
    mel = torch.stack([mel_frames(16, seed=s) for s in (1, 2)])
    return mel, 0.1 * torch.randn(2, 16 * 256, generator=torch.Generator().manual_seed(5))


def gradients(module):
    return sum(p.grad.abs().sum().item() for p in module.parameters() if p.grad is not None)


@pytest.mark.parametrize("part", PARTS)
def test_each_part_moves_its_own_network_alone(model, batch, part):
    parts = model(*batch, ALL)
    parts[PARTS.index(part)].backward()
    own, other = model.vocoder, model.discriminator
    if part == "discriminator":
        own, other = other, own
    assert gradients(own) > 0
    assert gradients(other) == 0


def test_without_judgement_its_parts_are_zero_and_every_weight_has_a_gradient(model, batch):
    parts = model(*batch, None)
    assert parts[SPECTRAL:].tolist() == [0, 0, 0]
    parts.sum().backward()
    assert all(p.grad is not None for p in model.parameters())
    assert gradients(model.discriminator) == 0


def test_the_discriminator_hears_nothing_but_its_part(model, batch):
    mel, wave = batch
    changed = wave.clone()
    changed[1, 2048:] += 0.1
    first, last = [slice(0, 2048)] * 2, [slice(2048, 4096)] * 2
    torch.testing.assert_close(model(mel, changed, first)[SPECTRAL:], model(mel, wave, first)[SPECTRAL:])
    assert (model(mel, changed, last)[-2:] - model(mel, wave, last)[-2:]).abs().min() > 0


def test_the_discriminator_learns_to_tell_noise_from_tones():
    torch.manual_seed(0)
    judge = Discriminator()
    assert sum(p.numel() for p in judge.parameters()) < 300_000
    optimizer = torch.optim.AdamW(judge.parameters(), 5e-3)
    time = torch.arange(2048) / 24000
    for _ in range(8):
        real = 0.1 * torch.sin(2 * torch.pi * (200 + 800 * torch.rand(2, 1)) * time)
        loss = discriminator_loss(judge(real).scores, judge(0.1 * torch.randn(2, 2048)).scores)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 1  # 2 at the start


def test_losses_are_zero_where_nothing_is_left_to_gain():
    ones = [torch.ones(2, 1, 3, 4)]
    assert discriminator_loss(ones, [-ones[0]]) == 0
    assert adversarial_loss(ones) == 0
    assert feature_loss(ones, ones) == 0
    assert adversarial_loss([-ones[0]]) == 2
