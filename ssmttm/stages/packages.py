"""Have a published metric package score a study's systems, and set its numbers beside ours."""

from pathlib import Path

from ssmttm.choices import package_embedders
from ssmttm.errors import UserError
from ssmttm.evaluation.packages.comparison import Package
from ssmttm.evaluation.packages.environment import check
from ssmttm.files import write_json
from ssmttm.settings import StageSpec


def run(
    spec: StageSpec,
    package: str,
    environment: Path,
    systems: list[Path],
    baselines: Path,
    out: Path,
    cache: Path,
    threads: int | None,
) -> None:
    """Write to `out` what `package` says of the folders `systems`, by each embedder whose weights it reads, and ours.

    `baselines` is the folder of `originals` and `codec`, which distances are taken to. Embeddings are kept in `cache`.
    """
    check(package, environment)
    embedders = package_embedders(package, spec["embedders"], spec["models"])
    if not embedders:
        raise UserError(f"evaluation.packages: {package} can read the weights of none of evaluation.embedders")
    asked = Package(package, environment, baselines, cache, threads or 1, spec["seed"])
    write_json(out, asked.compare(embedders, spec["models"], systems))
