"""The tests of a plug-in's contract, each by its name: to be run one by one, in pytest, or before it is used."""

import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

from ssmttm import plugins
from ssmttm.errors import UserError
from ssmttm.wording import one_line

LOADED = "test_it_loads"
"""The first test of each contract: without what it makes there is nothing to try the others on."""


class _Subject:
    """The plug-in as a contract's tests take it, made once, by the function `subject` of the contract's module."""

    def __init__(self, kind: str, name: str, settings: Mapping[str, Any] | None) -> None:
        self.kind, self.name, self.given = kind, name, settings
        self.contract: ModuleType = importlib.import_module(f"ssmttm.contracts.{kind}")

    @property
    def settings(self) -> dict[str, Any]:
        """Those that were given or, of another package's plug-in, those that its module states as `EXAMPLE`."""
        plugin = plugins.find(self.kind, self.name)
        return dict(self.given if self.given is not None else plugins.stated(plugin, "EXAMPLE", {}) if plugin else {})

    @cached_property
    def folder(self) -> Path:
        """An empty folder, which goes when this does."""
        self._kept = TemporaryDirectory(prefix="ssmttm-contract-")
        return Path(self._kept.name)

    @cached_property
    def made(self) -> Any:
        """What the tests take."""
        return self.contract.subject(self.name, self.settings, self.folder)


@dataclass(frozen=True)
class Check:
    """One test of one plug-in; calling it raises where the contract is broken."""

    kind: str
    plugin: str
    name: str
    promise: str
    """What it holds the plug-in to, in a sentence."""
    run: Callable[[], None]

    def __call__(self) -> None:
        """Run it; torch's random numbers go on afterwards as if it hadn't."""
        import torch

        with torch.random.fork_rng(devices=[]):
            self.run()

    def __str__(self) -> str:
        return self.name

    @property
    def id(self) -> str:
        """Its name among the tests of several plug-ins."""
        return f"{self.kind}:{self.plugin}:{self.name}"


def checks(kind: str, name: str, settings: Mapping[str, Any] | None = None) -> list[Check]:
    """The tests of the contract of `kind`, a key of `ssmttm.plugins.KINDS`, for the plug-in `name`.

    `settings` are those that it is loaded with: of a codec `data.codec` and `sample_rate`, of an embedder its entry of
    `evaluation.models`, of a source its block of `data.sources`, of a text encoder `data.text`. In pytest:

        @pytest.mark.parametrize("check", checks("mixers", "mine"), ids=str)
        def test_contract(check):
            check()
    """
    subject = _Subject(kind, name, settings)
    tests = [test for key, test in vars(subject.contract).items() if key.startswith("test_")]

    def load() -> None:
        _ = subject.made

    return [
        Check(kind, name, LOADED, "It can be asked for by its name, and made.", load),
        *(Check(kind, name, test.__name__, _first_line(test), partial(_try, test, subject)) for test in tests),
    ]


def checks_of(distribution: str) -> list[Check]:
    """The tests of all that the installed package `distribution` brings. In pytest:

        @pytest.mark.parametrize("check", checks_of("my-package"), ids=lambda check: check.id)
        def test_contract(check):
            check()

    Raises UserError where it is not installed, or brings nothing.
    """
    brought = [
        (kind, p.name) for kind in plugins.KINDS for p in plugins.installed(kind) if p.distribution == distribution
    ]
    if not brought:
        raise UserError(f"{distribution}: no installed package of that name has entry points in a group of ssmttm")
    return [check for kind, name in brought for check in checks(kind, name)]


def _try(test: Callable[[Any], None], subject: _Subject) -> None:
    test(subject.made)


def _first_line(test: Callable[..., Any]) -> str:
    return (test.__doc__ or "").strip().splitlines()[0]


def failures(kind: str, name: str, settings: Mapping[str, Any] | None = None) -> Iterator[tuple[Check, str | None]]:
    """Each test of the contract, and in a line what is broken, or None. Without what the first makes, no other runs."""
    for check in checks(kind, name, settings):
        told = None
        try:
            check()
        except UserError as error:
            told = str(error)
        except Exception as error:  # whatever another package's code does
            told = one_line(str(error).strip() or type(error).__name__)
            told = told if isinstance(error, AssertionError) else f"{type(error).__name__}: {told}"
        yield check, told
        if told is not None and check.name == LOADED:
            return


def assure(kind: str, names: str | list[str], settings: Mapping[str, Any] | None = None) -> None:
    """Refuse plug-ins of other packages that break their contract, before anything is made with them.

    Ours are not tried: the tests of this project do that. Raises UserError with the plug-in, its package, the test and
    what is broken.
    """
    for name in [names] if isinstance(names, str) else names:
        plugin = plugins.find(kind, name)
        for check, told in failures(kind, name, settings) if plugin else ():
            if told is not None:
                assert plugin is not None
                raise UserError(
                    f"the {plugin} breaks the contract of {kind.replace('_', ' ')}: {check.name}: {told}\n"
                    f"{check.promise} See all that is broken: ssmttm plugin test {name}"
                )


def assure_embedders(names: Iterable[str], models: Mapping[str, Any]) -> None:
    """`assure` of embedders, with their entries of `evaluation.models`."""
    for name in names:
        entry = models.get(name) or {}
        assure("embedders", name, entry if isinstance(entry, Mapping) else {"weights": str(entry)})
