"""One to nine parallel codebooks; one stage that models all of a codec's levels is `codebooks: K`."""

from types import SimpleNamespace

import pytest
import torch
from language_models import TINY, tiny_model
from training_data import task_of

from ssmttm.generation.sampler import Sampling, generate_codes
from ssmttm.models.patterns import delay, shift, steps_for
from ssmttm.training.data import Batch
from ssmttm.training.objective import codebook_losses
from ssmttm.training.parallel import Workers
from ssmttm.training.step import Stepper
from ssmttm.training.task import Fit

ALL = range(1, 10)
CLIPS, FRAMES, TOKENS, SIZE = 4, 11, 5, TINY["codebook_size"]


def random_codes(codebooks, clips=CLIPS):
    return torch.randint(0, SIZE, (clips, codebooks, FRAMES), generator=torch.Generator().manual_seed(0))


def batch_of(codes):
    g = torch.Generator().manual_seed(1)
    text = torch.randn(len(codes), TOKENS, TINY["text_width"], generator=g)
    return Batch(codes, text, torch.ones(len(codes), TOKENS, dtype=torch.bool), [str(i) for i in range(len(codes))])


@pytest.mark.parametrize("codebooks", ALL)
def test_delaying_loses_nothing(codebooks):
    codes = random_codes(codebooks)
    delayed = delay(codes, SIZE)
    assert delayed.shape == (CLIPS, codebooks, steps_for(FRAMES, codebooks))
    for k in range(codebooks):
        assert torch.equal(delayed[:, k, k : k + FRAMES], codes[:, k])
    assert (delayed == SIZE).sum() == CLIPS * codebooks * (codebooks - 1)


@pytest.mark.parametrize("codebooks", ALL)
def test_an_input_shows_no_code_of_its_own_step(codebooks):
    delayed = delay(random_codes(codebooks), SIZE)
    shifted = shift(delayed, SIZE)
    assert (shifted[..., 0] == SIZE).all()
    assert torch.equal(shifted[..., 1:], delayed[..., :-1])


@pytest.mark.parametrize("codebooks", ALL)
def test_the_loss_counts_every_code_once(codebooks):
    """The gradient of a code's own logit is (p - 1) / (clips * frames), and 0 where there is no code."""
    model = tiny_model("prefix-simba", codebooks=codebooks)
    batch = batch_of(random_codes(codebooks))
    kept = []
    hook = model.register_forward_hook(
        lambda module, args, logits: kept.append((logits, logits.detach().clone())) or logits.retain_grad()
    )
    losses = codebook_losses(model, batch, batch.text_mask)
    hook.remove()
    assert losses.shape == (codebooks,)
    losses.sum().backward()
    ((logits, values),) = kept  # the loss is computed in the memory of the logits
    assert logits.shape == (CLIPS, steps_for(FRAMES, codebooks), codebooks, SIZE)
    targets = delay(batch.codes, SIZE).transpose(1, 2)
    counted = logits.grad.abs().sum(-1) > 0
    assert torch.equal(counted, targets != SIZE)
    assert counted.sum((0, 1)).tolist() == [CLIPS * FRAMES] * codebooks
    expected = torch.softmax(values, -1) - torch.nn.functional.one_hot(targets.clamp(max=SIZE - 1), SIZE)
    expected = expected * (counted[..., None] / (CLIPS * FRAMES))
    torch.testing.assert_close(logits.grad, expected, atol=1e-7, rtol=1e-4)


@pytest.mark.parametrize("codebooks", [2, 4, 9])
def test_a_head_learns_from_its_own_codebook_only(codebooks):
    model = tiny_model("cross-simba", codebooks=codebooks)
    batch = batch_of(random_codes(codebooks))
    for chosen in range(codebooks):
        model.zero_grad()
        codebook_losses(model, batch, batch.text_mask)[chosen].backward()
        learning = [head.weight.grad is not None and bool(head.weight.grad.any()) for head in model.heads]
        assert learning == [k == chosen for k in range(codebooks)]


class Clips:
    """A token set of one batch."""

    text_tokens = TOKENS

    def __init__(self, codebooks):
        frame, clip = torch.arange(FRAMES), torch.arange(CLIPS)[:, None, None]
        self.whole = batch_of(((frame + clip) % SIZE).expand(CLIPS, codebooks, FRAMES))
        self.clip_ids = self.whole.clip_ids

    def __len__(self):
        return CLIPS

    def expect(self, indices):
        pass

    def batch(self, indices, device):
        whole = self.whole
        return Batch(whole.codes[indices], whole.text[indices], whole.text_mask[indices], self.clip_ids)


SETTINGS = {
    "batch_size": CLIPS,
    "betas": [0.9, 0.95],
    "epsilon": 1e-8,
    "weight_decay": 0.0,
    "gradient_clip": 1.0,
    "label_smoothing": 0.0,
    "caption_dropout": 0.1,
    "word_dropout": 0.1,
    "ema_decay": 0.0,
    "compile": False,
    "precision": "fp32",
}


@pytest.mark.parametrize("codebooks", [1, 2, 4, 9])
@pytest.mark.parametrize("variant", ["prefix-simba", "cross-transformer"])
def test_training_lowers_the_loss_of_every_codebook_and_generation_gives_them_all(variant, codebooks):
    model = tiny_model(variant, codebooks=codebooks, dropout=0.0)
    sets = SimpleNamespace(train=Clips(codebooks), validation=None, test=None)
    stepper = Stepper(task_of(model, sets, SETTINGS), SETTINGS, Fit(2, False), 1, Workers(torch.device("cpu")))
    losses = [stepper.step(number, 2e-2)["part_losses"] for number in range(12)]
    assert len(losses[0]) == codebooks
    assert all(last < first - 0.1 for first, last in zip(losses[0], losses[-1], strict=True))

    batch = batch_of(random_codes(codebooks, 2))
    codes = generate_codes(model.eval(), batch.text, batch.text_mask, FRAMES, Sampling(1.0, SIZE, 2.0), [1, 2])
    assert codes.shape == (2, codebooks, FRAMES)
    assert 0 <= codes.min() <= codes.max() < SIZE


@pytest.mark.parametrize("codebooks", ALL)
def test_a_codebook_more_costs_an_embedding_and_a_head(codebooks):
    groups = tiny_model("prefix-simba", codebooks=codebooks).parameters_by_group()
    assert groups["embeddings"] == groups["heads"] == codebooks * (SIZE + 1) * TINY["d_model"]
    one = tiny_model("prefix-simba", codebooks=1).parameters_by_group()
    assert {k: v for k, v in groups.items() if k not in ("embeddings", "heads")} == {
        k: v for k, v in one.items() if k not in ("embeddings", "heads")
    }
