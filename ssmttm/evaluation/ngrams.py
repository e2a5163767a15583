"""Trivial models of codes: they know no caption, and nothing of a clip but its last codes.

unigram, bigram and trigram are counts of n codes, interpolated: the probability of a code is a mixture of its
relative frequencies after the last n - 1 codes, after fewer, after none, and of the uniform distribution (Jelinek and
Mercer 1980). How much each weighs depends on how often what came before was seen (Chen and Goodman 1999, section
2.3), and is fitted to held-out clips by expectation maximization. copy repeats the last code as often as training
clips do, and else draws another one by its frequency. A trained language model has to beat them.
"""

from abc import ABC, abstractmethod

import numpy as np

from ssmttm.choices import CODE_MODELS

ORDERS = {"unigram": 1, "bigram": 2, "trigram": 3}
_ROUNDS = 50  # of expectation maximization
_SETTLED = 1e-6  # nats by which a round must improve the held-out clips
_BUCKETS = 16  # of how often a history was seen: 1, 2, 3 to 4, 5 to 8, ...


class CodeModel(ABC):
    """Probabilities of the codes of one level, `size` different ones, each given those before it in its clip."""

    def __init__(self, size: int) -> None:
        self.size = size

    @abstractmethod
    def log_probabilities(self, codes: np.ndarray) -> np.ndarray:
        """Of each code of `codes` `[clips, frames]`, given those before it: nats, float64 `[clips, frames]`."""

    @abstractmethod
    def sample(self, frames: int, rng: np.random.Generator) -> np.ndarray:
        """A clip of codes, int64 `[frames]`."""


class Interpolated(CodeModel):
    """Interpolated counts of up to `order` codes. A clip's beginning is a history of its own."""

    def __init__(self, order: int, size: int, train: np.ndarray, held_out: np.ndarray) -> None:
        """From codes `[clips, frames]` of training clips, which are counted, and of others, which set the weights."""
        super().__init__(size)
        self.order = order
        self._counts: list[tuple[np.ndarray, np.ndarray]] = []  # by n: keys of n codes, sorted, and their counts
        self._histories: list[tuple[np.ndarray, np.ndarray]] = []  # by n: keys of n - 1 codes, and their counts
        for n in range(1, order + 1):
            history, code = self._history(train, n), train.ravel().astype(np.int64)
            self._counts.append(np.unique(history * size + code, return_counts=True))
            self._histories.append(np.unique(history, return_counts=True))
        self._weights = np.full((_BUCKETS + 1, order + 1), 1 / (order + 1))
        self._fit(held_out)

    def _history(self, codes: np.ndarray, n: int) -> np.ndarray:
        """The n - 1 codes before each code as one number, `[clips * frames]`; before the clip stands `size`."""
        key = np.zeros(codes.shape, np.int64)
        for back in range(n - 1, 0, -1):
            before = np.full(codes.shape, self.size, np.int64)
            before[:, back:] = codes[:, :-back]
            key = key * (self.size + 1) + before
        return key.ravel()

    def _parts(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Probabilities by each part of the mixture, uniform first, and how often its history was seen.

        Both are `[codes, order + 1]`; the uniform part needs no history.
        """
        flat = codes.ravel().astype(np.int64)
        parts, seen = [np.full(len(flat), 1 / self.size)], [np.ones(len(flat), np.int64)]
        for n in range(1, self.order + 1):
            history = self._history(codes, n)
            seen.append(_found(self._histories[n - 1], history))
            parts.append(_found(self._counts[n - 1], history * self.size + flat) / np.maximum(seen[-1], 1))
        return np.stack(parts, 1), np.stack(seen, 1)

    def _weigh(self, seen: np.ndarray) -> np.ndarray:
        """Weights of the parts `[codes, order + 1]`, which add up to one: a history that was never seen has none."""
        weights = self._weights[self._buckets(seen[:, -1])] * (seen > 0)
        return weights / weights.sum(axis=1, keepdims=True)

    @staticmethod
    def _buckets(seen: np.ndarray) -> np.ndarray:
        """0 for a history that was never seen, else 1 and the rounded-up binary logarithm of how often it was."""
        rounded = np.ceil(np.log2(np.maximum(seen, 1))).astype(int) + 1
        return np.where(seen == 0, 0, np.minimum(rounded, _BUCKETS))

    def _fit(self, codes: np.ndarray) -> None:
        parts, seen = self._parts(codes)
        buckets, before = self._buckets(seen[:, -1]), -np.inf
        for _ in range(_ROUNDS):
            mixed = self._weigh(seen) * parts
            total = mixed.sum(axis=1)
            shares = mixed / total[:, None]
            sums = np.stack([np.bincount(buckets, share, _BUCKETS + 1) for share in shares.T], 1)
            # A bucket without held-out codes gets the weights of all of them together.
            sums += 1e-3 * shares.mean(axis=0)
            self._weights = sums / sums.sum(axis=1, keepdims=True)
            now = float(np.log(total).mean())
            if now - before < _SETTLED:
                break
            before = now

    def log_probabilities(self, codes: np.ndarray) -> np.ndarray:
        """See `CodeModel`."""
        parts, seen = self._parts(codes)
        return np.log((self._weigh(seen) * parts).sum(axis=1)).reshape(codes.shape)

    def sample(self, frames: int, rng: np.random.Generator) -> np.ndarray:
        """See `CodeModel`."""
        codes = np.zeros((1, frames), np.int64)
        for frame in range(frames):
            # The key of what came before depends on codes up to this frame only.
            start = max(0, frame - self.order + 1)
            near = codes[:, start : frame + 1]
            histories = [int(self._history(near, n)[-1]) if n > 1 else 0 for n in range(1, self.order + 1)]
            seen = [1, *(int(_found(self._histories[n], np.array([key]))[0]) for n, key in enumerate(histories))]
            part = int(rng.choice(self.order + 1, p=self._weigh(np.array([seen]))[0]))
            codes[0, frame] = rng.integers(self.size) if part == 0 else self._draw(part, histories[part - 1], rng)
        return codes[0]

    def _draw(self, n: int, history: int, rng: np.random.Generator) -> int:
        """A code by its relative frequency after `history`."""
        keys, counts = self._counts[n - 1]
        first, last = np.searchsorted(keys, [history * self.size, (history + 1) * self.size])
        shares = counts[first:last] / counts[first:last].sum()
        return int(keys[first:last][rng.choice(last - first, p=shares)] - history * self.size)


class Copy(CodeModel):
    """The last code again at the rate of repeats, else another one by its frequency (`Interpolated` of order 1)."""

    def __init__(self, size: int, train: np.ndarray, held_out: np.ndarray) -> None:
        """As `Interpolated`; the rate is smoothed so that neither case is impossible."""
        super().__init__(size)
        self._unigram = Interpolated(1, size, train, held_out)
        repeats = train[:, 1:] == train[:, :-1]
        self.rate = (repeats.sum() + 1) / (repeats.size + 2)
        self._frequencies = np.exp(self._unigram.log_probabilities(np.arange(size)[None]))[0]

    def log_probabilities(self, codes: np.ndarray) -> np.ndarray:
        """See `CodeModel`."""
        own = self._frequencies[codes]
        before = codes[:, :-1]
        other = (1 - self.rate) * own[:, 1:] / (1 - self._frequencies[before])
        found = np.log(own)
        found[:, 1:] = np.log(np.where(codes[:, 1:] == before, self.rate, other))
        return found

    def sample(self, frames: int, rng: np.random.Generator) -> np.ndarray:
        """See `CodeModel`."""
        codes = np.empty(frames, np.int64)
        codes[0] = rng.choice(self.size, p=self._frequencies)
        for frame in range(1, frames):
            if rng.random() < self.rate:
                codes[frame] = codes[frame - 1]
                continue
            others = self._frequencies.copy()
            others[codes[frame - 1]] = 0.0
            codes[frame] = rng.choice(self.size, p=others / others.sum())
        return codes


def _found(table: tuple[np.ndarray, np.ndarray], keys: np.ndarray) -> np.ndarray:
    """The counts of `keys` in a table of sorted keys and their counts; 0 for those that aren't there."""
    known, counts = table
    place = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    return np.where(known[place] == keys, counts[place], 0)


def fit_code_model(name: str, size: int, train: np.ndarray, held_out: np.ndarray) -> CodeModel:
    """The model `name` of `CODE_MODELS`, from codes `[clips, frames]` of one level, below `size`; ValueError if none.

    `held_out` are codes of validation clips, which set the weights.
    """
    if name not in CODE_MODELS:
        raise ValueError(f"no model of codes {name!r}; there are {', '.join(CODE_MODELS)}")
    train, held_out = train.astype(np.int64), held_out.astype(np.int64)
    return Copy(size, train, held_out) if name == "copy" else Interpolated(ORDERS[name], size, train, held_out)
