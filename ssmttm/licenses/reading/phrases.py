"""How licenses and what belongs to them are called, in many languages: canonical word -> phrases."""

LICENSES = {
    "cc": "creative commons|creative common|creativecommons|creativecommon|creative comons"
    "|クリエイティブ コモンズ|크리에이티브 커먼즈",
    "attr": "attribution|attribtion|namensnennung|namensnnennung|paternite|attribuzione|atribuicao|atribucion"
    "|reconocimiento|reconeixement|recoñecemento|naamsvermelding|uznanie autorstwa|erkannande|navngivelse"
    "|nimea|uvedte puvod|uvedte autora|nevezd meg|atribuire|imenovanje|priznanje avtorstva|aitortu"
    "|atribuo|атрибуция|с указанием авторства|із зазначенням авторства|признание|auteursvermelding",
    "nc": "noncommercial|non commercial|noncommercia|non comercial|noncomercial|not commercial"
    "|no commercial use|non commercial use|nicht kommerziell|nichtkommerziell|keine kommerzielle nutzung"
    "|pas d'utilisation commerciale|pas d utilisation commerciale|utilisation non commerciale"
    "|pas d'usage commercial|non commerciale|noncommerciale|no comercial|nocomercial|nao comercial"
    "|naocomercial|uso nao comercial|uso nao commercial|niet commercieel|nietcommercieel"
    "|uzycie niekomercyjne|ickekommersiell|icke kommersiell|ikkekommerciel|ikke kommerciel"
    "|ikkekommersiell|ikke kommersiell|ei kaupallinen|eikaupallinen|neuzivejte komercne"
    "|neuzivejte dilo komercne|nevyuzivejte dilo komercne|ne add el|necomercial|nekomercijalno"
    "|nekomercialno|ezkomertziala|некоммерческая|некоммерческое использование|некоммерческий|некомерційна"
    "|некомерційне використання",
    "nd": "noderivatives|noderivs|noderivativeworks|noderivates|noderiv|no derivatives|no derivs"
    "|no derivative works|no derivative work|no derivative|non derivative|no deriv|no derivates"
    "|keine bearbeitung|keine bearbeitungen|keinebearbeitung|keinebearbeitungen|keine ableitung"
    "|pas de modification|pas de modifications|sin obra derivada|sinobraderivada|sin obras derivadas"
    "|sinobrasderivadas|sin derivadas|sinderivadas|sin derivados|non opere derivate"
    "|nessuna opera derivata|vedada a criacao de obras derivadas"
    "|proibicao de realizacao de obras derivadas|sem derivacoes|semderivacoes|sem derivados|semderivados"
    "|sem derivadas|semderivadas|geen afgeleide werken|geenafgeleidewerken|bez utworow zaleznych"
    "|sense obra derivada|senseobraderivada|senseobresderivades|inga bearbetningar|ingabearbetningar"
    "|ingen bearbejdelse|ingenbearbejdelse|ingen bearbejdelser|ingenbearbejdelser|ingen bearbeidelse"
    "|ingenbearbeidelse|ingen bearbeidelser|ingenbearbeidelser|ei muutoksia|eimuutoksia"
    "|ei muutettuja teoksia|nezasahujte do dila|nezpracovavejte|ne valtoztasd|fara modificari"
    "|faramodificari|bez prerada|brez predelav|без производных|без производных произведений|без похідних",
    "alike": "sharealike|share alike|weitergabe unter gleichen bedingungen"
    "|weitergabe zu gleichen bedingungen|partage dans les memes conditions|partage a l'identique"
    "|partage des conditions initiales a l'identique|partage a l identique|compartir igual|compartirigual"
    "|compartir bajo la misma license|licenciarigual|licenciamiento reciproco|compartir derivadas igual"
    "|compartirderivadasigual|condividi allo stesso modo|stessa license"
    "|compartilhamento pela mesma license|compartilha igual|compartilhaigual"
    "|partilha nos termos da mesma license|partilha igual|partilhaigual|gelijk delen|gelijkdelen"
    "|na tych samych warunkach|dela lika|delalika|del pa samme vilkar|delpasammevilkar|jaa samoin"
    "|jaasamoin|tarttuva|sama license|zachovejte license|igy add tovabb|partajare in conditii identice"
    "|partajareinconditiiidentice|distribuire in conditii identice|distribuireinconditiiidentice"
    "|dijeli pod istim uvjetima|deljenje pod enakimi pogoji|partekatuberdin|с сохранением условий"
    "|на тех же условиях|сохранение условий|распространение на тех же условиях"
    "|поширення на тих самих умовах",
    "unported": "unported|generic|international|universal|intl|internacional|internazionale|internationale"
    "|internationaal|miedzynarodowe|internationell|internasjonal|kansainvalinen|mezinarodni|nemzetkozi"
    "|non transpose|non transposee|nicht portiert|nicht portierte|no portada|nao adaptada|generico"
    "|generica|generique|nieportowana|всемирная|международная|непортированная|універсальна|міжнародна",
    "license": "license|licence|licenses|licences|licencing|licensing|lisence|licens|lizenz|lizenzen|licencia"
    "|licenza|licenca|licentie|licencja|licencji|lisens|lisenssi|lisenssilla|lisans|lisansi|lizentzia|litsents|licenci|лицензия"
    "|лицензии|лицензией|ліцензія|legal code|legalcode|public license|gemeinfreie license|deed",
    "pd": "public domain|publicdomain|publicdomains|domaine public|gemeinfrei|gemeinfreiheit|dominio publico"
    "|pubblico dominio|dominio pubblico|publiek domein|domena publiczna|domini public"
    "|общественное достояние|общественном достоянии|общественного достояния|суспільне надбання|publieke domein"
    "|domenie publicznej|domeny publicznej|offentlige domene|パブリックドメイン|公有領域|公有领域|퍼블릭 도메인"
    "|ist gemeinfrei|ist public domain|ist in der public domain|est dans le domaine public|dans le domaine public"
    "|du domaine public|au domaine public|appartient au domaine public|est du domaine public|es de dominio publico"
    "|esta en el dominio publico|esta en dominio publico|en el dominio publico|en dominio publico|al dominio publico"
    "|e di pubblico dominio|e nel pubblico dominio|e di dominio pubblico|di pubblico dominio|di dominio pubblico"
    "|nel pubblico dominio|al pubblico dominio|esta em dominio publico|em dominio publico|e de dominio publico"
    "|esta no dominio publico|no dominio publico|de dominio publico|ao dominio publico|is in het publieke domein"
    "|behoort tot het publieke domein|in het publieke domein|jest w domenie publicznej|w domenie publicznej"
    "|nalezy do domeny publicznej|do domeny publicznej|находится в общественном достоянии|в общественном достоянии"
    "|ar public domain|er public domain",
    "pddedication": "public domain dedication",
    "certified": "and certification|certification",
    "zero": "zero",
    "arr": "all rights reserved|allrightsreserved|alle rechte vorbehalten|tous droits reserves"
    "|todos los derechos reservados|tutti i diritti riservati|todos os direitos reservados"
    "|alle rechten voorbehouden|wszelkie prawa zastrzezone|все права защищены|standard youtube license"
    "|youtube standard license|license youtube standard",
    "nrr": "no rights reserved|norightsreserved",
    "somerights": "some rights reserved|somerightsreserved|certains droits reserves|algunos derechos reservados"
    "|alguns direitos reservados|einige rechte vorbehalten|alcuni diritti riservati",
    "lal": "lal|fal|free art license|license art libre|art libre|freeart|freie kunst license|license arte libre"
    "|license freie kunst",
    "oal": "open audio license|eff open audio license|eff oal|oal",
    "dsl": "dsl|design science license",
    "youtube": "youtube",
}
"""Elements, notices and names of licenses of music. Folded: lower case, no accents, spaces for hyphens."""

SOFTWARE = {
    "gfdl": "gfdl|gnu fdl|free documentation license|gnu free documentation license|gnu license for free documentation",
    "mitlicense": "mit license|expat license|mit expat license|the mit license mit",
    "isclicense": "isc license",
    "apachelicense": "apache license|apache software license",
    "bsdlicense": "bsd license|bsd style license|mit style license",
    "zliblicense": "zlib license|zlib libpng license",
    "artisticlicense": "artistic license|perl artistic license",
    "mpl": "mozilla public license|mpl",
    "epl": "eclipse public license",
    "eupl": "european union public license|eupl",
    "bsl": "boost software license",
    "ofl": "open font license|sil open font license|sil ofl|ofl",
    "odbl": "open database license|odc open database license|odbl",
    "odcby": "odc by|open data commons attribution license|odc attribution license",
    "pddl": "odc public domain dedication and license|open data commons public domain dedication and license|pddl",
    "ogl": "open government license|ogl uk",
    "unlicense": "the unlicense|unlicense",
    "wtfpl": "wtfpl|do what the fuck you want to public license|do what the fuck you want to license",
}
"""Licenses that are not music's."""

GRAMMAR = {
    "under": "under|unter|sous|bajo|sob|sotto|onder|selon|gemass",
    "a": "a|einer|eine|einem|une|una|uma|een|un",
    "the": "the|der|die|das|dem|den|la|le|les|il|lo|el",
    "licensed": "licensed|lizenziert|lizensiert|licencie|licenciado|licenciada|licenziato|gelicentieerd"
    "|licencjonowany|mis a disposition|mise a disposition|distribuido|distribuida|distribuito|distribuita"
    "|distribue|verfugbar|disponible|disponivel|disponibile|licencovano|lisanslanmistir|ile lisanslanmistir"
    "|veroffentlicht|publie|publiee|publicado|publicada|pubblicato|pubblicata|rilasciato|rilasciata|uitgebracht"
    "|udostepniony|udostepnione|udostepniono|распространяется|доступно|опубликовано|julkaistu|utgiven|udgivet",
    "used": "verwendet|benutzt|genutzt|verwendet werden|genutzt werden",
    "work": "werk|obra|oeuvre|œuvre|opera|eser|dilo|djelo|quest'opera|utwor|dzielo|произведение|trabajo|trabalho"
    "|musikstuck|lied|morceau|cancion|brano|canzone|musica|musik|muzyka|piosenka|nummer|muziek|музыка|песня|verket|verk|vaerk|vaerket",
    "not": "not|nicht|kein|keine|keiner|keinen|ohne|nie|niemals|pas|sans|jamais|aucune|sin|nunca|ninguna|senza"
    "|nessuna|sem|nao|geen|niet|zonder|bez|nigdy|ikke|inte|ingen|ei|не|без|нет",
    "formerly": "formerly|ehemals|ehemalig|fruher|vormals|bisher|anciennement|auparavant|precedemment|antes"
    "|anteriormente|antiguamente|antigamente|previamente|precedentemente|voorheen|vroeger|dawniej"
    "|poprzednio|tidigare|tidligere|ранее",
    "maybe": "maybe|vielleicht|eventuell|moglicherweise|wahrscheinlich|peut etre|quizas|quiza|tal vez|forse|talvez"
    "|misschien|probablement|probablemente|probabilmente|provavelmente",
    "except": "except|sauf|ausser|ausgenommen|excepto|salvo|eccetto|exceto|behalve|oprocz|hormis",
    "only": "only|nur|seulement|uniquement|solamente|soltanto|somente|apenas|alleen|tylko|endast",
    "similar": "similar|ahnlich|similaire|simile|parecida|parecido|vergleichbar",
    "private": "private|privat|privaten|private nutzung|prive|privee|privado|privada|privato|privata",
}
"""What grants and what takes back, in other languages than English."""

JURISDICTION_NAMES = {
    "AM": "armenia",
    "AR": "argentina",
    "AT": "austria|osterreich|autriche",
    "AU": "australia|australie|australien",
    "AZ": "azerbaijan",
    "BE": "belgium|belgique|belgie|belgien|belgio",
    "BG": "bulgaria",
    "BR": "brazil|brasil|bresil|brasilien|brasile",
    "CA": "canada|kanada",
    "CH": "switzerland|schweiz|suisse|svizzera",
    "CL": "chile|chili",
    "CN": "china|china mainland|mainland china|中国大陆",
    "CO": "colombia",
    "CR": "costa rica",
    "CZ": "czech republic|czechia|cesko|ceska republika",
    "DE": "germany|deutschland|allemagne|alemania|germania|alemanha|duitsland|niemcy",
    "DK": "denmark|danmark|danemark",
    "EC": "ecuador",
    "EE": "estonia",
    "EG": "egypt",
    "ES": "spain|espana|spanien|espagne|spagna|espanha|hiszpania",
    "FI": "finland|suomi|finnland",
    "FR": "france|frankreich|francia|franca|frankrijk|francja",
    "GE": "georgia",
    "GR": "greece|grece|griechenland|hellas",
    "GT": "guatemala",
    "HK": "hong kong",
    "HR": "croatia|hrvatska|kroatien|croazia",
    "HU": "hungary|magyarorszag|ungarn|hongrie",
    "IE": "ireland|irland|irlande",
    "IGO": "igo",
    "IL": "israel",
    "IN": "india",
    "IT": "italy|italia|italien|italie|wlochy",
    "JP": "japan|japon|giappone|日本",
    "KR": "korea|south korea|대한민국",
    "LU": "luxembourg|luxemburg",
    "MK": "macedonia",
    "MT": "malta",
    "MX": "mexico|mexique|mexiko",
    "MY": "malaysia",
    "NL": "netherlands|the netherlands|nederland|niederlande|pays bas|paises bajos",
    "NO": "norway|norge|norwegen|norvege",
    "NZ": "new zealand|neuseeland",
    "PE": "peru",
    "PH": "philippines",
    "PL": "poland|polska|polen|pologne|polonia",
    "PR": "puerto rico",
    "PT": "portugal|portogallo",
    "RO": "romania|rumanien",
    "RS": "serbia|srbija",
    "SCOTLAND": "scotland",
    "SE": "sweden|sverige|schweden|suede",
    "SG": "singapore",
    "SI": "slovenia|slovenija|slowenien",
    "TH": "thailand",
    "TW": "taiwan|台灣|台湾",
    "UG": "uganda",
    "UK": "uk|united kingdom|great britain|england|england wales|england and wales|england & wales|gb",
    "US": "united states|usa|us|united states of america|vereinigte staaten|etats unis|estados unidos|stati uniti",
    "VE": "venezuela",
    "VN": "vietnam",
    "ZA": "south africa|sudafrika",
}

GLUED = {
    "ccby": "cc - by",
    "ccbysa": "cc - by - sa",
    "ccbync": "cc - by - nc",
    "ccbynd": "cc - by - nd",
    "ccbyncsa": "cc - by - nc - sa",
    "ccbyncnd": "cc - by - nc - nd",
    "ccbysanc": "cc - by - nc - sa",
    "ccbyndnc": "cc - by - nc - nd",
    "bysa": "by - sa",
    "bync": "by - nc",
    "bynd": "by - nd",
    "byncsa": "by - nc - sa",
    "byncnd": "by - nc - nd",
    "ccsa": "cc - sa",
    "cczero": "cc - zero",
    "cc.by": "cc - by",
    "pdm": "pd mark",
    "ccpd": "cc pd",
    "pddc": "pddedication certified",
    "gplv": "gpl v",
    "lgplv": "lgpl v",
    "agplv": "agpl v",
    "attributionsharealike": "attr - alike",
    "attributionnoncommercial": "attr - nc",
    "attributionnoncommercialsharealike": "attr - nc - alike",
    "attributionnoderivs": "attr - nd",
    "attributionnoderivatives": "attr - nd",
    "attributionnoncommercialnoderivs": "attr - nc - nd",
    "attributionnoncommercialnoderivatives": "attr - nc - nd",
    "fdl": "gfdl",
    "fal": "lal",
}
"""Written as one word."""
