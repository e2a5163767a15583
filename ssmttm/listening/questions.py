"""What is asked about a clip, and how the answers are labelled."""

from typing import NamedTuple


class Question(NamedTuple):
    """One rating: its key in the answers, what is asked, and the labels of 1 to 5."""

    name: str
    text: str
    labels: tuple[str, str, str, str, str]


QUESTIONS = (
    Question(
        "quality",
        "How good is the sound, whatever is played? Think of distortion, hiss and dropouts.",
        ("Bad", "Poor", "Fair", "Good", "Excellent"),
    ),
    Question(
        "relevance",
        "How well does the clip fit the text?",
        ("Not at all", "A little", "Partly", "Mostly", "Fully"),
    ),
    Question(
        "musicality",
        "How musical is it? Think of melody, harmony, rhythm and form.",
        ("Not at all", "A little", "Somewhat", "Quite", "Very"),
    ),
)
"""Five-point absolute category ratings; the labels of quality are those of ITU-T P.800, 1 to 5."""

NAMES = tuple(q.name for q in QUESTIONS)

NO_PREFERENCE = "none"
