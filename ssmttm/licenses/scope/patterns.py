"""Lists of regular expressions as readable text."""

import re


def patterns_of(text: str) -> tuple[str, ...]:
    """The patterns of a text, which ` ; ` separates; a line may end at a space or before a `|` of one.

    >>> patterns_of("cover of ; (?:re|un)mix")
    ('cover of', '(?:re|un)mix')
    """
    joined = re.sub(r"\s*\n\s*(?=\|)", "", text.strip())
    return tuple(" ".join(joined.split()).split(" ; "))
