"""Training clips as a system: what a model would score that only repeats what it was trained on."""

from collections.abc import Mapping, Sequence

from ssmttm.errors import UserError
from ssmttm.systems.choice import ranked


def training_clips(tracks: Mapping[str, str], prompts: Sequence[str], seed: int) -> dict[str, str]:
    """For each of `prompts` (clip ids) a training clip of `tracks` {clip: track}, by hash, spread over the tracks.

    Where there are fewer than prompts they are used in turn. Raises UserError if there are none.
    """
    order = ranked(tracks, seed, "training audio")
    if not order:
        raise UserError("the training split has no clips, so that the baseline `training` has no audio")
    return {prompt: order[i % len(order)] for i, prompt in enumerate(sorted(prompts))}
