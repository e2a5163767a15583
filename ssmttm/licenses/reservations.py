"""Reservations of rights for machine learning, such as article 4(3) of directive (EU) 2019/790 lets one make.

They are no license and take none back: they are evidence of their own, and a switch of the policy says what
follows from them. A song about machine learning reserves nothing, and neither does "made without AI".
"""

import re
from functools import lru_cache
from itertools import pairwise

from ssmttm.licenses.vocabulary import fold, read_groups

_LONGEST = 20_000
_STEMS = (
    "train", "mining", "learn", "lernen", "appren", "aprend", "artific", "2019/790", "44b", "44 b", "fouille", "art. 4",
    "article 4", "artikel 4", "articolo 4", "uczeni", "maszyn", "trenowan", "eksplorac", "addestra", "treina", "entren",
)  # fmt: skip
_SHORT = re.compile(r"[^a-z](?:ai|a\.i|ki|ia|ml|llms?|tdm|genai|no-?ai)[^a-z]")

_TABLE = read_groups(__file__)
_LEARNING, _INTELLIGENCE, _FORBIDS = ("|".join(_TABLE[kind]) for kind in ("learning", "intelligence", "forbids"))
_NO = (
    r"(?:no|not\s+for|never\s+for|kein\w*|keinerlei|pas\s+d(?:e\s+|')|pas\s+pour|aucune?"
    r"|sin|ningun\w*|nessun\w*|niente|no\s+al|sem|nenhum\w*|geen|zadn\w+|без|zadne)"
)
_ALONE = re.compile(
    r"(?<![\w-])no-?ai(?![\w-])|\btdm[\s_-]*reserv(?:ed|ation)\b(?!\s*[:=]?\s*(?:0|no|false))"
    r"|\b(?:art\w*\.?\s*4\s*(?:\(\s*3\s*\)|,?\s*(?:abs\w*\.?|par\w*\.?|ust\w*\.?|lid|alinea|comma|n\.?|п\w*\.?)\s*3))(?!\d)"
    r"|\b44\s?b\s*(?:\(3\)|abs)|\b(?:ai|ml|ki)[\s-]*(?:training|use|usage)\s*[:=]\s*(?:no\b|none|false|disallow|den|never|opt)"
)
_CJK = re.compile(
    r"(?:AI|人工智能|人工智慧|机器学习|機器學習|機械学習|機械學習|生成AI|生成式"
    r"|深度学习|数据挖掘|資料探勘|データマイニング|人工知能|인공지능|기계 ?학습|머신러닝|데이터 ?마이닝)"
    r"[^。.!?\n]{0,40}?(?:禁止|不得|不可|不允许|不允許|保留|禁じ|お断り|許可しま"
    r"|拒否|ご遠慮|금지|불가|불허|유보|허용하지|거부|할 수 없)"
    r"|(?:禁止|不得|未经许可|未經許可|请勿|請勿|切勿|无断|無断)[^。.!?\n]{0,30}?(?:AI|人工智能|人工智慧|机器学习|機器學習|機械学習|数据挖掘|人工知能|训练|訓練)",
    re.IGNORECASE,
)
_BENIGN = re.compile(
    r"tdm[\s_-]*reserv\w*\s*[:=]?\s*(?:0|no|false)\b|"
    r"\b(?:no|not|without|never|zero|ohne|kein\w*|sans|aucune?|sin|senza|sem|zonder|bez|без)\b[^.;!?\n]{0,30}?"
    rf"(?:{_INTELLIGENCE})"
    r"(?![^.;!?\n]{0,25}(?:train|learn|data))[^.;!?\n]{0,25}?"
    r"\b(?:was|were|used|involved|generated|made|created|composed|assisted|tools?|entstanden|gemacht|erstellt|utilise\w*|fait|cree\w*"
    r"|hech\w+|cread\w+|usat\w+|fatt\w+)\b"
    r"|\b(?:made|generated|created|composed|written|produced|recorded|played|sung|performed)\b[^.;!?\n]{0,20}?\b(?:by|with|using|without)\b"
    r"[^.;!?\n]{0,25}|\b(?:about|uber|sobre|sur le theme)\b[^.;!?\n]{0,40}"
    r"|\bno\s+(?:restrictions?|objections?|limits?|limitations?)\s+(?:on|to|for|against)\b[^.;!?\n]*"
    r"|\b(?:do|does|is|are)(?:\s+not|n't)\s+(?:forbid|prohibit|reserve|object|disallow|forbidden|prohibited|reserved|disallowed)[^.;!?\n]*"
    r"|\b(?:don't|do not)\s+(?:worry|mind|hesitate)\b[^.;!?\n]*",
    re.VERBOSE,
)


_RESERVES = re.compile(
    rf"(?:{_FORBIDS})[^.;!?\n]{{0,120}}?(?:{_LEARNING})|(?:{_LEARNING})[^.;!?\n]{{0,120}}?(?:{_FORBIDS})"
    rf"|\b{_NO}\s*(?:[\w'-]+\s+){{0,4}}?(?:{_LEARNING})"
    rf"|(?:{_FORBIDS})[^.;!?\n]{{0,80}}?(?:by|for|in|with|to|von|durch|fur|par|pour|para|por|per|da|door|voor|przez|dla|для)\s+"
    rf"(?:[\w'-]+\s+){{0,3}}?(?:{_INTELLIGENCE})"
    r"|\b(?:use[ds]?|usage|nutzung|verwendung|utilisation|uso|utilizacion|gebruik|uzyc\w+|использован\w+)\b[^.;!?\n]{0,40}?"
    rf"(?:{_INTELLIGENCE})[^.;!?\n]{{0,60}}?(?:{_FORBIDS})"
    rf"|(?:{_INTELLIGENCE})[\s-]*(?:use|usage|uses|companies|systems?|crawlers?|nutzung|verwendung)\b[^.;!?\n]{{0,60}}?(?:{_FORBIDS})"
    rf"|\b(?:no|not\s+for)\s+(?:generative\s+)?(?:ai|ki|ia)(?:\s+(?:use|usage))?\s*(?=[.,;!?)\n]|$)",
    re.VERBOSE,
)
_CLAUSE = re.compile(r"([,;()–—]|\s-\s)")
_SENTENCE = re.compile(r"(?<=[.!?;。！？])(?=\s+[^\s\d]|\s*$|[^\x00-\x7f])|\n+")


@lru_cache(maxsize=16_384)
def reservation(text: str) -> str | None:
    """The first sentence of a text that reserves its use for machine learning; None without one.

    >>> reservation("CC BY 4.0. No AI training, please.")
    'No AI training, please.'
    """
    if not _may_reserve(text[:_LONGEST].lower()):
        return None
    return next((s.strip() for s in _SENTENCE.split(text[:_LONGEST]) if _reserves(s)), None)


def _may_reserve(lower: str) -> bool:
    """A cheap look that finds every text that can be one."""
    return not lower.isascii() or any(stem in lower for stem in _STEMS) or bool(_SHORT.search(f" {lower} "))


def without_reservation(text: str) -> str:
    """The text without what reserves machine learning: clauses of a sentence, or all of it.

    >>> without_reservation("CC BY 4.0, no AI training. By Ada.")
    'CC BY 4.0. By Ada.'
    """
    if reservation(text) is None:
        return text
    cuts = [0, *(m.end() for m in _SENTENCE.finditer(text)), len(text)]
    sentences = (text[a:b] for a, b in pairwise(cuts))
    return "".join(_rest(s) if _reserves(s) else s for s in sentences)


def _rest(sentence: str) -> str:
    """What is left of a sentence without its clauses that reserve machine learning."""
    end = sentence[len(sentence.rstrip(" .!?\n")) :]
    parts = _CLAUSE.split(sentence.removesuffix(end) if end else sentence)
    kept = [(mark, part) for mark, part in zip(["", *parts[1::2]], parts[::2]) if not _reserves(part)]
    left = "".join(mark + part for mark, part in kept).strip(" ,;()–—-")
    return f"{left}{end}" if left and not _reserves(left) else end


def _reserves(sentence: str) -> bool:
    words = _BENIGN.sub(" ", fold(sentence))
    return bool(_ALONE.search(words) or _RESERVES.search(words) or _CJK.search(sentence))
