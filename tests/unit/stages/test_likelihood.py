"""How likely held-out clips are: to a run by its captions, to trivial models without, on the clips of which splits."""

import json

import numpy as np
import pytest
import torch
from language_models import tiny_model
from training_data import CODEC, ENCODER, FRAMES, load, tiny_spec, write_dataset

from ssmttm.errors import UserError
from ssmttm.evaluation.likelihood import clip_losses, frame_losses, of_model, read_places
from ssmttm.files import sha256_file
from ssmttm.models.checkpoint import save_model
from ssmttm.stages import likelihood
from ssmttm.tables import read_table, write_table
from ssmttm.training.objective import codebook_losses

SPEC = {"seed": 1, "codec": tiny_spec()["data"]["codec"], "text": tiny_spec()["data"]["text"]}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A data set with clips of known artists, and a run on it."""
    root = tmp_path_factory.mktemp("likelihood")
    data = write_dataset(root / "data")
    rows = read_table(data / "splits.parquet", "splits").to_pylist()
    known = [row for row in rows if row["split"] == "validation"][:2]
    for row in known:
        row["split"] = "known"
    write_table(data / "splits.parquet", "splits", rows)
    release = json.loads((data / "dataset.json").read_text())
    release["sha256"]["splits.parquet"] = sha256_file(data / "splits.parquet")
    (data / "dataset.json").write_text(json.dumps(release), encoding="utf-8")
    model = tiny_model("prefix-simba")
    save_model(root / "model.safetensors", model, {"spec": tiny_spec(), "codec": CODEC, "text_encoder": ENCODER})
    return root, model


def rows_of(root, **more):
    likelihood.run(SPEC, root / "data", root / "out.parquet", **more)
    torch.use_deterministic_algorithms(False)
    return {row["clip_id"]: row for row in read_table(root / "out.parquet", "likelihoods").to_pylist()}


def test_every_held_out_clip_of_new_and_known_artists_is_there_and_no_other(made):
    root, _ = made
    found = rows_of(root, model=root / "model.safetensors")
    assert [row["split"] for row in found.values()] == ["test"] * 3 + ["known"] * 2
    for row in rows_of(root, system="bigram").values():
        assert row["other"] is row["null"] is row["first_null"] is None and row["levels"] == 1
        assert row["own"] == row["first"] > 0 and row["tokens"] == FRAMES


def test_the_mean_over_clips_is_the_loss_that_training_reports(made, tmp_path):
    root, model = made
    clips = load(root / "data", tmp_path).test
    batch = clips.batch(np.arange(len(clips)), torch.device("cpu"))
    with torch.no_grad():
        by_level = codebook_losses(model.eval(), batch, batch.text_mask)
        without = codebook_losses(model, batch, torch.zeros_like(batch.text_mask))
    rows = [row for row in rows_of(root, model=root / "model.safetensors").values() if row["split"] == "test"]
    assert np.mean([row["own"] for row in rows]) == pytest.approx(by_level.mean().item(), rel=1e-5)
    assert np.mean([row["first"] for row in rows]) == pytest.approx(by_level[0].item(), rel=1e-5)
    assert np.mean([row["null"] for row in rows]) == pytest.approx(without.mean().item(), rel=1e-5)
    assert all(row["levels"] == len(by_level) and row["tokens"] == len(by_level) * FRAMES for row in rows)


def test_other_captions_are_those_of_other_clips_and_batches_change_nothing(made, tmp_path):
    root, model = made
    clips, places = load(root / "data", tmp_path).test, read_places(root / "data" / "splits.parquet")
    model.eval()

    def rows(together, seed=1):
        return list(of_model(model, clips, places, "test", seed, torch.device("cpu"), together))

    for one, other in zip(rows(1), rows(16), strict=True):
        assert one["other"] != one["own"]
        assert (one["own"], one["other"]) == pytest.approx((other["own"], other["other"]), rel=1e-5)
    alone = clips.batch(np.array([0]), torch.device("cpu"))
    with torch.no_grad():
        theirs = []
        for i in (1, 2):
            text = clips.batch(np.array([i]), torch.device("cpu"))
            told = type(alone)(alone.codes, text.text, text.text_mask, alone.clip_ids)
            theirs.append(codebook_losses(model, told, told.text_mask).mean().item())
    assert any(rows(16)[0]["other"] == pytest.approx(value, rel=1e-5) for value in theirs)


def test_a_model_of_another_data_set_is_refused(made):
    root, model = made
    path = root / "foreign.safetensors"
    save_model(path, model, {"spec": tiny_spec(), "codec": "spectral:ffff", "text_encoder": ENCODER})
    with pytest.raises(UserError, match=r"trained on a data set of codec spectral:ffff, but .* is of spectral:0123"):
        rows_of(root, model=path)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({}, "give either --model"),
        ({"system": "noise"}, "no trivial system 'noise'"),
        ({"model": "absent.safetensors"}, "no trained model"),
    ],
)
def test_what_has_no_likelihood_is_refused(made, more, message):
    more = {key: made[0] / value if key == "model" else value for key, value in more.items()}
    with pytest.raises(UserError, match=message):
        rows_of(made[0], **more)


def test_losses_by_frame_have_the_losses_by_clip_as_their_means(made, tmp_path):
    root, model = made
    clips = load(root / "data", tmp_path).test
    batch = clips.batch(np.arange(len(clips)), torch.device("cpu"))
    frames = frame_losses(model.eval(), batch, batch.text_mask)
    assert frames.shape == tuple(batch.codes.shape)
    np.testing.assert_allclose(frames.mean(-1), clip_losses(model, batch, batch.text_mask), rtol=1e-12)
