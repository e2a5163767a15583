import pytest
from tiny_embedders import MAKERS


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """`evaluation.models` with tiny weights for every embedder that needs some."""
    folder = tmp_path_factory.mktemp("weights")
    return {name: str(make(folder)) for name, make in MAKERS.items()}
