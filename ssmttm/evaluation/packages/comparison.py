"""A published package's numbers beside ours: asked for in its environment, on the same clips with the same weights."""

import json
import math
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict, cast

from safetensors.torch import save_file

from ssmttm.choices import FINAL, PACKAGES
from ssmttm.errors import UserError
from ssmttm.evaluation.embedder import Settings, Weights
from ssmttm.evaluation.packages import environment
from ssmttm.evaluation.soundness import check_texts
from ssmttm.files import read_json, sha256_bytes, sha256_file, write_bytes
from ssmttm.pretrained.checkpoints import read_weights
from ssmttm.pretrained.identity import weights_hash
from ssmttm.rows import GeneratedRow
from ssmttm.spec import canonical_json
from ssmttm.tables import iter_rows

REFERENCES = ("originals", "codec")
CAPTIONS = "captions"
"""What a text score is taken against."""

REMEDY = {
    "vggish": "give the path of vggish-10086976.pth, of release v0.1 of harritaylor/torchvggish on GitHub",
    "pann": "give the path of a Cnn14 checkpoint, of Zenodo record 3987831",
    "clap": "give {weights: music_audioset_epoch_15_esc_90.14.pt, tokenizer: FOLDER}, of lukewys/laion_clap",
}

_CROP = "Of a clip longer than 10 s the package embeds one part, drawn at random (here by a fixed seed)"
REMARKS = {
    "frechet_audio_distance": {
        "vggish": "The package resamples by resampy, ours by soxr. Its root of a matrix product is inexact where clips "
        "give fewer windows than dimensions.",
        "pann": "The package itself joins the clips’ vectors end to end, to numbers in one dimension. Here they are "
        "rows, as its other networks have them; the rest is the package’s. Its root is inexact where clips are fewer "
        "than dimensions.",
        "clap": f"{_CROP}; ours embeds all of it, through 16 bits, as CLAP was trained. Its root is inexact where "
        "clips are fewer than dimensions.",
    },
    "laion_clap": {"clap": f"{_CROP}; ours takes the mean of successive windows."},
}
"""What differs in how the package and this project make a number."""


class Number(TypedDict):
    """A number of a package, and ours of the same system, embedder and reference."""

    system: str
    embedder: str
    metric: str
    reference: str
    theirs: float
    ours: float
    difference: float
    """Theirs less ours."""
    n: int


class Backend(TypedDict):
    """The weights that made numbers."""

    identity: str
    sha256: str
    remark: str


class Comparison(TypedDict):
    """A package's file: results/studies/STUDY/packages/PACKAGE.json."""

    package: str
    version: str
    torch: str
    python: str
    pins: str
    backends: dict[str, Backend]
    """By embedder."""
    numbers: list[Number]


@dataclass(frozen=True)
class Package:
    """A package that can be asked, in the environment that the folder `environment` is."""

    name: str
    environment: Path
    references: Path
    """The folder of the baselines, `originals` and `codec` among them."""
    cache: Path
    """A folder in which embeddings are kept."""
    threads: int
    seed: int

    def compare(self, embedders: Sequence[str], models: Mapping[str, Any], systems: Sequence[Path]) -> Comparison:
        """What the package says of `systems`, which have audio and our scores, by the weights of `embedders`; and we.

        `models` is `evaluation.models`. Raises UserError for a broken environment, missing or changed weights, and
        numbers that are none.
        """
        record = environment.check(self.name, self.environment)
        if len({path.name for path in systems}) < len(systems):
            raise UserError("--systems: two folders have one name")
        backends: dict[str, Backend] = {}
        numbers: list[Number] = []
        for embedder in embedders:
            weights, tokenizer = self._weights(embedder, models)
            identity = f"{embedder}:{weights_hash(weights.path, *tokenizer)}"
            metric = PACKAGES[self.name][embedder]
            ours = {path.name: _ours(path, embedder, metric, identity) for path in systems}
            answer = self._ask(weights, tokenizer, systems, record)
            if "texts" in answer:
                check_texts(answer["texts"].keys(), list(answer["texts"].values()), identity)
            sha256, remark = sha256_file(weights.path), REMARKS[self.name][embedder]
            backends[embedder] = {"identity": identity, "sha256": sha256, "remark": remark}
            numbers += _numbers(self.name, embedder, metric, answer, ours)
        made: dict[str, Any] = {key: record[key] for key in ("package", "version", "torch", "python", "pins")}
        return cast(Comparison, made | {"backends": backends, "numbers": numbers})

    def _weights(self, embedder: str, models: Mapping[str, Any]) -> tuple[Weights, list[Path]]:
        """The embedder's file of weights, and its tokenizer if it has one."""
        setting = models.get(embedder) or {}
        settings = cast(Settings, {"weights": str(setting)} if isinstance(setting, str) else dict(setting))
        weights = Weights.of(settings, embedder, REMEDY[embedder])
        if not weights.path.is_file():
            wrong = f"{self.name} reads a file of weights, no folder"
            raise UserError(f"{weights.key}: {weights.path}: {wrong}; {REMEDY[embedder]}")
        return weights, [Path(settings["tokenizer"]).expanduser()] if settings.get("tokenizer") else []

    def _ask(
        self, weights: Weights, tokenizer: Sequence[Path], systems: Sequence[Path], record: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The driver's answer. Weights are read as data, and handed on as safetensors: nothing is unpickled there."""
        text = PACKAGES[self.name][weights.name] == "clap"
        references = [] if text else [self.references / name for name in REFERENCES]
        made = sha256_bytes((canonical_json(record) + weights.identity).encode() + environment.DRIVER.read_bytes())
        with tempfile.TemporaryDirectory(prefix="ssmttm-") as name:
            place = Path(name)
            state = read_weights(weights.path, weights.key, weights.remedy)
            save_file({key: tensor.clone() for key, tensor in state.items()}, place / "weights.safetensors")
            request = {
                "package": self.name,
                "embedder": weights.name,
                "weights": str(place / "weights.safetensors"),
                "tokenizer": str(tokenizer[0].resolve()) if tokenizer else None,
                "sets": {path.name: _clips(path, place / "audio") for path in [*references, *systems]},
                "systems": [path.name for path in systems],
                "references": [CAPTIONS] if text else [*REFERENCES],
                "cache": str((self.cache / f"{self.name}-{weights.name}-{made[:16]}").resolve()),
                "threads": self.threads,
                "seed": self.seed,
            }
            (place / "request.json").write_text(json.dumps(request), encoding="utf-8")
            words = ("score", str(place / "request.json"), str(place / "answer.json"))
            done = environment.call(self.environment, *words)
            if done.returncode:
                raise UserError(f"{self.name} in {self.environment}: {environment.last_line(done.stderr)}")
            return read_json(place / "answer.json")


def _ours(folder: Path, embedder: str, metric: str, identity: str) -> dict[str, tuple[float, int]]:
    """Our score of a system by reference, with its number of clips; UserError unless the same weights made it."""
    path = folder / "scores" / FINAL / f"{embedder}.json"
    scored = read_json(path).get("metrics", {}).get(metric)
    if not scored:
        raise UserError(f"{path}: has no {metric}; score the system again: snakemake {path}")
    if scored["backend"] != identity:
        raise UserError(
            f"{path}: made by {scored['backend']}, and evaluation.models.{embedder} is {identity}: the weights were "
            "changed since; run Snakemake, which scores all systems again"
        )
    return {entry["reference"]: (entry["value"], entry["n"]) for entry in scored["entries"]}


def _clips(system: Path, folder: Path) -> list[dict[str, str]]:
    """A system's clips in the order of their ids, as files named by their hash."""
    clips = []
    for row in cast(Iterator[GeneratedRow], iter_rows(system / "generated" / f"{FINAL}.parquet", "generated")):
        audio = row["audio"]["bytes"]
        path = folder / f"{sha256_bytes(audio)}.flac"
        if not path.exists():
            write_bytes(path, audio)
        clips.append({"clip_id": row["clip_id"], "path": str(path), "caption": row["caption"]})
    return sorted(clips, key=lambda clip: clip["clip_id"])


def _numbers(
    package: str,
    embedder: str,
    metric: str,
    answer: Mapping[str, Any],
    ours: Mapping[str, Mapping[str, tuple[float, int]]],
) -> list[Number]:
    rows: list[Number] = []
    for system, own in ours.items():
        for reference, theirs in answer.get("scores", {}).get(system, {}).items():
            if not isinstance(theirs, float) or not math.isfinite(theirs):
                raise UserError(f"{package} says {theirs!r} of {system} by {embedder} against {reference}: no number")
            value, n = own["originals" if reference == CAPTIONS else reference]
            rows.append(
                {
                    "system": system,
                    "embedder": embedder,
                    "metric": metric,
                    "reference": reference,
                    "theirs": theirs,
                    "ours": value,
                    "difference": theirs - value,
                    "n": n,
                }
            )
        if not any(row["system"] == system for row in rows):
            raise UserError(f"{package} says nothing of {system} by {embedder}")
    return rows
