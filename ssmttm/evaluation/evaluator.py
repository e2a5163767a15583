"""What every system goes through once its audio is there: embeddings, and scores against the references.

A step is one method, and has its products made through `Kept`: what is right already is left as it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from ssmttm.choices import FINAL, here, metrics_of
from ssmttm.device import claim_device
from ssmttm.errors import UserError
from ssmttm.evaluation.clipset import ClipSet
from ssmttm.evaluation.embedder import Embedder, load_embedder
from ssmttm.evaluation.embedding import write_embeddings
from ssmttm.evaluation.kept import Kept
from ssmttm.evaluation.scoring import read_references, write_scores
from ssmttm.files import sha256_file
from ssmttm.pretrained.identity import model_files, weights_hash
from ssmttm.provenance import code_of
from ssmttm.released import RELEASE, check_released
from ssmttm.settings import JudgingSpec
from ssmttm.tables import count_rows, iter_rows


@dataclass
class Evaluator:
    """Embeds and scores the audio of systems, one after the other; loads embedders and references once."""

    spec: JudgingSpec
    data: Path
    """The data set's folder."""
    baselines: Path
    """The folder of the baselines, `originals` and `codec` among them."""
    cache: Path
    threads: int | None
    _models: dict[str, Embedder] = field(default_factory=dict)
    _sets: dict[str, dict[str, ClipSet]] = field(default_factory=dict)
    _hashes: dict[Path, str] = field(default_factory=dict)

    @property
    def embedders(self) -> Sequence[str]:
        """Those that run in this environment."""
        return here(self.spec["embedders"])

    def references(self, embedder: str) -> dict[str, Path]:
        """The embeddings that systems are scored against, by name; of training clips only if a metric asks for them."""
        place = Path("embeddings", FINAL, f"{embedder}.parquet")
        found = {name: self.baselines / name / place for name in ("originals", "codec")}
        copies = "training_copies" in self.spec["score"]["metrics"]
        return found | ({"training": self.data / "training" / f"{embedder}.parquet"} if copies else {})

    def check(self, *made: str) -> None:
        """Raise UserError unless all references are there, less those called `made`; and for a changed data set."""
        for embedder in self.embedders:
            for name, path in self.references(embedder).items():
                if name not in made and not path.is_file():
                    raise UserError(f"{path}: no such file; it is what others are scored against: snakemake {path}")
        check_released(self.data, ("splits.parquet", "codec.safetensors", "captions"))

    def embed(self, folder: Path, checkpoint: str) -> None:
        """Embed the audio of the system in `folder` at `checkpoint`, by every embedder."""
        audio = folder / "generated" / f"{checkpoint}.parquet"
        for embedder in self.embedders:
            out = folder / "embeddings" / checkpoint / f"{embedder}.parquet"
            setting = self.spec["embed"]["models"].get(embedder)
            weights = [Path(file) for file in model_files(setting)]
            origin = {
                "code": code_of("embed", embedder=embedder),
                "settings": setting,
                "weights": weights_hash(*weights) if weights else None,
                "audio": sha256_file(audio),
            }
            Kept(folder).make([out], origin, partial(self._embed, embedder, audio, out))

    def score(self, folder: Path, checkpoint: str) -> None:
        """Score the system in `folder` at `checkpoint`, by every embedder and metric."""
        for embedder in self.embedders:
            embeddings = folder / "embeddings" / checkpoint / f"{embedder}.parquet"
            out, spec = folder / "scores" / checkpoint / f"{embedder}.json", self.spec["score"]
            origin = {
                "code": code_of("score", metric=metrics_of(spec["metrics"], embedder)),
                "settings": dict(spec),
                "embeddings": sha256_file(embeddings),
                "references": {name: self._hash(path) for name, path in self.references(embedder).items()},
                "data": self._hash(self.data / RELEASE),
            }

            Kept(folder).make([out], origin, partial(self._score, embedder, folder.name, embeddings, out))

    def _embed(self, embedder: str, audio: Path, out: Path) -> None:
        if embedder not in self._models:
            self._models[embedder] = load_embedder(embedder, self.spec["embed"]["models"])
        model, rows, count = self._models[embedder], iter_rows(audio, "generated"), count_rows(audio, "generated")
        with claim_device("auto" if model.takes_gpu else "cpu", self.threads) as place:
            model.to(place)
            write_embeddings(rows, count, model, self.cache, out)

    def _score(self, embedder: str, system: str, embeddings: Path, out: Path) -> None:
        if embedder not in self._sets:
            self._sets[embedder] = read_references(self.references(embedder))
        write_scores(self.spec["score"], embedder, system, embeddings, self._sets[embedder], out)

    def _hash(self, path: Path) -> str:
        """Of a file that doesn't change meanwhile."""
        if path not in self._hashes:
            self._hashes[path] = sha256_file(path)
        return self._hashes[path]
