"""Groups of things that belong together, built up pair by pair."""

from collections import defaultdict
from typing import Generic, TypeVar

_T = TypeVar("_T", int, str)


class Groups(Generic[_T]):
    """Disjoint sets of numbers or names; each is known by its smallest member, whatever the order of joining."""

    def __init__(self) -> None:
        self._parent: dict[_T, _T] = {}

    def of(self, thing: _T) -> _T:
        """The smallest member of its group: itself if it was never joined."""
        root = thing
        while (parent := self._parent.get(root, root)) != root:
            root = parent
        while (parent := self._parent.get(thing, thing)) != root:
            self._parent[thing] = root
            thing = parent
        return root

    def join(self, a: _T, b: _T) -> None:
        """Make one group of the two things' groups."""
        low, high = sorted((self.of(a), self.of(b)))
        self._parent.setdefault(low, low)
        self._parent[high] = low

    def members(self) -> list[list[_T]]:
        """All that was joined, by group; sorted."""
        found: dict[_T, list[_T]] = defaultdict(list)
        for thing in sorted(self._parent):
            found[self.of(thing)].append(thing)
        return [found[root] for root in sorted(found)]
