"""What holds back in a document: reservations, prohibitions, exceptions, conditions, other people's rights.

Patterns run over a passage as `topics.normal` leaves it. In many languages, because a word that isn't known here
would count as nothing said.
"""

import re
from functools import cache

from ssmttm.licenses.reading.words import fold

_RESERVED = """
    all rights reserved|alle rechte vorbehalten|tous droits reserves|tous les droits reserves
    |todos los derechos reservados|tutti i diritti riservati|todos os direitos reservados|alle rechten voorbehouden
    |wszelkie prawa zastrzezone|все права защищены|vsechna prava vyhrazena|med ensamratt|版権所有|版权所有|版權所有
    |無断転載|all rights are reserved
"""

_FORBIDDEN = """
    proprietary|proprietar|propriet*rechtlich|proprietaire|propietari*|proprietari*|may not|must not|cannot|can not
    |can't|mustn't|shall not|do not|don't|not to be|not be|is not|are not|isn't|aren't|was not|not for|not free
    |not licensed|not covered|not included|not part|not under|not allowed|not permitted|not open|no permission
    |forbid*|prohibit*|disallow*|no redistribution|no reuse|no reproduction|no license|without a license|unlicensed
    |non free|nonfree|no longer|excluded|restricted|confidential|private use|personal use|never|neither|nicht|kein
    |keine|keinen|keiner|verboten|untersagt|geschutzt|ne peut|ne peuvent|ne sont|n'est|ne doit|pas|interdit*
    |protege*|aucun|aucune|no puede|no pueden|no se|no es|no esta|no estan|no son|prohibid*|protegid*|ningun|ninguna
    |non puo|non possono|non e|non sono|vietat*|protett*|nao|proibid*|niet|geen|verboden|beschermd|nie|zabronion*
    |zakazan*|chronion*|запрещ*|нельзя|не|защищ*|neni|nejsou|inte|ikke|forbud*
    |禁止|禁じ|できません|不得|不允许|不可|未经|금지|불가|할 수 없
"""

_PERMISSION = """
    with permission|by permission|kind permission|permission of|permission from|written permission|prior permission
    |with the permission|used with|courtesy of|licensed from|licensed to|exclusively|exclusive license
    |separately licensed|licensed separately|commercial license|paid license|purchase*|royalt*|must be bought
    |buy a license|contact us|contact me|ask first|ask me|ask before|please ask|genehmigung|erlaubnis|gekauft
    |lizenzpflichtig|autorisation|permiso|autorizacion|permesso|autorizzazione|permissao|autorizacao|toestemming
    |za zgoda|zgody|разрешени*|svolenim|tillstand|許諾|許可を|授权|허가|허락
"""

_OWNED = """
    respective owner*|respective holder*|respective author*|respective copyright*|their owners|property of|owned by
    |belongs to|belong to|third party|third parties|third-party|other people's|rights holder*|record label|publisher
    |jeweiligen|eigentum|gehort|gehoren|dritter|propriete|appartien*|propiedad|pertenec*|proprieta|appartengono
    |propriedade|pertence*|eigendom|wlasnos*|nalez*|собственност*|принадлеж*|taken from|comes from|come from
    |borrowed|ripped|downloaded from|stammt von|stammt aus|stammen|provient|proviennent|proviene|provienen|fair use
    |gema|ascap|sacem
"""

_EXCEPTION = """
    except|excepting|excepted|exception|exceptions|excluding|exclusive of|other than|apart from|aside from|but not
    |unless|besides|with the exclusion|save for|ausgenommen|ausser|mit ausnahme|ohne die|ausschliesslich der
    |sofern nicht|soweit nicht|abgesehen von|sauf|excepte|a l'exception|a l exception|hormis|hors|excepto
    |exceptuando|salvo|menos|a excepcion|eccetto|tranne|ad eccezione|fatta eccezione|exceto|a excecao|behalve
    |uitgezonderd|met uitzondering|oprocz|z wyjatkiem|poza|кроме|за исключением|krome|s vyjimkou|utom|forutom
    |undtagen|unntatt|lukuun ottamatta
"""

_SCATTERED = """
    some of|some files|some tracks|some songs|some parts|some portions|parts of|portions of|part of the|most of
    |certain|individual licenses|individual license|individually|see individual|each file|each track|each song
    |its own license|their own license|their own licenses|own licenses|various licenses|different licenses
    |several licenses|mixed licenses|license varies|licenses vary|varying|multiple licenses|otherwise noted
    |otherwise stated|otherwise specified|where noted|as noted|as indicated|noted otherwise|stated otherwise
    |unknown license|license unknown|unknown origin|not sure|unclear|unsure|tbd|to be decided|to be determined
    |pending|draft|undecided|einige|manche|teilweise|teile|verschiedene lizenzen|unterschiedlich*|jeweils|sofern
    |certains|certaines|quelques|partie de|algunos|algunas|parte de|alcuni|alcune|alguns|algumas|sommige|niektore
    |некоторые|一部
"""

_CONDITION = """
    if|provided that|provided|on condition|as long as|so long as|only if|only when|only for|only in|only as
    |only with|only by|only within|for use in|for use with|in connection with|as part of|together with the game
    |outside of|outside the|solely|until|after|as of|starting|expires|formerly|previously|was under|used to be
    |no more than|up to|subscribers|patrons|patreon|backers|members|nur|lediglich|bis zum|sofern|wenn|falls|solange
    |uniquement|seulement|a condition|si vous|jusqu'au|tant que|solo|solamente|unicamente|siempre que|hasta|soltanto
    |a condizione|purche|fino al|somente|apenas|desde que|alleen|mits|tylko|wylacznie|pod warunkiem|только|если
    |при условии|pouze|endast|kun|限り|限る|场合|仅|僅|경우
"""

_HARMLESS = re.compile(
    r"\b(?:as long as|if|provided(?: that)?|so long as|solange|wenn|falls|si|tant que|siempre que|desde que|purche"
    r"|mits)\b[^.;]*?\b(?:credit\w*|attribut\w*|name|nenn\w*|mention\w*|citer?|link\w*|menciona\w*|credito"
    r"|citi\w*|namn\w*)\b[^.;]*"
    r"|\b(?:credit|attribution)\b[^.;]*\b(?:not required|not necessary|isn't required|optional|not needed)\b"
    r"|\b(?:does not|doesn't|do not) (?:affect|imply|mean)\b[^.;]*"
    r"|\b(?:without|no|keine|ohne) (?:any )?(?:warranty|warranties|gewahr\w*|garantie\w*)\b[^.;]*"
    r"|\b(?:do not|don't|please|not) (?:hesitate|forget|be shy|worry)\b[^.;]*"
    r"|\bno (?:copyright|known copyright|rights reserved|attribution|credit"
    r"|permission (?:is )?(?:needed|required|necessary))\b[^.;]*"
    r"|\bwithout (?:asking|permission|asking for permission|having to ask)\b"
    r"|\bif (?:you (?:like|enjoy|want|wish|use|have|make|find|share)|not|possible|in doubt)\b[^.;,]*[,.]?"
    r"|\b(?:permissions beyond|to the extent possible|unless required by)\b[^.;]*"
    r"|\b(?:at your (?:option|discretion)|any later version|or (?:any )?later)\b"
    r"|\b(?:can|may) (?:also )?be (?:downloaded|found|obtained|bought)\b[^.;]*"
    r"|\b(?:free to|may|can|allowed to) (?:[\w,/]+ ){1,12}?(?:even |also )?commercial\w*"
)
"""Turns of phrase that hold nothing back although one of their words looks so."""


@cache
def _pattern(phrases: str) -> re.Pattern[str]:
    options = []
    for phrase in sorted((" ".join(p.split()) for p in phrases.split("|")), key=len, reverse=True):
        words = re.escape(fold(phrase)).replace(r"\*", r"\w*").replace("\\ ", r"\s+")
        options.append(words if any(c > "\u1100" for c in words) else rf"(?<![\w'-]){words}(?![\w'])")
    return re.compile("|".join(options))


def restraint(normal: str) -> str | None:
    """The words of a normal passage that hold something back other than by an exception; None without any."""
    rest = _HARMLESS.sub(" ", normal)
    for phrases in (_RESERVED, _FORBIDDEN, _PERMISSION, _OWNED, _SCATTERED, _CONDITION):
        if match := _pattern(phrases).search(rest):
            return match[0]
    return None


def reserves(normal: str) -> bool:
    """Whether it says nothing worse than "all rights reserved", a habit above many a license."""
    rest = _pattern(_RESERVED).sub(" ", normal)
    return rest != normal and restraint(rest) is None and exception(rest) is None


def exception(normal: str) -> tuple[str, str] | None:
    """What stands before and behind words such as "except" in a normal passage; None without such words."""
    match = _pattern(_EXCEPTION).search(_HARMLESS.sub(" ", normal))
    if match is None:
        return None
    text = _HARMLESS.sub(" ", normal)
    before, after = text[: match.start()], text[match.end() :]
    if not before.strip(" ,.(*"):  # "Except for the code, everything is …"
        after, _, before = after.partition(",")
    return before, after
