"""Turns of phrase that say that others hold rights in a track: covers, remixes, samples, fan works, disclaimers.

Regular expressions over folded text (see `scope`): lower case, no accents, `l` for `ł`. Each starts
with a word that it spells out, of which it may leave the ending open. `x` is a name.
"""

from ssmttm.licenses.scope.patterns import patterns_of

_ENGLISH = r"""
    cover(?:s|ing)?(?: versions?| songs?)? (?:of|from|by) ; covered (?:from|version) ; cover versions? ;
    (?:is|a|an|my|our|this|acoustic|piano|metal|guitar|bass|drum|live|orchestral|fan|choir|jazz|rock) cover(?!
    (?:art|image|photo|picture|page|artwork|design|illustration)) ; cover songs? ;
    (?:re|un)mix(?:es|ed)? (?:of|from|by) ; remixed ;
    (?:is|a|an|my|our|this|unofficial|bootleg|fan|official) remix ; re ?work(?:ed|ing)? (?:of|from) ; edit of ;
    mash ?ups? ; bootlegs? ; medley ; flip of ;
    sampl(?:e|es|ed|ing)s? (?:from|of|by|taken|used|courtesy|belong|are|is|were|was|cleared|not|credit|come
    |comes) ;
    (?:contains?|containing|uses?|using|used|includes?|including|features?|featuring|with|incorporat\w+|has|have
    |borrows?|quotes?|lifts?|built (?:on|from|around)|made (?:with|from|of|out of))(?: \w+){0,5}? (?:samples?
    |sampled|samplings?|loops?|excerpts?|footage|snippets?|interpolat\w+|quotations?|motifs?|riffs?|acapellas?
    |beats?|vocals|melody|melodies|hook|dialogue|speech|clips?) (?:\w+ )?(?:from|by|of|taken) ;
    (?:contains?|containing|includes?|including|features?|incorporat\w+)(?: \w+){0,4}? (?:samples|sampled|loops
    |excerpts|interpolat\w+|copyrighted|quotations) ; sampled ; uncleared ; interpolat\w+ ;
    arrang(?:ement|ements|ed|ing|es) (?:of|from) ;
    (?:my|our|this|an|piano|guitar|orchestral|choir|own|new) arrangement ;
    (?:transcription|adaptation|adapted|rendition|interpretation|re ?interpretation|re ?make|re ?imagining|re
    ?creation|parody|tribute|homage|translation|karaoke|orchestration|re ?recording|re ?cording|take) (?:of|to
    |from|on) ; karaoke version ; (?:a|is) (?:karaoke|parody|tribute|remake|spoof) ;
    (?:piano|guitar|metal|rock|jazz|acoustic|orchestral|chiptune|bit|8-bit|lofi|lo-fi|instrumental|my|our|swing
    |own|new|slowed|sped|nightcore|extended|english|german|french|spanish) version of ;
    versions? of (?:a|an|the|his|her|their|x) (?:song|tune|hit|classic|piece|track|theme|x) ;
    based (?:up)?on(?! a work at) ; derived from ; derivative (?:work )?of ; ripped from ; extracted from ;
    recorded from (?:tv|radio|the radio|television|vinyl) ; borrow(?:s|ed) (?:from|by) ;
    fan ?(?:made|art|work|music|game|cover|remix|song|arrangement|project|content|track|creation|edit|tribute)s? ;
    fan-(?:made|art|work|music|game|cover|remix|song|arrangement|project|content|track|creation|edit|tribute)s? ;
    (?:unofficial|doujin) ;
    originally (?:by|from|sung|performed by|recorded by|written by|composed by|made by|a song|a track) ;
    original (?:song|version|melody|tune|recording|artists?|beat|sample|lyrics|theme)s?,?(?: (?:is|was|are
    |were))?(?: (?:written|composed|performed|recorded|made|sung))? ?(?:by|from|:) ;
    original (?:\w+,? )?(?:is |are )?(?:belongs?|belonging|remains?|\(c\)|copyright\w*|owned|held) ;
    (?:theme|music|soundtrack|melody|track|tune|song|score)s? (?:from|of) (?:the |a |an )?(?:\w+ )?(?:movie|film
    |anime|series|show|cartoon|tv|netflix|disney|nintendo|zelda|mario|pokemon|star wars|musical) ;
    (?:in|belongs?|belonging|belonged|remains?|remain) (?:the )?propert(?:y|ies) ; propert(?:y|ies) of ;
    belong(?:s|ing|ed)? to(?! (?:the )?(?:public|world|everyone|everybody|all)\b) ; owned by ;
    owns? (?:the |all |any )?(?:rights?|copyrights?|song|music|beat|melody|original|masters?|recording) ;
    rights? (?:to|in|of|on) the (?:song|original|melody|composition|lyrics|beat|samples?|master|underlying|tune) ;
    rights? (?:are |is )?(?:held|owned|retained|reserved) by ;
    rights? (?:go|goes|remain|remains|stay|stays|belong|belongs) (?:to|with) ;
    credits? (?:go|goes) to the original ;
    respective (?:\w+ )?(?:owners?|holders?|authors?|artists?|rights|creators?|copyright\w*|composers?|labels?
    |parties) ;
    (?:do not|don't|dont|doesn't|does not|didn't|did not) (?:own|hold|have the rights|claim|write|compose) ;
    not (?:my|our|mine)(?: own)? (?:music|song|work|composition|melody|beat|track|property|recording)? ;
    isn't (?:mine|ours) ; (?:no|not) (?:any )?(?:copyright )?infring\w+ ;
    infringement (?:is |was )?(?:not )?intended ; fair (?:use|dealing) ;
    copyrighted (?:\w+ )?(?:song|music|material|work|melody|samples?|tune|track|theme|lyrics|characters?
    |composition|beat|recording|piece|content|by) ; trademarks? ; third[ -]part(?:y|ies) ;
    (?:someone|somebody|anyone) else(?:'s)? ;
    other (?:people|person|artist|band|musician|composer|author|producer|label|user)(?:s|'s|s')?(?:'s?)? (?:music
    |song|songs|work|rights|samples?|melody|recordings?|copyright|track|tracks|beats?) ;
    another (?:artist|band|musician|composer|author|producer|label|user|person|song|track|game|work) ;
    (?:used|licensed|cleared|included|sampled|taken|reproduced) (?:with|by|without|under) (?:the |kind
    )?(?:permission|license from|consent) ;
    permission (?:of|from|by) (?:the )?(?:label|publisher|estate|band|original|composer|rights) ;
    (?:melody|words|beat|theme|tune|riff|text|hook|lyrics|loops?|drums?|chords?|chorus|bassline|parts?)
    (?:is |are |was |were )?(?:taken |borrowed |lifted |copied |adapted |ripped |stolen )?(?:from|after) ;
    (?:over|on|to|with) (?:the|an?|his|her|their) (?:original|backing|karaoke) ;
    (?:melody|tune|lyrics|words|music|composition|beat|riff|hook|theme|song|loop) (?:is |are |was |were
    )?(?:\(c\)|copyright|copyrighted|owned) ;
    (?:lyrics|words|text|poem|libretto) (?:\(c\)|copyright|are not|is not|remain|reserved) ; licensed from ;
    composition (?:is |remains |belongs )?(?:\(c\)|copyright\w*|owned|by x(?: \w+)? ?,? (?:\(c\)|copyright)) ;
    performance only ;
    by \w+(?: \w+){0,4},? (?:played|performed|sung|covered|recorded|interpreted) by (?:me|us|my|our) ;
    (?:isn't|not|nicht|pas|no|non|nao|niet|nie|не)(?: \w+)? (?:(?:de|von|by|from|d'|van|ode|от) )?(?:moi|nous|mir
    |uns|mine|ours|mio|mia|mios|meu|minha|mij|mnie|moje|мо[яией]\w*) ;
    (?:otr[oa]s?|outr[oa]s?|altr[oaie]|un altro|un'altra|autres?|andere[nrsm]?|inne(?:go|j)|innych|друг\w+|annan
    |anden|another|other) (?:autor\w*|auteur\w*|artist\w*|productor\w*|produtor\w*|produttor\w*|produzent\w*
    |producteur\w*|music\w*|musik\w*|muzyk\w*|kunstler\w*|band\w*|person\w*|pessoa\w*|cantant\w*|cantor\w*
    |sanger\w*|zespol\w*|автор\w*|исполнител\w*|музыкант\w*|lied\w*|song\w*|chanson\w*|cancion\w*|canzon\w*
    |canc\w*|disc\w*|utwor\w*|piosenk\w*|песн\w*|singer\w*|muzikant\w*|artiest\w*|nummer) ;
    (?:my|this|our) (?:own )?performance
"""
_GERMAN = r"""
    cover ?(?:version|song|versionen)? (?:von|des|der|eines|einer) ; cover(?:version|song)\w* ;
    (?:ein|eine|mein|unser|reines) cover ;
    enthalt(?:en)? (?:\w+ ){0,4}?(?:samples?|ausschnitt\w*|loops?|auszug\w*|zitat\w*) ;
    samples? (?:von|aus|sind|der|des|stammen) ; gesampel?t\w* ; verwendete (?:samples?|loops?|ausschnitt\w*) ;
    (?:mit|unter) (?:samples?|verwendung von samples?|verwendung (?:eines|einer|der|des)) ;
    remix (?:von|des|der|eines|zu|uber) ; (?:ein|mein|unser|inoffizieller) remix ;
    bearbeitung(?:en)? (?:von|des|der|eines|einer|uber) ; arrangements? (?:von|des|der|eines|einer|uber) ;
    (?:nach|auf) (?:einem|einer|dem|der|einen)(?: \w+)? (?:lied|song|werk|motiv|melodie|thema|stuck|gedicht|film
    |spiel)\w* ; basiert (?:auf|lose) ; basierend auf ; beruht auf ; angelehnt an ; frei nach ;
    fan ?-?(?:projekt|werk|musik|made|song|version|arbeit)\w* ;
    original(?:e|song|titel|musik|lied|version)? (?:von|stammt|ist von|c\b) ;
    rechte (?:am|an der|an den|an dem|an) ;
    rechte(?: \w+){0,6}? (?:liegen|liegt|bleiben|verbleiben|gehoren|gehort|bei|beim) ;
    gehor(?:t|en) (?:den|dem|der|ihren|seinen|nicht) ;
    jeweilige[nr]? (?:\w+ )?(?:rechte\w*|eigentum\w*|urheber\w*|inhaber\w*|besitz\w*|kunstler\w*|autor\w*) ;
    (?:keine|kein)(?: \w+)? (?:urheberrechtsverletzung|verletzung|verstoss)\w* ; urheberrechtlich geschutzt\w* ;
    (?:melodie|text|refrain|beat|musik|thema|lied|motiv)(?: \w+)? (?:aus|stammt|stammen) ;
    stamm(?:t|en) (?:von|aus) ; zitat(?:e)? (?:von|aus) ; fremd(?:e|es|er|en|em|material|rechte)\w* ;
    (?:rechte )?dritter ; neuaufnahme ; nicht (?:von mir|mein|meine|unser) \w+ ;
    mit (?:freundlicher )?genehmigung (?:von|des|der)
"""
_FRENCH = r"""
    reprises? (?:de|du|des|d') ; (?:une|ma|notre) reprise ;
    conti(?:ent|ennent) (?:\w+ ){0,3}?(?:samples?|echantillons?|extraits?|boucles?) ;
    (?:samples?|echantillons?|boucles?) (?:de|du|des|d'|tires?|issus?|provenant|appart\w+) ;
    extraits? (?:de|du|des|d'|tires?) ; sampl(?:e|ee|es|ees) (?:de|du|d')? ; remix(?:es)? (?:de|du|des|d') ;
    (?:un|mon|notre) remix ; arrangements? (?:de|du|des|d') ; arrange(?:e|s|es)? d' ?apres ;
    adapt(?:e|ee|es|ation) (?:de|du|des|d') ; d' ?apres ; base(?:e|s)? sur ;
    inspire(?:e)? de la (?:chanson|musique) ; appartien(?:t|nent|dra) (?:a|au|aux)(?! domaine) ;
    propriete (?:de|du|des|d'|exclusive) ; ayants? droits? ;
    (?:aucune|pas d'|sans)(?: \w+){0,2}? ?(?:violation|atteinte|infraction|contrefacon) ;
    droits? (?:\w+ ){0,2}?(?:appart\w+|restent|reviennent|detenus?) ; respectifs? ;
    (?:oeuvre|chanson|musique|version|titre|morceau|melodie) originale? (?:de|du|des|d'|est|:) ;
    tire(?:e|s|es)? (?:de|du|des|d') ; issu(?:e|s|es)? (?:de|du|des|d') ; protege(?:e|s|es)? par ;
    (?:oeuvre|projet|musique|creation|jeu) de fans? ; fait(?:e)? par des fans? ; hommage a ; tiers ;
    cover d[eu'] ; avec l' ?(?:aimable )?autorisation ;
    (?:paroles|texte|melodie|musique) (?:de|d') (?:\w+ ){1,3}\(c\) ; detourn\w+
"""
_SPANISH = r"""
    versi(?:on|ones) (?:de|del)(?! (?:la )?licencia) ; (?:una|mi|nuestra) version ;
    contiene(?:n)? (?:\w+ ){0,3}?(?:muestras?|samples?|fragmentos?|extractos?|sampleos?) ;
    (?:muestras?|samples?|fragmentos?|sampleos?) (?:de|del|tomad\w+|son|pertenec\w+) ;
    sample(?:ado|ada|o) (?:de|del) ; remix (?:de|del|a) ; remezcla (?:de|del) ; (?:un|mi) remix ;
    arreglos? (?:de|del|para|sobre) ; basad[oa]s? en ; adaptacion (?:de|del) ; adaptad[oa] (?:de|del) ;
    pertenece(?:n|ra)? al?(?! dominio) ; propiedad (?:de|del|exclusiva) ; respectiv[oa]s? ;
    sus (?:duenos|propietarios|autores originales|titulares) ; (?:sin|no)(?: \w+){0,4}? infringir ;
    ninguna infraccion ; cover (?:de|del) ; un cover ; hech[oa] por fans? ; tributo a ; homenaje a ;
    (?:cancion|obra|musica|tema|melodia|pista|version) original (?:de|del|es|pertenece|:) ;
    derechos (?:de autor )?(?:pertenecen|son de|quedan|corresponden|reservados a) ; terceros ;
    tomad[oa]s? (?:de|del) ; extraid[oa]s? (?:de|del) ; con (?:el )?permiso (?:de|del) ;
    no (?:soy|somos) (?:el )?(?:autor|dueno|duenos|propietario)\w*
"""
_ITALIAN = r"""
    cover (?:di|del|della|dei|degli) ; (?:una|mia|nostra) cover ;
    contiene (?:\w+ ){0,3}?(?:campioni|campionamenti|estratti|samples?|frammenti|spezzoni) ;
    campion(?:i|e|amenti|amento|ato|ata) (?:di|da|dal|dai|dalla|del|tratt\w+) ; remix (?:di|del|della|dei) ;
    (?:un|mio) remix ; arrangiamento (?:di|del|della|per|su) ; basat[oaie] (?:su|sul|sulla|sui) ;
    adattamento (?:di|del|della) ; adattat[oa] (?:da|dal|dalla) ; tratt[oaie] (?:da|dal|dalla|dai) ;
    appart(?:iene|engono|erra) (?:a|al|ai|alla|agli)(?! (?:pubblico|dominio)) ;
    proprieta (?:di|dei|del|della|degli|esclusiva) ; rispettiv[ioe] ;
    (?:nessuna|senza|non)(?: \w+){0,4}? (?:violazione|violare) ; rielaborazione ; omaggio (?:a|ai|al) ;
    (?:brano|canzone|musica|opera|versione|melodia) originale (?:di|del|della|e|:) ;
    diritti (?:\w+ ){0,3}?(?:appart\w+|spettano|restano|rimangono) ; (?:di )?terzi ; fatt[oa] da(?:i)? fans? ;
    per gentile concessione
"""
_PORTUGUESE = r"""
    cover (?:de|do|da|dos|das) ; (?:um|meu) cover ;
    conte(?:m|em)? (?:\w+ ){0,3}?(?:samples?|amostras?|trechos?|fragmentos?) ;
    (?:samples?|amostras?|trechos?) (?:de|do|da|dos|das|tirad\w+|pertenc\w+) ; remix (?:de|do|da|dos) ;
    (?:um|meu) remix ; arranjo (?:de|do|da|para|sobre) ; basead[oa]s? (?:em|no|na|nos) ; adaptacao (?:de|do|da) ;
    versao (?:de|do|da)(?! (?:licenca|creative)) ; (?:uma|minha|nossa) versao ;
    pertence(?:m|ra)? (?:a|ao|aos)(?! dominio) ; propriedade (?:de|do|da|dos|das|exclusiva) ;
    respe(?:c)?tiv[oa]s? ; (?:sem|nao|nenhuma)(?: \w+){0,4}? (?:infringir|violar|violacao|infracao) ;
    homenagem (?:a|ao|aos) ; (?:musica|cancao|obra|versao|tema|melodia) original (?:de|do|da|e|:) ;
    direitos (?:autorais )?(?:\w+ ){0,2}?(?:pertencem|sao d\w+|ficam) ; feit[oa] por fas? ;
    tirad[oa]s? (?:de|do|da) ; terceiros ; releitura
"""
_DUTCH = r"""
    cover van ; (?:een|mijn|onze) cover ; bevat (?:\w+ ){0,3}?(?:samples?|fragment\w*|loops?|stukken) ;
    (?:samples?|fragmenten) (?:van|uit|zijn) ; gesampled\w* ; remix van ; (?:een|mijn) remix ;
    arrangement(?:en)? van ; bewerking(?:en)? van ; gebaseerd op ; ontleend aan ;
    naar een (?:lied|nummer|melodie|thema|gedicht) ; beho(?:ort|ren)(?: \w+)? (?:toe )?aan ;
    (?:behoort|horen|behoren) toe ; eigendom van ; respectieve(?:lijke)? ;
    geen (?:inbreuk|auteursrechtinbreuk|schending)\w* ;
    origine(?:el|le) (?:nummer |lied |muziek |versie )?(?:van|is van) ;
    rechten(?: \w+){0,5}? (?:liggen|berusten|blijven|ligt|bij) ; derden ; door fans? gemaakt ; andermans
"""
_SLAVIC = r"""
    cover (?:utworu|piosenki|zespolu|skladby|pisne|pesme) ; (?:to|moj|nasz) cover ;
    zawiera(?:ja)? (?:\w+ ){0,3}?(?:sampl\w*|probk\w*|fragment\w*) ;
    (?:sampl[ei]|probki|fragmenty?) (?:z|ze|utworu|piosenki|zespolu|pochodz\w+|naleza\w*) ; remiks\w* ;
    remix (?:utworu|piosenki|skladby|pisne) ; aranzacj\w+ ; opracowani[ea]\w* ; na podstawie ; opart[eay] na ;
    nalez(?:y|a|ec\w*) do(?! domeny) ; wlasnosci\w* ; odpowiedni\w+ wlasciciel\w+ ;
    (?:bez|nie)(?: \w+){0,4}? narusz\w+ ; przerobk\w+ ; przerobion\w+ ;
    praw[ao] (?:\w+ ){0,4}?(?:naleza|nalezy|posiada|przysluguja|zastrzezone dla) ; osob trzecich ;
    oryginal(?:ny|na|u|em)? (?:utwor |piosenka |wykonanie )?(?:autorstwa|zespolu|to|:) ; кавер\w* ;
    содерж(?:ит|ат) (?:\w+ ){0,3}?(?:с[еэ]мпл\w*|фрагмент\w*|отрыв\w*|цитат\w*) ;
    с[еэ]мпл(?:ы|ов|ами|ом)? (?:из|от|взят\w*|принадлеж\w*) ; (?:с )?с[еэ]мплами ; ремикс\w* ; аранжировк\w* ;
    обработк\w* ; переработк\w* ; на основе ; по мотивам ; перепев\w* ; принадлеж\w* ; правообладател\w* ;
    нарушени\w* ; фанатск\w* ; оригинал(?:ьн\w+)? (?:песн\w+|музык\w+|исполн\w+|композиц\w+|\() ; третьих лиц ;
    obsahuje (?:\w+ ){0,3}?(?:sampl\w*|ukazk\w*|vzork\w*|uryv\w*) ;
    patri (?:\w+ )?(?:autor\w*|vlastnik\w*|puvodn\w*) ; prevzat\w+ z ; puvodni (?:pisen|skladba|hudba|autor) ;
    upravena? (?:pisen|skladba|verze) ; містить (?:\w+ )?(?:семпл\w*|уривк\w*) ; належ(?:ить|ать)
"""
_NORDIC_AND_OTHERS = r"""
    cover (?:av|af|pa) ; (?:en|min|var) cover ;
    inneh(?:aller|alla) (?:\w+ ){0,3}?(?:samplingar?|samples?|utdrag|loopar) ;
    inde(?:holder|haller) (?:\w+ ){0,3}?(?:samples?|uddrag|utdrag) ;
    inneholder (?:\w+ ){0,3}?(?:samples?|utdrag|opptak) ; (?:samplingar?|samples?) (?:fran|fra|av|af) ;
    remix (?:av|af|pa) ; arrangemang av ; arrangement (?:av|af) ; bas(?:erad|eret|ert) pa ; tillhor\w* ;
    tilhorer\w* ; ags av ; ejes af ; respektive ; cover-?versio\w* ;
    sisaltaa (?:\w+ ){0,3}?(?:sampl\w*|nayt\w*|otte\w*|lainau\w*) ; perustuu ; kuulu(?:u|vat) ; sovitus ;
    feldolgoz\w* ; atirat\w* ; tartalmaz (?:\w+ ){0,3}?(?:mint\w*|samp\w*|reszlet\w*) ;
    (?:cover|remix|aranjman|uyarlama)\w* (?:icerir|edilmis|versiyon\w*) ; icerir ; ornekler ;
    telif hakki \w+ ait\w* ; contine (?:\w+ ){0,3}?(?:mostre|fragmente|sample\w*) ; apartin\w* ; preluc\w+ ;
    conte (?:mostres|fragments) ; pertany(?:en)? a ; διασκευη\w* ; περιεχει
"""
PATTERNS = tuple(
    pattern
    for language in (
        _ENGLISH, _GERMAN, _FRENCH, _SPANISH, _ITALIAN, _PORTUGUESE, _DUTCH, _SLAVIC, _NORDIC_AND_OTHERS
    )
    for pattern in patterns_of(language)
)  # fmt: skip

RUN_TOGETHER = (
    "カバー", "カヴァー", "サンプリング", "サンプル", "リミックス", "アレンジ", "編曲", "二次創作", "原曲", "原作",
    "同人", "耳コピ", "引用", "帰属", "侵害",
    "権利者", "著作権は", "ファンメイド", "ファン", "を使用", "第三者", "歌ってみた", "別の", "他の", "他人",
    "から取", "다른", "另一", "别人", "取自", "来自",
    "パロディ", "メドレー", "커버", "샘플", "샘플링", "리믹스", "편곡", "원곡", "원작", "팬메이드", "팬 메이드",
    "팬이", "인용", "저작권은", "침해", "제3자",
    "패러디", "에게 있습니다", "翻唱", "采样", "採樣", "改编", "改編", "混音", "原曲", "原唱", "同人", "侵权",
    "侵權", "版权归", "版權歸", "第三方",
    "二次创作", "翻奏", "引用", "所有者", "غلاف", "ريمكس", "ריאמיקס", "קאבר", "रीमिक्स", "कवर",
)  # fmt: skip
"""The same in scripts without spaces: words that say it wherever they stand."""
