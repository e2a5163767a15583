"""Statistics of captions: how long they are, how many words they know, how much they repeat.

Vocabulary and repetition shrink with the amount of text, so they are means over samples of the
same number of words, in the order of the captions: data sets of different size can be compared.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

SAMPLE = 1000
"""Words per sample."""

_OPENING = 2
_OPENINGS = 5
_WORD = re.compile(r"[^\W_]+(?:[#&'’-]+[^\W_]+)*#?")


def statistics(captions: Sequence[str]) -> dict[str, Any]:
    """Lengths, vocabulary and repetition of `captions`; plain numbers, ready for JSON.

    - `words`: mean, minimum, quartiles and maximum of the words per caption
    - `vocabulary`: all distinct words; `type_token_ratio`, distinct words per word of a sample
    - `repetition`: share of captions that stood there before, `distinct_bigrams` and
      `distinct_trigrams` per sample (within captions), and the commonest first two words

    `sample_words` says how large a sample is: 1,000 words, or all of them if there are fewer; what
    is left after the last whole sample is not looked at. Raises ValueError for no captions.
    """
    if not captions:
        raise ValueError("there are no captions")
    tokens = [[w.casefold() for w in _WORD.findall(caption)] for caption in captions]
    lengths = np.array([len(caption.split()) for caption in captions])
    quartiles = np.quantile(lengths, (0.25, 0.5, 0.75))
    total = sum(map(len, tokens))
    openings = Counter(" ".join(words[:_OPENING]) for words in tokens if words)
    return {
        "captions": len(captions),
        "words": {
            "mean": float(lengths.mean()),
            "minimum": int(lengths.min()),
            "lower_quartile": float(quartiles[0]),
            "median": float(quartiles[1]),
            "upper_quartile": float(quartiles[2]),
            "maximum": int(lengths.max()),
        },
        "sample_words": min(SAMPLE, total),
        "vocabulary": {
            "distinct_words": len({word for words in tokens for word in words}),
            "type_token_ratio": _distinct(tokens, 1),
        },
        "repetition": {
            "duplicates": 1 - len({" ".join(caption.split()) for caption in captions}) / len(captions),
            "distinct_bigrams": _distinct(tokens, 2),
            "distinct_trigrams": _distinct(tokens, 3),
            "openings": [
                {"words": words, "share": number / len(captions)}
                for words, number in sorted(openings.items(), key=lambda item: (-item[1], item[0]))[:_OPENINGS]
            ],
        },
    }


def _distinct(tokens: Sequence[Sequence[str]], n: int) -> float | None:
    """Share of distinct n-grams in a sample, mean over samples; None if no caption has n words."""
    shares = []
    for sample in _samples(tokens):
        grams = [tuple(words[i : i + n]) for words in sample for i in range(len(words) - n + 1)]
        if grams:
            shares.append(len(set(grams)) / len(grams))
    return float(np.mean(shares)) if shares else None


def _samples(tokens: Sequence[Sequence[str]]) -> Iterator[list[Sequence[str]]]:
    """Samples of SAMPLE words each; a caption on a border is cut there."""
    sample: list[Sequence[str]] = []
    left, whole = SAMPLE, False
    for words in tokens:
        while words:
            sample.append(words[:left])
            words = words[left:]
            left -= len(sample[-1])
            if not left:
                yield sample
                sample, left, whole = [], SAMPLE, True
    if sample and not whole:
        yield sample
