"""Another system's audio, in a folder by caption id, brought into the form of generated clips.

Whatever it was made with, a clip is scored as the references are: mono, at the data set's sample
rate, no longer than its clips and at their loudness. What was changed is said in notes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ssmttm.errors import UserError
from ssmttm.evaluation.systems.audio_folder import AudioFolder
from ssmttm.evaluation.systems.foreign_audio import (
    SHORTEST_SECONDS,
    Foreign,
    Unusable,
    level_notes,
    levelled,
    read_foreign,
)
from ssmttm.generation.prompts import file_name
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
    """What was found about the files of one folder."""

    folder: Path
    clips: Mapping[str, Any]
    """`data.clips` of the config."""
    problems: dict[str, list[str]] = field(default_factory=dict)
    rates: dict[str, int] = field(default_factory=dict)
    channels: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    silent: list[str] = field(default_factory=list)
    extra: list[str] = field(default_factory=list)

    def add(self, name: str, audio: Foreign, silent: bool) -> None:
        """Take down one file's."""
        self.rates[name], self.channels[name], self.seconds[name] = audio.sample_rate, audio.channels, audio.seconds
        if silent:
            self.silent.append(name)

    def refuse(self, key: str, names: Path) -> None:
        """UserError with a line for each kind of problem, if there is any; `names` has the file names wanted."""
        if not self.problems:
            return
        lines = []
        for kind, found in self.problems.items():
            one, many, what = _PROBLEM[kind]
            remedy = _REMEDY[kind].format(names=names)
            lines.append(f"  {len(found)} {one if len(found) == 1 else many} {what}: {some(found)}; {remedy}")
        raise UserError("\n".join([f"{key}: {self.folder} can't be scored as it is:", *lines]))

    def notes(self) -> list[str]:
        """What was done to the audio, and what a reader should know of it."""
        rate, wanted = self.clips["sample_rate"], self.clips["seconds"]
        other = sorted({r for r in self.rates.values() if r != rate})
        stereo = [name for name, channels in self.channels.items() if channels > 1]
        long = [name for name, s in self.seconds.items() if s > wanted + _TOLERANCE_SECONDS]
        short = [name for name, s in self.seconds.items() if s < wanted - _TOLERANCE_SECONDS]
        found = []
        if other:
            found.append(f"resampled from {' and '.join(map(str, other))} Hz to {rate} Hz")
        if stereo:
            mixed = len(stereo) < len(self.channels)
            of = (
                f"in {len(stereo)} of {len(self.channels)} files, such as {stereo[0]}; the others are mono"
                if mixed
                else ""
            )
            found.append(" ".join(filter(None, ["channels averaged to mono", of])))
        if long:
            found.append(f"{counted(len(long), 'file')} cut to the first {wanted:g} s")
        if short:
            least = min(self.seconds[name] for name in short)
            found.append(
                f"{counted(len(short), 'file')} shorter than {wanted:g} s, down to {least:.1f} s: {some(short, 3)}"
            )
        return found + level_notes(self.clips["loudness_lufs"], self.silent, len(self.seconds), "file")


def read_external(
    prompts: Sequence[Mapping[str, str]], folder: Path, clips: Mapping[str, Any], key: str
) -> tuple[Findings, Iterator[tuple[Mapping[str, str], np.ndarray]]]:
    """Findings, which fill while the iterator of (prompt, samples `[n]` at the data set's rate) is used up.

    `prompts` have `clip_id`. Raises UserError for a folder that does not exist, for two files of one
    id, and for one file of two ids. After the last clip, `Findings.refuse` says what can't be scored.
    """
    files = AudioFolder(folder, key)
    findings = Findings(folder, clips)
    found: dict[str, Path] = {}
    taken: dict[Path, str] = {}
    for prompt in prompts:
        clip_id = prompt["clip_id"]
        safe = file_name(clip_id)
        path = files.find(clip_id, safe)
        if path is None:
            findings.problems.setdefault("missing", []).append(f"{clip_id} ({safe}.wav)")
        elif path in taken:
            raise UserError(
                f"{key}: {path} is named by two ids, {taken[path]!r} and {clip_id!r}; one of them has no file"
            )
        else:
            found[clip_id], taken[path] = path, clip_id
    findings.extra = [str(path.relative_to(folder)) for path in files.files if path not in taken]
    return findings, _read(prompts, found, findings)


def _read(
    prompts: Sequence[Mapping[str, str]], found: Mapping[str, Path], findings: Findings
) -> Iterator[tuple[Mapping[str, str], np.ndarray]]:
    clips = findings.clips
    for prompt in prompts:
        path = found.get(prompt["clip_id"])
        if path is None:
            continue
        name = str(path.relative_to(findings.folder))
        try:
            audio = read_foreign(path, clips["sample_rate"])
        except Unusable as error:
            findings.problems.setdefault(error.kind, []).append(f"{name} ({error})")
            continue
        wave = audio.wave[: round(clips["seconds"] * clips["sample_rate"])]
        wave, silent = levelled(wave, clips["sample_rate"], clips["loudness_lufs"], clips["silence_lufs"])
        findings.add(name, audio, silent)
        yield prompt, wave
