"""Products that are made once: kept apart from those that Snakemake manages, and put back while they are still right.

Snakemake deletes all outputs of a job before it runs the job again, also those that would come out as they were. So
each product is kept in `evaluated/` of its system's folder under a further name of the same file, which takes no space,
and beside it stands what it was made from.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ssmttm.files import link_file, sha256_file, write_json
from ssmttm.spec import canonical_json

FOLDER = "evaluated"


@dataclass(frozen=True)
class Kept:
    """The products of the system in folder `root`."""

    root: Path

    def make(self, products: Sequence[Path], origin: Mapping[str, object], make: Callable[[], None]) -> bool:
        """Have `products`, which are made together, and whether `make` was called for that.

        `origin` is all that decides what is in them (hashes of inputs, settings, fingerprint of the code), as plain
        values. Kept ones of the same origin are put back, if they are whole; else `make` writes the products, and these
        are kept. Killed in between, it makes them again.
        """
        record = self._place(products[0]).with_name(f"{products[0].name}.origin.json")
        names = [product.relative_to(self.root).as_posix() for product in products]
        if self._right(record, names, origin):
            for product in products:
                if not (product.exists() and product.samefile(self._place(product))):
                    link_file(self._place(product), product)
            return False
        record.unlink(missing_ok=True)
        make()
        for product in products:
            link_file(product, self._place(product))
        hashes = {name: sha256_file(product) for name, product in zip(names, products, strict=True)}
        write_json(record, {"origin": origin, "sha256": hashes})
        return True

    def _place(self, product: Path) -> Path:
        return self.root / FOLDER / product.relative_to(self.root)

    def _right(self, record: Path, names: Sequence[str], origin: Mapping[str, object]) -> bool:
        """Whether the kept files are those that the record says, and of this origin."""
        try:
            known = json.loads(record.read_text(encoding="utf-8"))
            same = canonical_json(known["origin"]) == canonical_json(origin) and set(known["sha256"]) == set(names)
            return same and all(sha256_file(self.root / FOLDER / name) == known["sha256"][name] for name in names)
        except (OSError, ValueError, KeyError, TypeError):
            return False
