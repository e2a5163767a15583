import pytest
import tiny_listening


@pytest.fixture(scope="session")
def study(tmp_path_factory):
    """A finished study of two models and real music, with clips of half a second."""
    return tiny_listening.write_study(tmp_path_factory.mktemp("results"))


@pytest.fixture(scope="session")
def built(study, tmp_path_factory):
    """A test built from it: (public folder, key file). Nobody writes into either."""
    from ssmttm.stages import listen

    out = tmp_path_factory.mktemp("listening") / "page"
    listen.build(study, out, systems=["zebra-run", "quokka-run"], captions=2, salt=b"salt")
    return out, out.with_name("page.key.json")


@pytest.fixture(scope="session")
def key(built):
    from ssmttm.listening.results import read_key

    return read_key(built[1])
