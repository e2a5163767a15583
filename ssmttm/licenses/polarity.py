"""Whether the words around a license's name grant it, take it back, or say neither.

"Licensed under CC BY 4.0" grants; "not CC BY 4.0", "was CC BY 4.0", "CC BY 4.0 except …" and
"lyrics: CC BY 4.0" do not, and neither does a name amid words that are not understood. All works
on skeletons (see `skeleton`).
"""

import re
from typing import NamedTuple

from ssmttm.licenses.elements import ELEMENT_WORDS, EXPLAINED, all_duties
from ssmttm.licenses.known.mentions import Mention
from ssmttm.licenses.known.spdx_list import ALL_RIGHTS_RESERVED, PUBLIC_DOMAIN
from ssmttm.licenses.vocabulary import any_of
from ssmttm.licenses.words import COMPOSITION, DENIES_BEFORE, DENIES_BEHIND, DENIES_IN_DOCUMENTS, FORBIDDING


class Polarity(NamedTuple):
    """`granted`, `follows`, or with the reason `denied` or `unclear`."""

    kind: str
    why: str = ""


GRANTED = Polarity("granted")
FOLLOWS = Polarity("follows")
"""Another name stands before it in its sentence, and that one's place decides."""


def _denied(why: str) -> Polarity:
    return Polarity("denied", why)


_MADE = any_of(
    """granted given donated contributed released published made created composed written recorded uploaded produced
    performed issued placed dedicated put"""
)
_HARMLESS_BEFORE = re.compile(
    rf" (?:was|were|has been|have been|had been)(?: first| originally)?(?= {_MADE} )"
    r"| (?:you )?(?:can|may|are free to|are allowed to)(?: be)?(?: freely)?"
    r"(?: use| used| share| shared| copy| copies| copied| distribute| distributed| remix| remixed| reuse| modify"
    r"| modified|,|/| or| and| it| this| the| song| track| music| x)+"
    r"| \" (?:[^\"¶]* )?x(?: [^\"¶]*)? \"(?= )"  # a title in quotation marks
    r"| \" [^\"¶§]+ \"(?= by )"
    r"| no copyright(?= (?:--|,|/|\(|\||\.|:|§) )"
    r"| no(?:t)? (?:any )?known copyright restrictions?| no rights| some rights"
    r"| without (?:any )?(?:warranty|conditions?|restrictions?)"
    r"| if you use this[^.¶§]*?,"
    r"| used(?= (?:here )?(?:under|via|with) )|(?<= music| track| audio| sound) used(?= [:(])| based (?:in|at)(?= )"
    r"| from(?= (?:the |a |an |my |our |his |her )*(?:x|#|<url>|album|song|soundtrack|archive|free|\") )"
    r"| (?:license|x|artist|song|track|album|file|home) (?:page|site|text|website)(?= )"
    r"| (?:see|visit|on|at)(?: the| this| my| our| x| artist| \")* (?:page|site|website)(?= )"
    r"| (?:however|as|if) you(?: want| like| wish| please)| may(?= #)"
    r"| (?:music|song|track|audio) (?:for|from|in)(?: a| an| the| your| x)* (?:videos?|movie|podcast)(?=[ :])"
    r"|^ other(?= (?:license )?(?::|\(|--|-) )| other(?= (?:songs?|tracks?|music|works?|x) (?:at|on|by|<url>) )"
)
_QUANTIFIERS = any_of(
    """none no not NO never neither nor nothing nobody only some most few samples lyrics artwork cover code text
    metadata images"""
)
_RELEASED = any_of("licensed released available published distributed shared offered provided placed dedicated marked")
_SUBJECT = re.compile(
    rf"^(?! (?:(?:the|a|an|all|this|these|that|its) )?{_QUANTIFIERS} ) [^§]* by [^§]*?(?= (?:is|are) {_RELEASED} )"
)
""" "Some Title by Somebody" before "is licensed": whatever words a title has."""

_THE_WORK = any_of(
    "detail details information terms text license purpose purposes copy use music song songs track tracks work works "
    "recording recordings audio sound sounds album content file files x #"
)
_HARMLESS_BEHIND = re.compile(
    r" (?:, |\( )?(?:cover|artwork|photo|image|lyrics)(?: x| art)? by [^.;§]*"
    r"| for (?:everyone|everybody|all)(?= [.,]| *$)| no changes(?: made)?(?= [.,]| *$)"
    r"| with (?:proper |due |appropriate |full |a )?"
    r"(?:attr|credit|credits|link|permission from the (?:author|artist|copyright holder))"
    r"| for (?:more |further |the |full |any |all |a |this |these |everyone |commercial |free |both |its )*"
    rf"{_THE_WORK}(?= )"
    r"| as long as (?:you )?(?:give|credit|attr|proper)[^.¶§]*| if you (?:give|credit|provide)[^.¶§]*"
    r"| without (?:any )?(?:warranty|warranties|asking permission|permission needed)"
    r"| but (?:please |you must |must |remember to )?(?:credit|give|attr|link)[^.¶§]*"
    r"| (?:was|were|has been|have been) (?:granted|given|released|dedicated|placed|put) (?:to|in|into)(?: the)?(?= § )"
    r"| not (?:required|necessary|a law firm)| no (?:attr|credit|permission)(?: is)? (?:required|needed|necessary)"
)
_ENDS_BEHIND = re.compile(r" from [\d#]| see(?: the)? (?:notes?|terms|conditions)(?= )")
_SOME_TRACKS = re.compile(r" (?:tracks?|songs?|discs?|disks?|parts?) (?:no \. )?(?:\d+|#)(?= )")
_ASKS = re.compile(r"^ (?:is|are|was|were) (?:it|this|that|these|they)(?= )")
_EXCEPT = re.compile(r"^(?: \)| license| ,)* (?:except|but)(?= )")
_ANOTHER = re.compile(
    r"^(?: \)| \"| license| unported)*(?: ,)?"
    r"(?: (?:and|&|/|or(?! in the )|plus|\+)(?: (?!§|[.¶])[^ ]+){0,6}?"
    r" (?:license|terms|restrictions?|exceptions?|conditions?|x - [\d#])"
    r"| or(?! (?:send|visit|see|write|by|at|in)\b)(?! (?:(?!\.|¶)[^ ]+ ){0,8}?§)"
    r"| (?:and|&|\+|/)(?: \()? $)"
)
"""What follows a license's name when it is not the whole story."""

_JOINED = re.compile(r" x - [\d#.]+(?: [^ .¶]+)?(?: ,)? (?:and|&|\+)(?: the)? $")
"""The same before it: another license's short name and "and"."""

RESTRICTS = re.compile(
    rf" (?:{'|'.join(sorted(FORBIDDING))}|personal use|private use|personal(?: ,| and| or| &) (?:private|educational)"
    r"|(?:do|may|must|shall|can) not(?! a law)|cannot|don't|not (?:be )?(?:allowed|permitted|free|for|to be)"
    r"|(?:does not|doesn't)(?! (?:affect|imply|mean))|(?:is|are) not (?:the|licensed|covered|included|valid|part)"
    r"|(?:without|with|ask|asking|request|requires?|need|needs|written|prior)"
    r"(?: the| my| our| prior| written| for| any)* permission"
    r"|(?:additional|extra|special|further|custom|own|other) (?:terms|restrictions?|conditions?|rules?|limitations?)"
    r"|restrictions apply|contact[^.¶]*? (?:license|permission|commercial)|no longer"
    r"|no (?:ai|commercial|sale|sales|redistribution|reuse|modification)|not commercial"
    r"|(?:ai|training|commercial)(?: [^ .¶]+){0,3} (?:prohibited|forbidden|not|excluded|disallowed)"
    r"|(?:purchase|buy|pay|paid)(?: [^ .¶]+){0,3} (?:license|commercial)|commercial license|for sale)(?= )"
)
"""What restricts a license from anywhere in a short statement."""

_HARMLESS_ANYWHERE = re.compile(
    r" permissions? beyond the scope of this license[^¶]*?(?= [.¶]|$)"
    r"|(?: even| including)? commercially|(?: even| including)(?: for)? commercial(?: use| purposes?)?"
    r"| commercial use(?: is)? (?:allowed|permitted|ok|okay)"
    r"| (?:free )?for (?:personal and |both personal and )?commercial(?: use| purposes?)?"
    r"| personal(?: ,| and|(?: ,)? or| /) commercial| (?:free|freely) available| this applies worldwide"
    r"| to the extent possible under law[^.¶]*"
    r"| in some countries this may not be legally possible[^.¶]*(?: \. if so[^.¶]*)?"
    r"| unless (?:such conditions are )?required by (?:applicable )?law[^.¶]*| not affiliated[^.¶]*| not a law firm"
    r"| however you(?: want| like| wish| please)?| without (?:asking|any)(?: for)? (?:permission|conditions?)"
    r"| no permission(?: is)? (?:needed|required)| all without asking permission| to view a copy of this license[^.¶]*"
)

_BOUNDARY = re.compile(r" (?:[.!;¶?]|<url> (?=licensed |available |license |released |this |published ))(?= |$)")
_VERSION_DOT = re.compile(r" (v|ver|version|vs|feat|no) \.(?= )")
_CONNECTING = re.compile(
    r"(?: (?:the|a|an|terms|of|conditions|version|following|public|open|usual|full|free|all|its|this|&)"
    r"| and(?= conditions)|(?<= terms) and)+ $"
)
_LEADS = any_of(
    """under license licensed via through is are be been available released published distributed shared offered
    provided granted grant marked tagged usage copyright c rights status name track tracks music song songs
    audio sound sounds recording recordings work works file files album soundtrack content item visit see
    somerights credit kept # reuse use used § both either also creator free waived listed"""
)
_GIVEN = any_of(
    """licensed released available published marked tagged offered provided shared used distributed dedicated placed put
    given it this work"""
)
_PLACE = any_of("visit see copy obtain found page license read full text detail details information terms")
_LED = re.compile(
    rf"(?:^|[.,:;!?()\"/=|+¶]|--|>| {_LEADS}| \d+(?:\.\d+)*"
    rf"| {_GIVEN}(?: (?:it|this|back|freely|x))? (?:by|with|as|in|into|to|on|for|at|from)"
    rf"| {_PLACE} (?:at|on|in|of|from)"
    r"| §(?: [,()\"]| license| unported| version)* (?:and|or|&)) $"
)
_ALTERNATIVE = re.compile(r" §(?: [,()\"]| license| unported| version)* (?:or|,)(?: \(| the| a)* $")
_CREDITS = any_of("by from c copyright feat credit credits artist author artists composer cc")
_CREDIT = re.compile(rf" (?:{_CREDITS}|courtesy of|\))(?: (?:x|#|,|&|and|\(|\)|\"|--?|the|\d+))* $")
_NOTICE = re.compile(r" (?:\(? ?c \)? |copyright )*#")
"""A year at the start: "2009 Some Body http://…"."""

_WINDOW = 1500
"""Characters around a mention in which its sentence is looked for."""

_LEGAL_TEXT = 2500
"""Skeletons longer than this hold the text of a license or notes on many files, not a statement."""


def judge(skeleton: str, mention: Mention, mentions: list[Mention], strict: bool) -> Polarity:
    """What the sentence around one mention says about it. `strict`: words that are not understood count against it."""
    before, after, asks = _sentence(skeleton, mention, mentions)
    bare = _HARMLESS_BEFORE.sub(" ", _SUBJECT.sub(" x", before))
    denying = DENIES_BEFORE if strict else DENIES_IN_DOCUMENTS
    if word := next((w for w in bare.split() if w in denying), None):
        return _denied(f'"{word.lower()}" stands before the name')
    if _JOINED.search(before):
        return _denied("another license is joined to it")
    rest = _HARMLESS_BEHIND.sub(" ", _without_explained(after, mention.license))
    if _ANOTHER.match(after):
        return _denied("something else that is not understood is joined to it")
    if match := (_ENDS_BEHIND.search(rest) if strict else _EXCEPT.match(rest)):
        return _denied(f'"{match[0].strip()}" follows the name')
    if not strict:
        return GRANTED
    if some := _SOME_TRACKS.search(before) or _SOME_TRACKS.search(after):
        return _denied(f'it speaks of "{some[0].strip()}" only')
    if word := next((w for w in rest.split() if w in DENIES_BEHIND), None):
        return _denied(f'"{word.lower()}" follows the name')
    if asks or _ASKS.match(before):
        return _denied("it is a question")
    if "§" in before and not _ALTERNATIVE.search(before):
        return FOLLOWS
    if mention.link and _NOTICE.match(before):
        return GRANTED
    if after.startswith((" x", " #x")) and not mention.link:
        return Polarity("unclear", "the words after the name are not understood")
    if skeleton[: mention.start] == " !" or not (_leads(before, mention) or _CREDIT.search(before)):
        return Polarity("unclear", "the words before the name are not understood")
    return GRANTED


def _leads(before: str, mention: Mention) -> bool:
    """Whether the words before a name lead to it: "is licensed under the terms of the", a colon, or nothing."""
    if mention.license == PUBLIC_DOMAIN:
        before = re.sub(r"(?: in| into| to)(?: the)? $", " is ", before)
    return _LED.search(before) is not None or _LED.search(_CONNECTING.sub(" ", before)) is not None


def _sentence(skeleton: str, mention: Mention, mentions: list[Mention]) -> tuple[str, str, bool]:
    """The text before and after a mention within its sentence, other mentions as `§`; and whether it ends with `?`."""
    first, last = max(mention.start - _WINDOW, 0), mention.end + _WINDOW
    near = [m for m in mentions if m.start >= first and m.end <= last]
    before = _blanked(skeleton[first : mention.start], [m for m in near if m.end <= mention.start], first) + " "
    after = _blanked(skeleton[mention.end : last], [m for m in near if m.start >= mention.end], mention.end)
    before, after = _VERSION_DOT.sub(r" \1", before), _VERSION_DOT.sub(r" \1", after)
    if ends := [match.end() for match in _BOUNDARY.finditer(before)]:
        before = before[ends[-1] :]
    if not (end := _BOUNDARY.search(after)):
        return before, f"{after} ", False
    asks = "?" in end[0] and len(after[: end.start()]) < 40
    return before, f"{after[: end.start()]} ", asks


def _blanked(text: str, mentions: list[Mention], offset: int) -> str:
    parts, position = [], 0
    for mention in mentions:
        parts += [text[position : mention.start - offset], " §"]
        position = mention.end - offset
    return "".join(parts) + text[position:]


def restriction(skeleton: str, mentions: list[Mention], expression: str) -> str | None:
    """Why a short statement takes back in another sentence what it grants; None if it doesn't."""
    if len(skeleton) > _LEGAL_TEXT:
        return None
    rest = _without_explained(_blanked(skeleton, mentions, 0) + " ", expression)
    rest = _HARMLESS_ANYWHERE.sub(" ", rest)
    if match := RESTRICTS.search(rest):
        return f'"{match[0].strip()}" restricts it'
    granted = all_duties(expression)
    for word in rest.split():
        if (element := ELEMENT_WORDS.get(word)) and element not in granted:
            return f"an element outside of the license's name ({element.upper()})"
    if PUBLIC_DOMAIN in expression and (word := next((w for w in rest.split() if w in COMPOSITION), "")):
        return f'"{word}": it may be the composition only, or one country only'
    return None


def _without_explained(text: str, expression: str | None) -> str:
    asked = all_duties(expression) if expression else frozenset()
    for element, pattern in EXPLAINED.items():
        if element in asked:
            text = pattern.sub(" ", text)
    return text


_GRANT = re.compile(r" (?:licensed|released|available|published|distributed|under|license)(?: [^ .;¶§]+){0,8} $")


def reserved_before(skeleton: str, mentions: list[Mention]) -> bool:
    """Whether "all rights reserved" is only the habit above a grant: it comes first, the grant is explicit."""
    position = max(m.start for m in mentions if m.license == ALL_RIGHTS_RESERVED)
    later = [m for m in mentions if m.license and m.license != ALL_RIGHTS_RESERVED]
    if not re.search(r" (?:c|copyright|#)(?= )", skeleton[:position]):
        return False
    if not later or any(m.start < position for m in later):
        return False
    return _GRANT.search(skeleton[: later[0].start] + " ") is not None
