"""Words that a plain license statement may have besides the license's name, folded, by language.

They neither limit nor grant.
"""

_ENGLISH = """
    a about above according acknowledgement acknowledgment ad adapt adapted additional additionally address
    after again album albums all along also alternatively am among an and any anybody anyone anywhere applicable
    applies apply appreciated appropriate are around artist artists as ask asking at attribute attributed
    attributing attribution audio author authors available away back band be been before below between beyond
    bit both box bpm build but by can changes channel cheers choice clicking code collection com comes
    commercial commercially compatible composed composer contact content copied copies copy copying copyright
    copyrightable copyrighted country courtesy created creation creative creator credit credited crediting
    credits date dedicated deed details digital distribute distributed distributing download downloaded
    downloads ds dual each edit edited either electronic email endorses enjoy ensemble ep even everybody
    everyone everyone's everything everywhere extent facebook feat featuring feedback feel field file files film
    films find flac follow following for format found foundation free freely friends from full further game
    games generated genre give given giving gnu go good granted guitar happy has have he hear heard her here
    hereby herself him himself his holder holders home hope hours how however http https human hz i i'm i've
    identified if immediately in included including indicate info information instagram instrumental into
    irrevocable irrevocably is issued it it's its jurisdictions just kbps keep keyboard keyboards khz kind known
    label law laws learn legal legalcode let let's letter liable licence licenced license licensed licensing
    link linked linking links listen listened listening live long love made mail make makes making manner mark
    marked mastered mastering material may me meant medium mention mentioned mentioning message min minutes mix
    mixed mixing modification modified modify mono mood more mountain movie movies mp mp3 multi music musical
    musicians must my myself name named names need needed neighboring neighbouring new nice no noncommercial
    note now of ogg on once one online open option opus or orchestra organ original originally our ours
    ourselves out over own owner page parts people performed performer performers performing permission
    permissions permitted perpetual person piano piece pieces place placed play played playing please po
    podcasts possible posted produced producer program project projects proper properly provide provided
    providing public publish published publishing purpose purposes put radio re read readable reasonable
    received record recorded recording recordings redistributable redistribute redistributed reference related
    release released releases releasing remember remix remixing reproduce reproduced reserved respect
    restrictions reuse reused rf rights royalty royalty-free same sang scope sec seconds see self send several
    share share-alike sharealike shared sharing she show shows simply singer site so software solo some song
    songs sound soundcloud sounds soundtrack source spotify stated status stereo stream streaming streams street
    string strings studio such suite summary sung support sure synth tag tagged take terms text thank thanks
    that the their them there these they thing things this those through time title titled to together too track
    tracks transform trio triple tune tv twitch twitter type under unlimited upload uploaded upon us usage use
    used useful user users uses using version versions very via video videos view visit vlog vlogs vocal vocals
    waive waived waives want warranties warranty was wav way we web welcome well were what whatever when where
    wherever which while whole will with within without wma wonderful work works world worldwide would write
    written wrote year years you you'd you're your yours youtube zero
"""
_GERMAN = """
    aber album alle allen aller als am an angabe angeben angeboten auch auf aufgenommen aufnahme aus bearbeiten
    bearbeitet bedingungen bei bitte bitten blues creative dank danke darf das dass dein deine dem den der des
    deutschland die dies diese diesem diesen dieser dieses dir du durch durfen ein eine einem einen einer eines
    er es euch euer eure frei freie freien freigegeben fuer fur geandert gema gemafrei gemeinfrei geschrieben
    gespielt gestellt gesungen gitarre gleichen gratis gut habe hat herunterladen hier hoch horen ich ihr ihre
    im in internationale internationalen internationaler ist jede jedem jeder jeglichen kann klavier kommerziell
    kommerzielle kommerziellen komponiert komposition konnen kostenfrei kostenlos kunstler kunstlerin lied
    lieder lizensiert lizenz lizenzangabe lizenzbedingungen lizenzen lizenziert lizenztext mein meine meiner mit
    musik musikstuck musikstucke nach name namen namens namensnennung nennen nennt nennung nutzen nutzung
    nutzungsbedingungen oder ohne produziert quelle sein seine sie siehe sind song songs spass stehen steht
    stelle stellt stuck stucke teilen titel ton um und uns unser unsere unter unterliegt urheber urheberin
    verbreiten verfugbar verfugung veroffentlicht version verwendbar verwenden verwendet verwendung viel vielen
    vom von weiter weitergabe weitergeben werden werk werke wir wird wurde zu zum zur zweck zwecke
"""
_FRENCH = """
    a album appartient artiste artistes au auteur auteurs aux avec bande bonne ce ces cet cette chanson chansons
    cite citer citez comme commercial commerciale commons compose composee compositeur crediter creditez d dans
    de des disponible disponibles distribue distribuee domaine droit droits du ecoute ecouter elle en enregistre
    enregistree enregistrement est et etre gratuit gratuite gratuitement guitare ici il internationale j l la le
    les leur libre librement libres licence licences ma merci mes mis mise mises mon morceau morceaux musique
    musiques ne nom nommer nos notre nous oeuvre oeuvres ou par partage partager partagez piano piste pistes
    place placee placees placer pour propose proposee public publie publiee publies que qui respecter reutiliser
    sa sans se selon ses son sonore sont sous sur telechargement telecharger termes titre titres tous tout toute
    toutes transpose un une usage utilisation utiliser utilisez version vos votre vous
"""
_SPANISH = """
    a al album artista artistas atribucion autor autora autores bajo banda cancion canciones cita citar como
    compartida compartido compartir compositor compuesta compuesto con creative credito creditos cualquier de
    del descarga descargar disfruta disponible disponibles distribuida distribuido distribuye dominio el ella en
    encuentra es escucha escuchar esta estan estas este esto estos grabacion grabada grabado gracias gratis
    gratuita guitarra internacional la las libre libremente licencia licenciada licenciado licencias lo los me
    mencionar mi mis musica musical nombre nosotros nuestra nuestro o obra obras originalmente para permite
    permitida permitido piano pieza pista por publica publicada publicado publico puede pueden puedes que se ser
    si sin sobre son sonora su sus tema temas terminos toda todas todo todos tu un una usar uso utiliza utilizar
    version y
"""
_ITALIAN = """
    a ad ai al album alla artista artisti ascolto attribuzione autore autori bande brani brano canzone canzoni
    chitarra citando citare citate colonna come composta composto con condividere condiviso creative da dal dei
    del della delle di disponibile distribuita distribuiti distribuito dominio e ed essere esso gli
    gratuitamente gratuito grazie i il in internazionale l la le libera liberamente libero licenza licenze
    licenziato lo mia mio musica musicale musiche ne nel nella noi nome nostra nostro o ogni opera opere
    originale per piano pianoforte potete pubblicata pubblicato pubblico puoi qualsiasi questa queste questi
    questo registrata registrato registrazione rilasciata rilasciati rilasciato scaricare secondo si sono sonora
    sotto su sua suo termini testo titolo tracce traccia tutte tutti tutto un una uno usare uso utilizzare
    versione vi
"""
_PORTUGUESE = """
    a album ao aos artista as atribuicao autor autora autores brasil cancao cancoes citar cite com como
    compartilhada compartilhado compartilhar composta composto creative credito creditos da das de disponivel
    distribuida distribuido do dominio dos e em encontra esta estao estas este estes eu faixa faixas gratis
    gratuita gratuitamente gravacao gravada gravado internacional isto licenca licencas licenciada licenciado
    livre livremente me meu minha musica musicas na nas no nome nos nossa nosso o obra obras obrigado os ou para
    partilhada peca pela pelo piano pode podem por publicada publicado publico que sao se ser seu sob sonora sua
    termos toda todas todo todos trabalho trilha tu um uma usar uso utilizar versao violao voce
"""
_DUTCH = """
    aan album alle als artiest auteur bedankt beschikbaar bij bron componist creative dank dat de deze dit
    domein een en gebruik gebruiken gebruikt gecomponeerd gelicenseerd gelicentieerd gemaakt geplaatst gespeeld
    gitaar graag gratis haar het hier hij iedereen ik in internationaal is je jullie kan kunnen licentie
    licentievoorwaarden lied liedje luisteren mag maker met mijn mogen muziek muziekstuk naam naamsvermelding
    nummer nummers of om onder ons onze op opgenomen opname piano publiek publieke rechten stuk te tot uit
    uitgebracht uw vallen valt van veel vermeld vermelden vermelding via vind voor voorwaarden vrij vrije
    vrijgegeven was we werk werken wij worden wordt zelf zich zijn zoals
"""
_POLISH = """
    album autor autora autorem autorstwa autorzy bezplatnie bezplatny creative dla do domena domenie domeny
    dostepna dostepne dostepny dowolnie dowolny dzieki dzielo gitara i imie innych ja jako jest kazdy korzystac
    licencja licencje licencji mi miedzynarodowa moj moja moje mozesz mozna muzyce muzyczny muzyka muzyki na
    nagrane nagrania nagranie nagrany nasz nazwa nazwisko o objety opublikowana opublikowane opublikowany oraz
    piosenka piosenki pl pobierz pobrac pod podac podaj podania podanie prosze przez publiczna publicznej s sa
    sie skomponowany swobodnie ta tego tej ten to tworca tworcy tytul udostepniam udostepniona udostepnione
    udostepniony utwor utwory uznanie uzycie uzywac w warunkach warunkami warunki wolna wolno wolny wszystkie
    wykonanie wykonawca z za ze zespol zgodnie znajduje znajdujes zrodlo
"""
_RUSSIAN = """
    автор автора автором авторства авторство авторы альбом альбома аўтар без бесплатно в все всем вы где гитара
    для до достояние достоянии достоянию доступен доступна доступнии доступно его ее записан записана запись и
    из или имени имя исполнитель использ использование использования использовать используите к как кем ко
    композитор композиция композиція лицензией лицензии лицензируется лицензию лицензия ліцензія ліцензією
    ліцензії мировои мое может можно мои моя музика музыка музыкальное музыки музыку мы на название написана
    находится наш наша наши об общественного общественное общественном общественному опубликован опубликована
    опубликовано оригинал от передана передано песни песня по под пожалуиста произведение произведения
    публикуется під распространяется распространять распространяются свободная свободно свободнои сделано
    скачать слушать со создан создана создано соответствии спасибо ссылка ссылки ссылку твір текст то тоже трек
    трека треки у укажите указание указанием указания указать указываите умовах условия условиях фортепиано цеи
    эта эти это этого этои этот я является є
"""
_OTHERS = """
    a aceasta acest alatt alla altinda amb ange aquesta ar att autor av az bu cette de delo den denna denne det
    detta dette dielo dila dilo distribuita djelo dostupna dostupne dozvolom elerheto en enligt er eser esta
    estas este ett ez felhasznalhato for fri fritt gratis har hau hudba i ikke ile internationell jag je
    julkaistu kappale kaytettavissa kozkincs la lan lat laten licenc licenci licenciou licenciran licencirano
    licencovano licens licenseret licensierad licensieras licensierat licenta lisans lisansi lisanslanmistir
    lisens lisensiert lisensoitu lisenssi lisenssilla lizentzia llicencia lyssna med melding mu musica musiikki
    musik musiken musikken musikstycke muzica muzik muziko namn obra och on opera ovo permesilo piesa pod
    podlehne saatavilla sang sangen sarki skladba slappt som sota sub szerzo tack tama tento teos til
    tilgjengelig tillganglig toto udgivet una under upphovsman utgitt utgiven uvolnena vaerk vaerket ve verk
    verket verko vi volne vydana zene zverejneno αδεια αυτο διατιθεται εργο με μουσικη την το του υπο χρησης
"""
FRIENDLY = frozenset(
    " ".join([_ENGLISH, _GERMAN, _FRENCH, _SPANISH, _ITALIAN, _PORTUGUESE, _DUTCH, _POLISH, _RUSSIAN, _OTHERS]).split()
)
