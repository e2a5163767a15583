"""Folders of systems with audio and our scores of it, made by the stages' own code from synthetic music."""

from tiny_embedders import WORDS

from ssmttm.choices import metrics_of
from ssmttm.contracts.holding import music
from ssmttm.evaluation.embedder import load_embedder
from ssmttm.evaluation.embedding import write_embeddings
from ssmttm.evaluation.scoring import read_references, write_scores
from ssmttm.evaluation.systems.generated import generated_row
from ssmttm.tables import iter_rows, write_table

RATE = 16000
SYSTEMS = ("originals", "codec", "run")


def captions(count):
    return [f"a {WORDS[i % len(WORDS)]} {WORDS[(3 * i + 1) % len(WORDS)]} {i * 'with '}piano" for i in range(count)]


def make_audio(folder, count=6, seconds=4.0):
    """{name: folder} of systems with `count` clips each."""
    made = {}
    for number, name in enumerate(SYSTEMS):
        waves = [music(seconds, RATE, 100 * number + clip) for clip in range(count)]
        rows = [
            generated_row(name, f"clip {clip}", caption, None, wave, RATE)
            for clip, (caption, wave) in enumerate(zip(captions(count), waves, strict=True))
        ]
        made[name] = folder / name
        write_table(made[name] / "generated" / "final.parquet", "generated", rows)
    return made


def score(systems, embedder, models, cache):
    """Embed and score all systems by one embedder, as a study does."""
    model = load_embedder(embedder, models)
    for path in systems.values():
        rows = list(iter_rows(path / "generated" / "final.parquet", "generated"))
        write_embeddings(rows, len(rows), model, cache, path / "embeddings" / "final" / f"{embedder}.parquet")
    tables = {name: path / "embeddings" / "final" / f"{embedder}.parquet" for name, path in systems.items()}
    references = read_references({name: tables[name] for name in ("originals", "codec")})
    spec = {"metrics": metrics_of(["frechet", "clap"], embedder), "bootstrap": 20, "confidence": 0.95, "seed": 1}
    for name, path in systems.items():
        out = path / "scores" / "final" / f"{embedder}.json"
        write_scores(spec | {"training_clips": 10}, embedder, name, tables[name], references, out)
