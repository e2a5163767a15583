"""Turns of phrase by which a license is undecided, of a preview only, for money, from some day on, or conditional.

Regular expressions over folded text (see `scope`), by what they say.
"""

from ssmttm.licenses.scope.patterns import patterns_of

_YEAR = r"(?:\w+\.? ){0,3}?(?:\d{1,2}[./-]){0,2}(?:19|20)\d\d"

_UNDECIDED = r"""
    (?:tbd|tba|tbc) ;
    to be (?:decided|determined|announced|confirmed|defined|agreed|chosen|clarified|specified|discussed) ;
    (?:not|isn't|hasn't|haven't|aren't)(?: been)?(?: yet)? (?:decided|determined|chosen|settled|final\w*|sure
    |confirmed|clear|known|specified) ; not yet ;
    (?:undecided|undetermined|provisional\w*|placeholder|tentative\w*|hypothetical\w*) ;
    for (?:example|instance) ; e\.? ?g\. ; eg ; such as ; something like ;
    or (?:similar|so|equivalent|whatever|such|the like|something|other\b) ;
    (?:i|we) (?:guess|think|suppose|believe|hope|assume|might|may|plan|intend|want|will) ;
    insert (?:\w+ )?license ; your license here ; (?:choose|pick|select) (?:a|your|one|license|from|between) ;
    in negotiation\w* ; under (?:negotiation|discussion|review|consideration) ; subject to ;
    noch (?:nicht|offen|unklar|zu|ungeklart|in) ; z\. ?b\. ; zb ; zum beispiel ; beispielsweise ; steht noch ;
    voraussichtlich ; geplant\w* ; etwa ; oder (?:ahnlich\w*|so) ; wird noch ;
    (?:soll|sollte|wird|wurde gern) (?:\w+ ){0,6}?(?:werden|sein) ; unter vorbehalt ;
    a (?:definir|determiner|confirmer|preciser|venir|decider) ; par exemple ; p\. ?ex\. ; pas encore ; prevu\w* ;
    sera (?:\w+ )?(?:publie|sous|disponible|licenci|distribu|mis)\w* ; en cours de ; sous reserve ;
    por (?:definir|determinar|decidir|confirmar|ejemplo|exemplo|acordar) ; p\. ?ej\. ;
    (?:aun|todavia) (?:no|por|sin) ; previst\w* ; (?:sera|seran) (?:\w+ )?(?:publicad|bajo|licenci|distribu)\w* ;
    sujet[oa] a ; pendiente\w* ; pendente\w* ;
    da (?:definire|decidere|confermare|stabilire|concordare|determinare) ; (?:per|ad) esempio ; non ancora ;
    sara (?:\w+ )?(?:pubblicat|sotto|rilasciat|distribuit)\w* ; salvo conferma ;
    a (?:definir|decidir|confirmar|combinar|determinar|ser definid\w) ; ainda (?:nao|a|por|sem) ; em negociacao ;
    nog (?:te|niet|onbekend|onduidelijk|geen|in) ; bijvoorbeeld ; bijv\.? ; wordt nog ;
    zal (?:\w+ )?(?:worden|verschijnen) ; do (?:ustalenia|potwierdzenia|uzgodnienia|decyzji) ; na przyklad ;
    np\.? ; jeszcze nie\w* ; (?:bedzie|zostanie) ; w trakcie ; например ; буд(?:ет|ут) ; уточня\w* ; еще не ;
    пока не ; планиру\w* ; не определ\w* ; не решен\w* ; napr(?:iklad)?\.? ; zatim (?:ne|neni) ; jeszcze ;
    inte (?:annu|bestamd\w*) ; till exempel ; t\.? ?ex\.? ; f\.? ?eks\.? ; esimerkiksi ; ei viela ; peldaul ;
    henuz ; ornegin
"""
_PREVIEWS = r"""
    previews? ; full(?:-length| length)? (?:version|track|song|quality|album|mix|release|recording|length)s? ;
    (?:teaser|excerpt|snippet|watermark\w*|prelisten\w*)s? ;
    low[ -]?(?:quality|res(?:olution)?|bit ?rate|fi version) ;
    (?:complete|unabridged|uncut|hq|high[ -]quality|lossless|wav|flac|final) (?:version|file|release|master
    |track)s? ;
    (?:short|shortened|trial|sample|test|30|60|90) ?(?:-?second|s|version|clip)s?(?= version| clip| excerpt|
    preview) ; (?:vorschau|horprobe|ausschnitt|vollversion|kurzversion|leseprobe)\w* ;
    (?:vollstandige|ganze|komplette) (?:version|stuck|lied|fassung|track) ; (?:apercu|extrait|pre-?ecoute)s? ;
    version (?:complete|integrale|completa|longue|courte|finale) ; (?:vista previa|avance|adelanto|fragmento)s? ;
    (?:anteprima|estratto|assaggio) ; versione (?:completa|integrale|finale|intera) ;
    (?:previa|trecho|amostra|versao completa)s? ; (?:voorproefje|voorbeeld|fragment|volledige versie)\w* ;
    (?:podglad|zapowiedz|zajawka|fragment|pelna wersja)\w* ; превью ; отрыв(?:ок|ка|ки) ;
    полн(?:ая|ой|ую|ое) верси\w* ;
    (?:forhandsvisning|forhandslyssning|smakprov|ukazka|nahled|onizleme|elozetes|esikatselu)\w*
"""
_MONEY = r"""
    (?:costs?|costing|price[ds]?|prices|pricing|fees?|invoice|payment|payments|pays|paying|paywall) ;
    (?:on|after|upon|with|against|requires?|once|if|when) (?:a |the |you |you've )?(?:purchas\w+|bought|buy|pay
    |paid|payment|donat\w+) ;
    (?:paid|purchased|bought|premium|commercial) (?:license|version|users?|members?|customers?|subscri\w+) ;
    buyers? ; customers? ; (?:for|only) (?:sale|money|members|members?|backers) ;
    (?:backers|donors|members|subscribers|supporters|kickstarter) ; royalt(?:y|ies)(?! free)(?!-free) ;
    (?:usd|eur|gbp|chf|dollars?|euros?|pln|rub) ?\d ;
    \d+(?:[.,]\d+)? ?(?:usd|eur|gbp|chf|dollars?|euros?|bucks|pounds|zl|zlotych|pln|kr|sek|rub|руб\w*|yen|円|元|원|€
    |\$|£|¥) ; [€$£¥] ?\d ;
    (?:kostet|kostenpflichtig|gebuhr|kaufen|kauf|preis|bezahl|zahlung|entgelt|erwerb|kaufer)\w* ;
    (?:gegen|nach) (?:bezahlung|zahlung|gebuhr|kauf)\w* ;
    (?:coute|prix|payant|acheter|achat|tarif|paiement|payer|acquereur)\w* ; moyennant ;
    (?:cuesta|precio|pago|comprar|compra|tarifa|pagar|pagando)\w* ;
    (?:costa|prezzo|pagamento|acquist|pagare|pagando)\w* ; (?:custa|preco|pagamento)\w* ;
    (?:kost|prijs|betal|kopen|aankoop|koper|tegen betaling)\w* ;
    (?:kosztuje|cena|oplat|zaplac|kupic|kupno|zakup|platn)\w* ;
    (?:стоит|стоимость|цена|оплат|купит|покупк|платн)\w* ;
    (?:kostar|koster|betaln|betaling|kopa|kobe|hinta|maksu|maksaa|stoji|koupit|placen|fizet|ucret|satin|plata)\w*
"""
_DATES = r"""
    (?:as of|starting|effective|beginning|after|from|until|till|valid|by the end of|not before|before|through
    |expires?|expiring|once|ab|ab dem|vom|bis|gultig|ab anfang|ab ende|a partir d[eu]|a partir do|a compter d[eu]
    |des|jusqu'(?:en|au)|desde|hasta|dal|dall'|dal 1|a partire da\w*|a decorrere da\w*|fino al?|a partir de|ate
    |vanaf|met ingang van|tot|od|do|poczawszy od|od dnia|z dniem|с|со|начиная с|до|после|from och med|fran|fra
    |till|til|alkaen|asti) YEAR ;
    (?:in|on|en|im|em|nel|w|в|per|the year) YEAR (?:onwards?|it|this|wird|ist|sera|becomes?|switch\w*|expire\w*
    |ends?|an\b) ;
    (?:becom\w+|turn\w+|switch\w*|goes|go|expire\w*|ends?|lapses?|starts?|begins?|enters?|comes) (?:\w+
    ){0,4}?(?:in|on|at|after|into) YEAR ; YEAR onwards? ;
    (?:next|this) (?:year|month|week|summer|winter|spring|autumn|fall) ;
    (?:in|after|for|within) (?:\d+|one|two|three|five|ten|seventy|a few|some) (?:years?|months?|weeks?|days?
    |hours?) ;
    (?:tomorrow|soon|eventually|someday|temporar\w+|limited time|for now|currently|at the moment|at present
    |time[- ]limited|bald|demnachst|derzeit|vorerst|zurzeit|momentan|befristet|bientot|prochainement|actuellement
    |temporairement|pronto|proximamente|actualmente|temporalmente|presto|prossimamente|attualmente
    |temporaneamente|em breve|atualmente|temporariamente|binnenkort|tijdelijk|momenteel|wkrotce|obecnie
    |tymczasowo|скоро|временно|сеичас|brzy|snart|tilsvidare|pian|yakinda) ;
    (?:starts?|begins?|expires?|lapses?|ends?) (?:on|in|at|after|when|with) ;
    after (?:the )?(?:release|embargo|premiere|launch|festival|death) ; kunftig\w* ; zukunft\w* ;
    (?:futur|futuro|futura|future|toekomst\w*|przyszlosci|будущ\w*|framtid\w*)
"""
_BOUND = r"""
    (?:provided|providing) (?:that|you|it)(?! (?:you )?(?:give|credit|proper|appropriate|due|attribut\w*|is
    provided))(?! (?:the |i |my )?(?:artist|author|credit|name) (?:is|are|am) (?:credited|named|given|mentioned))
    ; (?:on|under|with) (?:the )?(?:condition|restriction|exception|proviso)s? ;
    (?:only|but only|and only) (?:if|when|after|with|for|in|within|as|on) ;
    (?:nur|ausschliesslich|lediglich) (?:wenn|mit|nach|fur|in|auf|zu|privat\w*|im|zur) ;
    (?:seulement|uniquement|exclusivement) (?:si|avec|apres|pour|en|dans|sur|a) ;
    (?:pour|a des fins) (?:usage|utilisation|un usage)? ?(?:prive|privee|personnel|personnelle|educati\w+
    |scolaire)\w* ;
    (?:solo|solamente|unicamente|exclusivamente|so|somente|apenas|soltanto|esclusivamente) (?:si|con|tras|para|en
    |se|com|per|dopo|na|no|em|uso|nel|a) ; (?:alleen|slechts|uitsluitend) (?:als|met|na|voor|in|bij|op|indien) ;
    (?:tylko|wylacznie|jedynie) (?:jesli|za|po|do|dla|w|na|z) ;
    (?:только|исключительно) (?:если|с|после|для|в|при|по) ;
    (?:wenn|falls|sofern|soweit|vorausgesetzt)(?! (?:\w+ )?(?:mich|den namen|credit|ihr mich|sie mich|du mich)) ;
    (?:siempre que|siempre y cuando|a condicion de|con la condicion|a patto che|a condizione|purche|desde que|a
    condition|mits|tenzij|pod warunkiem|при условии|если|jesli|jezeli)(?!.{0,40}(?:credit|cite|nombr|mencion|nenn
    |bron|autor|автор|vermeld)) ;
    (?:nicht (?:erlaubt|gestattet|zulassig|freigegeben)|verboten|untersagt|interdite?s?|prohibid[oa]s?|vietat[oa]
    |proibid[oa]s?|verboden|niet toegestaan|zabronion[eya]|zabrania|запрещ\w*|forbjud\w*|forbudt|kielletty
    |zakazano|zakazan\w*|tilos|yasak\w*) ;
    (?:mit|nach|auf|vorherige[rn]?|schriftliche[rn]?) (?:\w+ )?(?:genehmigung|erlaubnis|zustimmung|einwilligung
    |anfrage|rucksprache) ; (?:avec|sur|apres) (?:\w+ )?(?:autorisation|accord|demande|permission) ;
    (?:con|previa?|bajo) (?:\w+ )?(?:permiso|autorizacion|consentimiento|solicitud|peticion) ;
    (?:con|previa|su|previo) (?:\w+ )?(?:permesso|autorizzazione|consenso|richiesta) ;
    (?:com|sob|mediante) (?:\w+ )?(?:permissao|autorizacao|pedido|consentimento) ;
    (?:met|na|op) (?:\w+ )?(?:toestemming|aanvraag|verzoek) ;
    (?:za|po|na) (?:\w+ )?(?:zgod\w+|prosb\w+|uzyskaniu) ;
    (?:с|по) (?:\w+ )?(?:разрешени\w+|согласи\w+|запрос\w+) ;
    (?:demandez|contactez|preguntar?|consulta\w*|chiedere|chiedete|pergunte|vraag|zapytaj|спросите|fragt?
    |anfragen|kontaktier\w*|kontaktiert|contacta\w*|contatta\w*|contactar|ask|asking|contact) (?:\w+
    ){0,4}?(?:first|before|me|us|vorher|zuerst|avant|antes|prima|eerst|najpierw|artist|label|author|for|nous|moi
    |wegen|autor|uns|mich)
"""
CONDITIONS = {
    what: patterns_of(patterns.replace("YEAR", _YEAR))
    for what, patterns in {
        "is not decided": _UNDECIDED,
        "speaks of a preview": _PREVIEWS,
        "asks for money": _MONEY,
        "starts or ends on some day": _DATES,
        "is bound to a condition": _BOUND,
    }.items()
}
"""What is said -> how."""

HARMLESS = patterns_of(r"""
    (?:no|without|any|free of|no extra|zero) (?:fee|fees|charge|cost|costs|payment|payments|price|royalty
    |royalties)(?: (?:needed|required|necessary|involved))? ; (?:royalty|payment|license|fee)[ -]free ;
    pay what you want ; name your price ; kostenlos\w* ; kostenfrei\w* ; gebuhrenfrei\w* ; at no cost ;
    (?:ohne|sans|sin|senza|sem|zonder|bez|без) (?:\w+ )?(?:genehmigung|erlaubnis|autorisation|permission|permiso
    |permesso|permissao|toestemming|zgody|разрешения|kosten|frais|coste|costes|costo|costi|custo|custos|oplat
    |paiement|pago|pagamento|gebuhren|precio) ; no (?:need|obligation) to (?:ask|contact|pay) ;
    (?:if|wenn|si|se|als|jesli) you (?:like|want|enjoy)[^.;]* ; not affiliated with[^.;]* ;
    (?:please )?contact me if you (?:use|like)[^.;]* ;
    wenn (?:du|ihr|sie)[^.;]{0,40}(?:nenn|credit|verwend|benutz|gefall)\w* ;
    if (?:you|the|any)[^.;]{0,30}(?:use|share|remix|play|like|give|credit|need|have|possible)[^.;]* ;
    (?:to|the) (?:future|next generations?) ;
    full (?:album|song|track|version|release):? (?:at |on |here )?(?:<url>|x)
""")
"""What looks like one of them and is none."""

RUN_TOGETHER = {
    "is not decided": (
        "未定", "検討中", "例えば", "予定", "たとえば", "かもしれ", "미정", "예정", "예를 들", "待定", "例如",
        "尚未", "暂定", "可能",
    ),
    "speaks of a preview": (
        "試聴", "完全版", "フルバージョン", "プレビュー", "サンプル版", "미리듣기", "전체 버전", "试听", "試聽",
        "完整版", "预览", "節錄",
    ),
    "asks for money": (
        "有料", "購入", "支払", "유료", "구매", "구입", "付费", "付費", "购买", "購買", "收费", "料金",
    ),
    "starts or ends on some day": (
        "年から", "以降", "年まで", "日から", "将来", "년부터", "까지", "이후", "年起", "以后", "之后", "将来", "期限",
    ),
    "is bound to a condition": (
        "禁止", "のみ", "限り", "場合", "許可が必要", "要連絡", "許諾", "금지", "에만", "경우", "문의", "동의",
        "仅限", "僅限", "仅供", "須", "需经", "联系",
        "如果",
    ),
}  # fmt: skip
"""The same in scripts without spaces: words that say it wherever they stand."""
