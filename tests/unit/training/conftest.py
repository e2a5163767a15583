import pytest
from training_data import load, write_dataset


@pytest.fixture(scope="session")
def dataset(tmp_path_factory):
    """The folder of a released data set. Not to be changed."""
    return write_dataset(tmp_path_factory.mktemp("dataset"))


@pytest.fixture(scope="session")
def sets(dataset, tmp_path_factory):
    """Its three splits."""
    return load(dataset, tmp_path_factory.mktemp("scratch"))
