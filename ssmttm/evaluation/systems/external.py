"""Another system's audio, in a folder by caption id, brought into the form of generated clips.

Whatever it was made with, a clip is scored as the references are: mono, at the data set's sample
rate, no longer than its clips and at their loudness. What was changed is said in notes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ssmttm.errors import UserError
from ssmttm.evaluation.systems.audio_folder import AudioFolder
from ssmttm.evaluation.systems.description import SourceAudio
from ssmttm.evaluation.systems.external_audio import (
    SHORTEST_SECONDS,
    ExternalAudio,
    Unusable,
    level_notes,
    levelled,
    read_external_audio,
)
from ssmttm.generation.prompts import file_name
from ssmttm.settings import ClipSettings
from ssmttm.wording import counted, some

_REMEDY = {
    "missing": "make them, or take the system out: scores of other sets of captions can't be compared; {names} says "
    "what each caption's file is called",
    "undecodable": "write them again, as WAV or FLAC",
    "not_finite": "generate them again",
    "too_short": f"generate at least {SHORTEST_SECONDS:g} s",
}
_PROBLEM = {
    "missing": ("caption has", "captions have", "no file"),
    "undecodable": ("file", "files", "can't be decoded"),
    "not_finite": ("file", "files", "with samples that are no finite numbers"),
    "too_short": ("file", "files", "too short to be scored"),
}
_TOLERANCE_SECONDS = 0.1


@dataclass
class Findings:
    """What the files of one folder were, and what keeps them from being scored."""

    folder: Path
    clips: ClipSettings
    problems: dict[str, list[str]] = field(default_factory=dict)
    """Files by kind of problem."""
    audio: dict[str, ExternalAudio] = field(default_factory=dict)
    """By file, without samples."""
    silent: list[str] = field(default_factory=list)
    extra: list[str] = field(default_factory=list)
    """Files of no caption."""

    def refuse(self, key: str, names: Path) -> None:
        """UserError with a line for each kind of problem, if there is any; `names` has the file names wanted."""
        if not self.problems:
            return
        lines = []
        for kind, files in self.problems.items():
            one, many, what = _PROBLEM[kind]
            remedy = _REMEDY[kind].format(names=names)
            lines.append(f"  {len(files)} {one if len(files) == 1 else many} {what}: {some(files)}; {remedy}")
        raise UserError("\n".join([f"{key}: {self.folder} can't be scored as it is:", *lines]))

    @property
    def source(self) -> SourceAudio:
        """The sample rates and numbers of channels that there were."""
        return SourceAudio(
            sorted({audio.sample_rate for audio in self.audio.values()}),
            sorted({audio.channels for audio in self.audio.values()}),
        )

    def notes(self) -> list[str]:
        """What was done to the audio, and what a reader should know of it."""
        rate, wanted = self.clips["sample_rate"], self.clips["seconds"]
        other = [r for r in self.source.sample_rates if r != rate]
        stereo = [name for name, audio in self.audio.items() if audio.channels > 1]
        long = [name for name, audio in self.audio.items() if audio.seconds > wanted + _TOLERANCE_SECONDS]
        short = [name for name, audio in self.audio.items() if audio.seconds < wanted - _TOLERANCE_SECONDS]
        notes = []
        if other:
            notes.append(f"resampled from {' and '.join(map(str, other))} Hz to {rate} Hz")
        if stereo:
            some_only = f" in {len(stereo)} of {len(self.audio)} files, such as {stereo[0]}; the others are mono"
            notes.append("channels averaged to mono" + (some_only if len(stereo) < len(self.audio) else ""))
        if long:
            notes.append(f"{counted(len(long), 'file')} cut to the first {wanted:g} s")
        if short:
            least = min(self.audio[name].seconds for name in short)
            notes.append(
                f"{counted(len(short), 'file')} shorter than {wanted:g} s, down to {least:.1f} s: {some(short, 3)}"
            )
        return notes + level_notes(self.clips["loudness_lufs"], self.silent, len(self.audio), "file")


def read_external(
    prompts: Sequence[Mapping[str, str]], folder: Path, clips: ClipSettings, key: str
) -> tuple[Findings, Iterator[tuple[Mapping[str, str], np.ndarray]]]:
    """Findings, which fill while the iterator of (prompt, samples `[n]` at the data set's rate) is used up.

    `prompts` have `clip_id`. Raises UserError for a folder that does not exist, for two files of one
    id, and for one file of two ids. After the last clip, `Findings.refuse` says what can't be scored.
    """
    files = AudioFolder(folder, key)
    findings = Findings(folder, clips)
    clip_of: dict[Path, str] = {}
    paths: dict[str, Path] = {}
    for prompt in prompts:
        clip_id = prompt["clip_id"]
        safe = file_name(clip_id)
        path = files.find(clip_id, safe)
        if path is None:
            findings.problems.setdefault("missing", []).append(f"{clip_id} ({safe}.wav)")
        elif path in clip_of:
            raise UserError(
                f"{key}: {path} is named by two ids, {clip_of[path]!r} and {clip_id!r}; one of them has no file"
            )
        else:
            paths[clip_id], clip_of[path] = path, clip_id
    findings.extra = [str(path.relative_to(folder)) for path in files.files if path not in clip_of]
    return findings, _read(prompts, paths, findings)


def _read(
    prompts: Sequence[Mapping[str, str]], paths: Mapping[str, Path], findings: Findings
) -> Iterator[tuple[Mapping[str, str], np.ndarray]]:
    clips = findings.clips
    for prompt in prompts:
        path = paths.get(prompt["clip_id"])
        if path is None:
            continue
        name = str(path.relative_to(findings.folder))
        try:
            audio = read_external_audio(path, clips["sample_rate"])
        except Unusable as error:
            findings.problems.setdefault(error.kind, []).append(f"{name} ({error})")
            continue
        wave, silent = levelled(audio.wave[: round(clips["seconds"] * clips["sample_rate"])], clips)
        findings.audio[name] = replace(audio, wave=wave[:0])
        if silent:
            findings.silent.append(name)
        yield prompt, wave
