"""What runs in a metric package's own environment: a script that imports nothing of ssmttm.

`driver.py import NAME` imports the package and prints what it is, as JSON. `driver.py score REQUEST ANSWER` reads a
request (JSON: `Request` of `ssmttm.evaluation.packages.request`) and writes the package's numbers as JSON.

Networks are the packages' own classes, as large as the weights say, and what is computed with them is the packages' own
code. Only their constructors, which download and unpickle, are gone past: weights come as safetensors. They import
torchvision, torchaudio and timm for paths that aren't taken here; hollow modules stand for those where they are
missing, since their builds have to match torch's, and those of a package index are for GPUs.
"""

import importlib
import importlib.machinery
import importlib.metadata
import importlib.util
import io
import json
import os
import platform
import sys
import tempfile
import types
from collections.abc import Callable, Iterator, Mapping
from contextlib import chdir, contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

HOLLOW = (
    "torchvision", "torchvision.datasets", "torchvision.transforms", "torchvision.ops", "torchvision.ops.misc",
    "torchaudio", "torchaudio.compliance", "torchaudio.transforms", "timm", "timm.models", "timm.models.hub",
    "timm.models._hub",
)  # fmt: skip
TOKENIZERS = ("roberta-base", "bert-base-uncased", "facebook/bart-base")
"""What laion-clap asks for by these names at import; it uses the first."""
ARCHITECTURES = {96: "HTSAT-tiny", 128: "HTSAT-base", 256: "HTSAT-large"}
"""Of laion-clap, by the width of the audio encoder."""
CONSTANT = (
    "spectrogram_extractor.", "logmel_extractor.", "audio_branch.spectrogram_extractor.",
    "audio_branch.logmel_extractor.", "audio_branch.tscam_conv.", "audio_branch.head.", "audio_transform.",
    "text_transform.",
)  # fmt: skip
"""Tensors that are computed by the constructor, or that no embedding comes through."""

COUNTED = ("position_ids", "token_type_ids", "attn_mask", "relative_position_index", "num_batches_tracked")
"""Of names of tensors: what is no weight, and stands in a file or not by the versions that wrote it."""

State = dict[str, Any]
Embed = Callable[[Path], Any]


class Hollow(types.ModuleType):
    """A module in which every name is there, and nothing works."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


def stand_in() -> None:
    """Put hollow modules in the place of missing ones that the packages import and do without."""
    transformers = importlib.import_module("transformers")
    for name in ("BartModel", "BertModel", "RobertaModel", "RobertaTokenizer", "BertTokenizer", "BartTokenizer"):
        getattr(transformers, name)  # transformers asks once what there is, and must not find hollow modules
    for found in ("is_torchaudio_available", "is_torchvision_available"):
        getattr(importlib.import_module("transformers.utils"), found)()
    missing = {name for name in ("torchvision", "torchaudio", "timm") if importlib.util.find_spec(name) is None}
    for name in HOLLOW:
        if name.split(".")[0] in missing:
            put(name)


def put(name: str) -> None:
    """A hollow module under `name`."""
    module = Hollow(name)
    module.__spec__ = importlib.machinery.ModuleSpec(name, None, is_package=True)
    module.__path__ = []
    sys.modules[name] = module


@contextmanager
def beside(folder: Path | None) -> Iterator[None]:
    """A working folder in which `roberta-base` is `folder`, or a tokenizer of a few letters; offline, with bare words.

    laion-clap asks for models by such names, and reads the command line, when it is imported.
    """
    before = {name: os.environ.get(name) for name in ("HF_HUB_OFFLINE",)}
    words = sys.argv
    with tempfile.TemporaryDirectory() as place, chdir(place):
        source = folder.resolve() if folder else letters(Path(place, "letters"))
        for name in TOKENIZERS:
            link = Path(place, name)
            link.parent.mkdir(exist_ok=True)
            link.symlink_to(source)
        os.environ["HF_HUB_OFFLINE"] = "1"
        sys.argv = words[:1]
        try:
            yield
        finally:
            sys.argv = words
            for name, value in before.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})


def letters(folder: Path) -> Path:
    """A tokenizer that is good for an import alone."""
    folder.mkdir()
    tokens = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", "[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]", "a"]
    (folder / "vocab.json").write_text(json.dumps({token: number for number, token in enumerate(tokens)}))
    (folder / "vocab.txt").write_text("\n".join(tokens))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    return folder.resolve()


def import_package(name: str, texts: bool = True, tokenizer: Path | None = None) -> Any:
    """The module `name`; without `texts` a hollow laion_clap stands for the real one, which asks for tokenizers."""
    stand_in()
    if not texts and name != "laion_clap":
        put("laion_clap")
    with beside(tokenizer), redirect_stdout(io.StringIO()):
        return importlib.import_module(name)


def fit(network: Any, state: State) -> None:
    """Give layers of `network` whose weights have another shape in `state` that shape."""
    nn = importlib.import_module("torch").nn
    for name, layer in list(network.named_modules()):
        weight = state.get(f"{name}.weight")
        if weight is None or getattr(layer, "weight", None) is None or layer.weight.shape == weight.shape:
            continue
        shape, bias = tuple(weight.shape), getattr(layer, "bias", None) is not None
        made: Any
        if isinstance(layer, nn.Linear):
            made = nn.Linear(shape[1], shape[0], bias)
        elif isinstance(layer, nn.Conv2d):
            made = nn.Conv2d(shape[1], shape[0], shape[2:], layer.stride, layer.padding, bias=bias)
        elif isinstance(layer, nn.BatchNorm2d):
            made = nn.BatchNorm2d(shape[0])
        else:
            raise ValueError(f"{name}: weights of shape {shape} where the package has {tuple(layer.weight.shape)}")
        network.set_submodule(name, made)


def fill(network: Any, state: State) -> Any:
    """`network` with the weights `state`, all of them; ValueError names those that are missing or too many."""
    fit(network, state)
    known = network.state_dict()
    state = {name: tensor for name, tensor in state.items() if name in known or not name.endswith(COUNTED)}
    missing, unexpected = network.load_state_dict(state, strict=False)
    missing = [name for name in missing if not (name.startswith(CONSTANT) or name.endswith(COUNTED))]
    if missing or unexpected:
        raise ValueError(f"weights of another network: missing {missing[:3]}, not known {unexpected[:3]}")
    return network.eval()


def clap(state: State, tokenizer: Path) -> Any:
    """laion-clap's module with the weights `state`.

    Its text encoder is made as large as they are, and isn't filled with roberta-base first: they overwrite that.
    """
    words, hidden = state["text_branch.embeddings.word_embeddings.weight"].shape
    width = len(state["audio_branch.patch_embed.proj.weight"])
    if width not in ARCHITECTURES:
        raise ValueError(f"an audio encoder of width {width} is none of {', '.join(ARCHITECTURES.values())}")
    package = import_package("laion_clap", tokenizer=tokenizer)
    transformers = importlib.import_module("transformers")
    if "audio_branch.patch_embed.mel_conv2d.weight" in state and isinstance(sys.modules["torchaudio"], Hollow):
        raise ValueError("a checkpoint with fusion needs torchaudio, which isn't in this environment; take one without")
    layers = {name.split(".")[3] for name in state if name.startswith("text_branch.encoder.layer.")}
    config = transformers.RobertaConfig(
        vocab_size=words,
        hidden_size=hidden,
        num_hidden_layers=len(layers),
        num_attention_heads=max(hidden // 64, 1),
        intermediate_size=len(state["text_branch.encoder.layer.0.intermediate.dense.bias"]),
        max_position_embeddings=len(state["text_branch.embeddings.position_embeddings.weight"]),
        type_vocab_size=len(state["text_branch.embeddings.token_type_embeddings.weight"]),
        layer_norm_eps=1e-5,
    )
    roberta = transformers.RobertaModel
    roberta.from_pretrained = classmethod(lambda cls, *unused, **more: cls(config))
    try:
        with beside(tokenizer), redirect_stdout(io.StringIO()):
            module = package.CLAP_Module(
                enable_fusion="audio_branch.patch_embed.mel_conv2d.weight" in state,
                amodel=ARCHITECTURES[width],
                device="cpu",
            )
    finally:
        del roberta.from_pretrained
    fill(module.model, state)
    return module


def pann(state: State) -> tuple[Any, int]:
    """The Cnn14 of frechet-audio-distance with the weights `state`, and its sample rate."""
    models = importlib.import_module("frechet_audio_distance.models.pann")
    fft = 2 * (len(state["logmel_extractor.melW"]) - 1)
    kinds = {256: ("Cnn14_8k", 8000), 512: ("Cnn14_16k", 16000), 1024: ("Cnn14", 32000)}
    if fft not in kinds:
        raise ValueError(f"mel filters of {fft} points are of no Cnn14")
    name, rate = kinds[fft]
    network = getattr(models, name)(rate, fft, rate // 100, 64, 50, {8000: 4000, 16000: 8000, 32000: 16000}[rate], 527)
    return fill(network, state), rate


def vggish(state: State) -> Any:
    """VGGish as frechet-audio-distance takes it: no PCA, and the layer before the last ReLU.

    The package gets it from GitHub by torch's hub; torchvggish is the same author's release of it, whose network is fed
    by its own function for audio.
    """
    nn = importlib.import_module("torch").nn
    source = importlib.import_module("torchvggish.torchvggish")
    examples = importlib.import_module("torchvggish.vggish_input").waveform_to_examples
    network = source.VGG(source.make_layers(), postprocess=False)
    network.embeddings = nn.Sequential(*list(network.embeddings.children())[:-1])
    fill(network, {name: tensor for name, tensor in state.items() if not name.startswith("pproc.")})
    whole = network.forward
    network.forward = lambda audio, rate: whole(examples(audio, rate))
    return network


def distances(request: Mapping[str, Any], state: State) -> tuple[Any, Embed]:
    """frechet-audio-distance around the network of the request's embedder, and how it embeds a file."""
    torch = importlib.import_module("torch")
    kind, rate = request["embedder"], 16000
    tokenizer = Path(request["tokenizer"]) if request["tokenizer"] else None
    package = import_package("frechet_audio_distance", texts=kind == "clap", tokenizer=tokenizer)
    load = importlib.import_module("frechet_audio_distance.utils").load_audio_task
    if kind == "vggish":
        network = vggish(state)
    elif kind == "pann":
        network, rate = pann(state)
    else:
        assert tokenizer is not None
        network, rate = clap(state, tokenizer), 48000
    fad = package.FrechetAudioDistance.__new__(package.FrechetAudioDistance)
    fad.model_name, fad.model, fad.device, fad.verbose = kind, network, torch.device("cpu"), False
    fad.sample_rate, fad.channels = rate, 1

    def embed(path: Path) -> Any:
        said = io.StringIO()
        try:
            with redirect_stdout(said), torch.no_grad():
                return fad.get_embeddings([load(str(path), rate, 1)], rate)
        except ValueError as error:  # the package prints what went wrong, and goes on without the clip
            raise ValueError(said.getvalue().strip() or str(error)) from error

    return fad, embed


def kept(request: Mapping[str, Any], embed: Embed) -> Embed:
    """`embed` with what it gives kept in the request's folder, by the audio's hash; the same whichever comes first."""
    numpy = importlib.import_module("numpy")
    folder = Path(request["cache"])
    folder.mkdir(parents=True, exist_ok=True)

    def look(path: Path) -> Any:
        place = folder / f"{path.stem}.npy"
        if not place.is_file():
            numpy.random.seed(request["seed"])  # of longer clips than it takes, CLAP embeds a random part
            found = numpy.asarray(embed(path))
            if not numpy.isfinite(found).all():
                raise ValueError(f"{path.name}: the package's embedding is not finite")
            part = place.with_suffix(f".{os.getpid()}.part")
            with open(part, "wb") as file:
                numpy.save(file, found, allow_pickle=False)
            part.replace(place)
        return numpy.load(place, allow_pickle=False)

    return look


def frechet(request: Mapping[str, Any], state: State) -> dict[str, Any]:
    """The package's distance of every system to each reference: {system: {reference: number}}.

    Of a clip PANN gives one vector, which the package joins with the next one's, end to end; here it is a row.
    """
    numpy = importlib.import_module("numpy")
    fad, embed = distances(request, state)
    look = kept(request, embed)
    sets = {
        name: numpy.concatenate([numpy.atleast_2d(look(Path(clip["path"]))) for clip in clips])
        for name, clips in request["sets"].items()
    }
    moments = {name: fad.calculate_embd_statistics(rows) for name, rows in sets.items()}
    with redirect_stdout(io.StringIO()):
        return {
            "scores": {
                system: {
                    reference: float(fad.calculate_frechet_distance(*moments[reference], *moments[system]))
                    for reference in request["references"]
                }
                for system in request["systems"]
            }
        }


def text_audio(request: Mapping[str, Any], state: State) -> dict[str, Any]:
    """The mean cosine of every system's clips and their captions by laion-clap, against no reference."""
    torch = importlib.import_module("torch")
    module = clap(state, Path(request["tokenizer"]))
    cosine = torch.nn.functional.cosine_similarity
    captions = sorted({clip["caption"] for clips in request["sets"].values() for clip in clips})
    with torch.no_grad(), redirect_stdout(io.StringIO()):
        parts = [torch.from_numpy(module.get_text_embedding(captions[i : i + 32])) for i in range(0, len(captions), 32)]
        texts = dict(zip(captions, torch.cat(parts)))
        look = kept(request, lambda path: module.get_audio_embedding_from_filelist([str(path)]))
        scores = {}
        for system in request["systems"]:
            clips = request["sets"][system]
            audio = torch.from_numpy(look_all(look, clips))
            scores[system] = {
                reference: float(cosine(audio, torch.stack([texts[clip["caption"]] for clip in clips])).mean())
                for reference in request["references"]
            }
    return {"scores": scores, "texts": {caption: row.tolist() for caption, row in texts.items()}}


def look_all(look: Embed, clips: list[dict[str, str]]) -> Any:
    """The embeddings of `clips`, one row each."""
    numpy = importlib.import_module("numpy")
    return numpy.concatenate([look(Path(clip["path"])) for clip in clips], axis=0)


PACKAGES: dict[str, Callable[[Mapping[str, Any], State], dict[str, Any]]] = {
    "frechet_audio_distance": frechet,
    "laion_clap": text_audio,
}


def described(name: str) -> dict[str, str]:
    """What makes the numbers: versions of the package, of torch and of Python."""
    versions = {"version": importlib.metadata.version(name), "torch": importlib.metadata.version("torch")}
    return versions | {"python": platform.python_version()}


def main(words: list[str]) -> None:
    """Import a package, or answer a request."""
    if words[0] == "import":
        import_package(words[1])
        print(json.dumps(described(words[1])))
        return
    request = json.loads(Path(words[1]).read_text(encoding="utf-8"))
    torch = importlib.import_module("torch")
    torch.set_num_threads(request["threads"])
    state = importlib.import_module("safetensors.torch").load_file(request["weights"])
    answer = PACKAGES[request["package"]](request, state) | described(request["package"])
    Path(words[2]).write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
