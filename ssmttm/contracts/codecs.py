"""The contract of a codec (`ssmttm.codecs.base`)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np

from ssmttm.codecs.base import Codec, fit_codec, frames_in, latent_widths, load_codec
from ssmttm.contracts.holding import hold, noise
from ssmttm.settings import CodecSettings

FRAMES = 60


class Subject(NamedTuple):
    """A codec that was saved and read again, codes of noise by it, and what made it."""

    codec: Codec
    codes: np.ndarray
    settings: CodecSettings
    sample_rate: int
    folder: Path

    def fit(self, codebooks: int) -> Codec:
        """Another one, with so many codebooks."""
        return _fit({**self.settings, "codebooks": codebooks}, self.sample_rate)

    @property
    def rest(self) -> np.ndarray:
        """Latents of the levels above the first, as sums of what the codes stand for."""
        pairs = zip(self.codec.tables().rest, self.codes[1:], strict=True)
        return np.asarray(sum(level[own] for level, own in pairs), np.float32)


def subject(name: str, settings: Mapping[str, Any], folder: Path) -> Subject:
    """The codec `name` with 4 codebooks of 16 codes, fitted to noise; `settings` may change that and `sample_rate`."""
    own = {"name": name, "codebooks": 4, "codebook_size": 16, **settings}
    sample_rate = own.pop("sample_rate", 24000)
    chosen = cast(CodecSettings, own)
    _fit(chosen, sample_rate).save(folder / "codec.safetensors")
    codec = load_codec(folder / "codec.safetensors")
    return Subject(codec, codec.encode(noise(FRAMES * codec.hop, 7)), chosen, sample_rate, folder)


def _fit(settings: CodecSettings, sample_rate: int) -> Codec:
    ramp = np.linspace(0, 1, 2 * sample_rate, dtype=np.float32)
    waves = [noise(2 * sample_rate, seed) * ramp for seed in range(2)]
    return fit_codec(settings, waves, len(waves), sample_rate, 1)


def test_it_says_what_it_is(subject: Subject) -> None:
    """Its name, identity, rates, sizes and `keeps_phase` are stated, and are those that were asked for."""
    codec, asked = subject.codec, subject.settings
    hold(codec.name == asked["name"], f"its name is {codec.name!r}, and it was asked for as {asked['name']!r}")
    hold(codec.identity.startswith(f"{codec.name}:"), f"the identity {codec.identity!r} isn't `name:hash`")
    stated = (codec.sample_rate, codec.codebooks, codec.codebook_size)
    wanted = (subject.sample_rate, asked["codebooks"], asked["codebook_size"])
    hold(stated == wanted, f"rate, codebooks and their size are {stated}, and {wanted} were asked for")
    hold(isinstance(codec.keeps_phase, bool), f"keeps_phase is {codec.keeps_phase!r}")


def test_what_is_known_without_weights_is_true(subject: Subject) -> None:
    """The module's `hop` and `latent_widths` are those of the codec; widths may be of published weights alone."""
    seconds = FRAMES * subject.codec.hop / subject.sample_rate
    frames = frames_in(subject.settings, seconds, subject.sample_rate)
    hold(frames == FRAMES, f"by the module's hop, {frames} frames; by the codec's, {FRAMES}")
    if "model" in subject.settings:
        return
    first, rest = subject.codec.tables()
    stated = latent_widths(subject.settings, subject.codec.codebooks)
    hold(stated == (first.shape[1], rest.shape[2]), f"latent_widths says {stated} of {first.shape} and {rest.shape}")


def test_codes_are_a_grid_in_range(subject: Subject) -> None:
    """`encode` gives int64 [K, T], each 0 to codebook_size - 1, and they vary with the audio."""
    codec, codes = subject.codec, subject.codes
    hold(codes.dtype == np.int64 and codes.shape == (codec.codebooks, FRAMES), f"{codes.dtype} {codes.shape}")
    least, most = codes.min(), codes.max()
    hold(bool(least >= 0 and most < codec.codebook_size), f"codes from {least} to {most}")
    other = codec.encode(np.zeros(FRAMES * codec.hop, np.float32))
    hold(not np.array_equal(codes, other), "noise and silence have the same codes")


def test_any_length_goes_there_and_back(subject: Subject) -> None:
    """n samples are ceil(n / hop) frames, and T frames are float32 [hop T], with any number of levels."""
    codec = subject.codec
    for samples in (1, codec.hop, 9 * codec.hop + 1):
        codes, frames = codec.encode(noise(samples)), -(-samples // codec.hop)
        hold(codes.shape[1] == frames == codec.frames(samples), f"{samples} samples are {codes.shape[1]} frames")
        for levels in range(1, codec.codebooks + 1):
            wave = codec.decode(codes[:levels])
            hold(wave.dtype == np.float32 and wave.shape == (frames * codec.hop,), f"{wave.dtype} {wave.shape}")
            hold(bool(np.isfinite(wave).all()), f"{levels} levels of {samples} samples make audio that isn't finite")


def test_the_same_input_gives_the_same_output(subject: Subject) -> None:
    """Fitting, encoding and decoding repeat exactly, and a saved codec is the codec."""
    again = subject.fit(subject.settings["codebooks"])
    hold(again.identity == subject.codec.identity, "fitted again to the same music, it is another codec")
    np.testing.assert_array_equal(again.encode(noise(FRAMES * again.hop, 7)), subject.codes)
    np.testing.assert_array_equal(subject.codec.decode(subject.codes), subject.codec.decode(subject.codes))
    again.save(subject.folder / "again.safetensors")
    first, second = (subject.folder / f"{name}.safetensors" for name in ("codec", "again"))
    hold(first.read_bytes() == second.read_bytes(), "equal codecs are saved as different files")


def test_tables_have_a_row_for_every_code_of_every_level(subject: Subject) -> None:
    """`tables` are float32 [size, C1] and [K - 1, size, C2]."""
    first, rest = subject.codec.tables()
    hold(first.dtype == rest.dtype == np.float32, f"{first.dtype} and {rest.dtype}")
    hold(first.shape[0] == rest.shape[1] == subject.codec.codebook_size, f"{first.shape} and {rest.shape}")
    hold(len(rest) == subject.codec.codebooks - 1, f"{len(rest)} tables of {subject.codec.codebooks} codebooks")


def test_code_vectors_snap_to_their_own_codes_on_all_levels(subject: Subject) -> None:
    """`snap` of sums of `tables().rest` gives the codes that they are sums of, and nearly so beside them."""
    codec, codes, rest = subject.codec, subject.codes, subject.rest
    np.testing.assert_array_equal(codec.snap(codes[0], rest), codes)
    near = rest + np.random.default_rng(0).normal(0, 1e-4 * np.abs(rest).max(), rest.shape).astype(np.float32)
    share = (codec.snap(codes[0], near) == codes).mean()
    hold(share > 0.99, f"near them, {share:.0%} are the same codes")


def test_joined_latents_are_those_of_all_levels(subject: Subject) -> None:
    """`join` of code 1 and sums of `tables().rest` is `latents` of all levels, which can be decoded."""
    joined = subject.codec.join(subject.codes[0], subject.rest)
    expected = subject.codec.latents(subject.codes, subject.codec.codebooks)
    np.testing.assert_allclose(joined, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())
    decoded = subject.codec.decode_latents(joined).shape
    hold(decoded == (FRAMES * subject.codec.hop,), f"{decoded} samples of {FRAMES} frames")


def test_what_is_given_stays_as_it_is(subject: Subject) -> None:
    """Arguments aren't changed, nor is the codec by a change of what it gave."""
    codec, first, rest = subject.codec, subject.codes[0].copy(), subject.rest
    before = rest.copy()
    codec.join(first, rest), codec.snap(first, rest)
    codec.tables().first.fill(0)
    np.testing.assert_array_equal(first, subject.codes[0])
    np.testing.assert_array_equal(rest, before)
    np.testing.assert_array_equal(codec.snap(first, rest), subject.codes)


def test_a_codec_of_one_level_has_nothing_above_it(subject: Subject) -> None:
    """With one codebook, `tables().rest` is empty, and the latents above it count for nothing."""
    codec = subject.fit(1)
    codes = codec.encode(noise(9 * codec.hop))
    rest = np.zeros((9, codec.tables().rest.shape[2]), np.float32)
    np.testing.assert_array_equal(codec.snap(codes[0], rest), codes)
    np.testing.assert_allclose(codec.join(codes[0], rest), codec.latents(codes, 1), rtol=1e-5)


def test_other_shapes_and_codes_out_of_range_are_refused(subject: Subject) -> None:
    """`join` and `snap` raise ValueError for latents of another shape and codes that there are not."""
    codec, codes, rest = subject.codec, subject.codes, subject.rest
    wrong = {
        "fewer latents than codes": (codes[0], rest[:-1]),
        "latents of another width": (codes[0], rest[:, :-1]),
        "latents that aren't finite": (codes[0], rest * np.nan),
        "a code that there is not": (codes[0] + codec.codebook_size, rest),
    }
    for use in (codec.join, codec.snap):
        for what, given in wrong.items():
            _refused(lambda: use(*given), f"{use.__name__} takes {what}")  # noqa: B023 called at once


def test_audio_that_has_no_codes_is_refused(subject: Subject) -> None:
    """`encode` raises ValueError for no samples, for what isn't finite, and for more than one channel."""
    for wave in (np.zeros(0, np.float32), np.full(9, np.nan), np.zeros((2, 9))):
        _refused(lambda: subject.codec.encode(wave), f"encode takes an array {wave.shape} of {wave.sum()}")  # noqa: B023


def _refused(use: Any, otherwise: str) -> None:
    try:
        use()
    except ValueError:
        return
    hold(False, otherwise)


def test_recordings_of_many_lengths_have_the_codes_that_each_has_alone(subject: Subject) -> None:
    """`encode_many` is `encode` of each."""
    waves = [noise(n, n) for n in (5000, 9000, 5000, 1, 9000)]
    for wave, codes in zip(waves, subject.codec.encode_many(waves), strict=True):
        np.testing.assert_array_equal(codes, subject.codec.encode(wave))


def test_a_piece_within_reach_sounds_as_in_the_whole(subject: Subject) -> None:
    """Where `reach` is stated, a piece with so many frames on either side has the audio of the whole."""
    codec, reach = subject.codec, subject.codec.reach
    if reach is None:
        return
    codes = codec.encode(noise((2 * reach + 20) * codec.hop, 3))
    z = codec.latents(codes, codec.codebooks)
    whole, start, end = codec.decode_latents(z), reach + 5, reach + 15
    piece = codec.decode_latents(z[start - reach : end + reach], start - reach)
    inner = piece[reach * codec.hop : (reach + end - start) * codec.hop]
    np.testing.assert_allclose(inner, whole[start * codec.hop : end * codec.hop], atol=1e-5 * np.abs(whole).max())
