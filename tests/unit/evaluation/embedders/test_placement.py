"""Networks of embedders and text encoders compute where their job has a place for them, and answer on the CPU."""

from contextlib import contextmanager

import numpy as np
import pytest
import torch
from torch import nn

from ssmttm.evaluation import embedder as embedders
from ssmttm.evaluation.embedder import WindowEmbedder
from ssmttm.stages import embed, text


class Far(torch.Tensor):
    """A tensor that is somewhere else: only `cpu` brings it back."""

    def numpy(self, *args, **kwargs):
        raise TypeError("not on the CPU")

    def cpu(self):
        return self.as_subclass(torch.Tensor)


class Network(nn.Module):
    """Doubles what is where it is."""

    place = "cpu"

    def to(self, device):
        self.place = device
        return self

    def forward(self, x):
        return (2 * x).as_subclass(Far)


class Doubles(WindowEmbedder):
    name, identity, sample_rate, dim = "doubles", "doubles:1", 8000, 3

    def __init__(self):
        self._network = Network()

    def _inputs(self, wave, sample_rate):
        return torch.from_numpy(wave)[None]

    def _run(self, batch):
        return (self._network(batch)[:, None],)


def test_a_network_is_moved_and_its_answers_come_back():
    model = Doubles()
    model.to(torch.device("cpu"))
    assert model._network.place == torch.device("cpu")
    (embedding,) = model.analyze_many([(np.array([1, 2, 3], np.float32), 8000)])
    assert np.array_equal(embedding.windows.ravel(), [2, 4, 6])


@pytest.fixture
def claims(monkeypatch):
    """What was asked for, and given away again."""
    asked = []

    @contextmanager
    def claim(name, threads):
        asked.append(name)
        yield torch.device("cpu")
        asked.append("free")

    for stage in (embed, text):
        monkeypatch.setattr(stage, "claim_device", claim)
    return asked


@pytest.mark.parametrize("takes_gpu", [True, False])
def test_a_stage_claims_a_gpu_for_networks_alone(claims, monkeypatch, tmp_path, takes_gpu):
    model = Doubles()
    model.takes_gpu = takes_gpu
    placed = []
    monkeypatch.setattr(model, "to", placed.append)
    monkeypatch.setattr(embed, "load_embedder", lambda name, models: model)
    monkeypatch.setattr(embed, "assure", lambda *args: None, raising=False)
    monkeypatch.setattr(embed, "count_rows", lambda *args: 0)
    monkeypatch.setattr(embed, "iter_rows", lambda *args: iter([]))
    embed.run({"models": {}}, "musicnn", tmp_path / "x.parquet", [], None, tmp_path / "y.parquet", tmp_path, 1)
    assert claims == ["auto" if takes_gpu else "cpu", "free"]
    assert placed == [torch.device("cpu")]
    assert embedders.Embedder.takes_gpu is False
