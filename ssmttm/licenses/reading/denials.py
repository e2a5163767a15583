"""Words and turns of phrase that take a license back, or don't although they look so. All for skeletons."""

import re


def any_of(words: str) -> str:
    """A pattern for one of several words."""
    return "(?:" + "|".join(words.split()) + ")"


_NEGATIONS = """
    not NO no never neither nor none nobody nothing without cannot can't isn't aren't wasn't weren't don't
    doesn't didn't won't wouldn't shouldn't hasn't haven't couldn't non nonfree unfree ex anti hardly barely
    scarcely instead rather unlike opposite opposes against minus
"""
_PAST = """
    was were used had formerly former previously previous once until till before earlier old older originally
    initially ceased ceases ceasing expired expires expire expiring ends ended ending lapsed revoked revokes
    revoke withdrawn terminated superseded cancelled obsolete obsoleted outdated deprecated discontinued
    replaced replaces replacing rescinded repealed annulled retracted renounce renounced renounces nullified
    voided void abandoned stopped stops removed switched switch switching change changed upgrade relicense
    relicensed
"""
_UNCERTAIN = """
    will would should could might may maybe perhaps possibly probably presumably apparently allegedly supposedly
    supposed alleged likely unlikely unclear unsure unknown unconfirmed unverified unspecified undetermined
    undecided assume assumed think thought believe believed seems seem appears hope hopefully plan plans planned
    planning intend intended considering considered consider propose proposed proposal pending request requested
    requests future eventually soon later tomorrow someday when whenever if whether want wants wanted wish
    wishes ask asking what which tbc tbd wip draft rumored rumoured rumor rumour suspected doubtful uncertain
    hypothetical promised promises negotiating claimed claims claim claiming
"""
_LIKE = """
    like similar compatible incompatible equivalent comparable analogous resembles inspired same style versus vs
    based derived custom modified variant variation almost nearly sort kind about pseudo quasi mock parody
    so-called imitation fake false falsely wrong wrongly incorrect incorrectly mistaken mistakenly misleading
    mislabeled mislabelled misattributed untrue pretend pretends pretending questionable unofficial unofficially
    invalid illegal illegally unauthorized unauthorised proprietary
"""
_REFUSED = """
    disputed denied denies deny contested rejected reject rejects refused refuse refuses violates violating
    violation violate breach forbidden prohibited
"""
_PARTS = """
    except unless excluding other otherwise elsewhere only partly partially part parts mostly most half some
    anything but treat than noted stated indicated specified from
"""
_OTHER_WORKS = """
    contains containing contain contained includes including include incorporates uses using samples sampled
    sample remixed cover lyrics text texts code software metadata database databases website site page
    documentation artwork artworks image images picture pictures photo photos photographs graphics video videos
    movie font fonts score scores sheet notation midi transcription talk lecture podcast bio biography
    description descriptions thumbnail thumbnails logo logos avatar banner wallpaper icon icons sprite sprites
    texture textures subtitles transcript transcripts chords tabs tablature
"""

DENIES_BEFORE = frozenset((_NEGATIONS + _PAST + _UNCERTAIN + _LIKE + _REFUSED + _PARTS + _OTHER_WORKS).split())
"""Before a license's name, in its sentence: not granted, no more, not surely, not exactly, or for something else."""

_HARMLESS_BEHIND = """
    used uses using use from which what about may had site page website software video videos based include includes
    including contains containing want wants wanted wish wishes ask asking same change changed indicated stated noted
    specified description talk movie likely old older kind most plan planned included contained once
"""
_ALSO_BEHIND = """
    excluded excludes exception exceptions however though although with restrict restricted restriction restrictions
    after starting condition exclusive exclusively for in
"""
DENIES_AFTER = (DENIES_BEFORE - frozenset(_HARMLESS_BEHIND.split())) | frozenset(_ALSO_BEHIND.split())
"""The same after the name."""

_IN_DOCUMENTS = """
    not NO never neither nor none isn't aren't wasn't weren't formerly former previously previous instead except similar
    compatible incompatible unlike versus rather
"""
DENIES_IN_DOCUMENTS = frozenset(_IN_DOCUMENTS.split())
"""In a document only plain words count: it speaks of software, of code, of "should have received a copy"."""

_MADE = any_of(
    """granted given donated contributed released published made created composed written recorded uploaded produced
    performed issued placed dedicated put"""
)
_RELEASED = any_of("licensed released available published distributed shared offered provided placed dedicated marked")
HARMLESS_BEFORE = re.compile(
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

_QUANTIFIERS = (
    "none no not NO never neither nor nothing nobody only some most few samples lyrics artwork cover code text "
)
SUBJECT = re.compile(
    rf"^(?! (?:(?:the|a|an|all|this|these|that|its) )?{any_of(_QUANTIFIERS + 'metadata images')} ) [^§]* by [^§]*?"
    rf"(?= (?:is|are) {_RELEASED} )"
)
""" "Some Title by Somebody" before "is licensed": whatever words a title has."""

_THE_WORK = any_of(
    "detail details information terms text license purpose purposes copy use music song songs track tracks work works "
    "recording recordings audio sound sounds album content file files x #"
)
HARMLESS_AFTER = re.compile(
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
ENDS_AFTER = re.compile(r" from [\d#]| see(?: the)? (?:notes?|terms|conditions)(?= )")
SOME_TRACKS = re.compile(r" (?:tracks?|songs?|discs?|disks?|parts?) (?:no \. )?(?:\d+|#)(?= )")
ASKS = re.compile(r"^ (?:is|are|was|were) (?:it|this|that|these|they)(?= )")
EXCEPT = re.compile(r"^(?: \)| license| ,)* (?:except|but)(?= )")

ANOTHER = re.compile(
    r"^(?: \)| \"| license| unported)*(?: ,)?"
    r"(?: (?:and|&|/|or(?! in the )|plus|\+)(?: (?!§|[.¶])[^ ]+){0,6}?"
    r" (?:license|terms|restrictions?|exceptions?|conditions?|x - [\d#])"
    r"| or(?! (?:send|visit|see|write|by|at|in)\b)(?! (?:(?!\.|¶)[^ ]+ ){0,8}?§)"
    r"| (?:and|&|\+|/)(?: \()? $)"
)
"""What follows a license's name when it is not the whole story."""

JOINED = re.compile(r" x - [\d#.]+(?: [^ .¶]+)?(?: ,)? (?:and|&|\+)(?: the)? $")
"""The same before it: another license's short name and "and"."""

_COMPOSITION = """
    composition compositions composer composed melody tune lyrics score scores sheet arrangement performance
    performances performed traditional trad underlying edition transcription notation midi text image images
    video software translation country US UK CA AU IN status
"""
COMPOSITION = frozenset(_COMPOSITION.split())
"""Beside "public domain": what is meant may be the composition, or one country."""

_FORBIDS = any_of(
    """except excluding excludes excluded unless however prohibited prohibits forbidden forbids disallowed banned
    restricted patreon patrons subscribers supporters embargo exclusively editorial proprietary educational academic
    students schools charity nonprofit evaluation demo promotional trial revoked withdrawn terminated obsolete invalid
    void expired subscription until"""
)
RESTRICTS = re.compile(
    rf" (?:{_FORBIDS}|personal use|private use|personal(?: ,| and| or| &) (?:private|educational)"
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

_RESTRICTING = """
    personal private not cannot don't doesn't permission terms restriction restrictions condition conditions rule rules
    limitation limitations longer ai commercial commercially sale sales redistribution reuse modification derivative
    derivatives
"""
RESTRICTING_WORDS = frozenset((_RESTRICTING + re.sub(r"\W", " ", _FORBIDS.removeprefix("(?:"))).split())
"""Each restriction has one of these words."""

HARMLESS_ANYWHERE = re.compile(
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

_MAY_NOT = r"(?: you)?(?: may| must| can| do| shall)? not(?: be)?"
_CHANGE = any_of("change modify alter edit remix changed modified")
EXPLAINED = {
    "nc": re.compile(
        rf"{_MAY_NOT}(?: use| used| sell| sold)?[^.¶;§]*?"
        rf" commercial(?:ly)?(?: purposes?| use)?(?: or {_CHANGE}(?: it)?)?(?= )"
    ),
    "nd": re.compile(rf"{_MAY_NOT} {_CHANGE}(?= )"),
}
"""What only says in other words what an element of the license says."""

LOOSE_ELEMENTS = {
    "nc": "nc", "commercial": "nc", "commercially": "nc",
    "nd": "nd", "derivative": "nd", "derivatives": "nd", "alike": "sa",
}  # fmt: skip
"""Words that mean an element wherever they stand."""
