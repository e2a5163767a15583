"""What words of a document speak of: the music, the work as a whole, the package that it is part of, or something else.

The subject of a phrase is its head: in "the music of this game" the music, in "the game's music player" a player.
Words of many languages are compared as `fold` leaves them; those of scripts without spaces are first replaced by
English ones.
"""

import re
from functools import cache
from typing import NamedTuple

from ssmttm.licenses.reading.words import fold

MUSIC, SOUND, WORK, PACKAGE, OTHER, UNKNOWN = "music", "sound", "work", "package", "other", "unknown"
"""`sound` may be music or effects: it takes back what is said of it, and grants nothing."""

_VOCABULARY = {
    MUSIC: """
        music musics *musik *musiken musique musiques musica musicas musiche muzyka muzyki muzyke muziek muzika
        hudba musiikki zene музыка музыку музыки музыкальные soundtrack soundtracks ost bgm song songs lied
        lieder chanson chansons cancion canciones cancao cancoes canzone canzoni piosenka piosenki песня песни
        track tracks morceau morceaux pista pistas brano brani musikstuck musikstucke album albums albumu альбом
        ep lp single tune tunes recording recordings aufnahme aufnahmen enregistrement enregistrements grabacion
        grabaciones registrazione registrazioni gravacao gravacoes nagranie nagrania запись записи audio jingle
        jingles mixtape instrumental instrumentals symphony sonata playlist *.ogg *.oga *.opus *.mp3 *.flac
        *.wav *.m4a *.aiff
    """,
    SOUND: """
        sound sounds klang klange gerausch gerausche geluid geluiden son sons sonido sonidos suono suoni som
        zvuk zvuky dzwiek dzwieki звук звуки ljud theme themes intro outro loop loops
    """,
    WORK: """
        work works werk werke werks oeuvre oeuvres œuvre œuvres obra obras opera opere utwor utwory dzielo
        произведение everything alles tout todo tutto tudo wszystko все release releases veroffentlichung
        content contents inhalt inhalte contenu contenus contenido contenidos contenuto contenuti conteudo asset
        assets material materials media file files datei dateien fichier fichiers archivo archivos ficheiros
        pliki arquivos folder directory ordner dossier carpeta cartella collection compilation archive archiv
        rest others
    """,
    PACKAGE: """
        game games spiel spiels jeu jeux juego juegos gioco giochi jogo jogos gra gry игра игры spel package
        packages paket pack project projekt projet proyecto progetto projeto проект repository repo distribution
        mod bundle product demo website-content
    """,
    OTHER: """
        code *code sourcecode sources script scripts software programm programms programme programmes program
        programs programa programas programma kod kodu код исходный engine library libraries binary binaries
        executable executables application applications app apps plugin plugins tool tools player players editor
        framework graphic graphics gfx grafik grafiken graphisme graphismes grafico graficos grafica grafika
        grafiki графика image images imagen imagenes immagine immagini imagem imagens bild bilder obraz obrazy
        изображения picture pictures pixel art arts artwork artworks illustration illustrations drawing drawings
        painting paintings cover covers booklet sprite sprites texture textures textur texturen icon icons font
        fonts schrift schriften schriftart schriftarten police polices fuente fuentes carattere шрифт шрифты
        typeface model models modell modelle map maps karte karten level levels tile tiles tileset tilesets
        photo photos photograph photographs foto fotos video videos clip clips film films movie movies animation
        animations text texts texte textes testo testi texto textos story dialog dialogs dialogue dialogues
        documentation dokumentation docs doc manual manuals handbook website websites webseite site web page
        pages readme translation translations data daten database metadata lyrics liedtext liedtexte paroles
        letra letras partition partitions partitura partiture score scores sheet sheets notation midi soundfont
        soundfonts sample samples preset presets patch patches sfx effect effects effekt effekte soundeffekte
        gerauscheffekte bruitages effets efectos effetti efeitos voice voices voiceover speech stimme stimmen
        voix voces voci logo logos trademark trademarks marke name names titles packaging makefile configuration
        template templates vorlage annotations catalog catalogue interface ui gui theme-pack shader shaders
        screenshot screenshots wallpaper background backgrounds design designs idea ideas podcast interview blog
        comment comments tutorial headers header stems composition compositions melody melodies komposition
        kompositionen arrangement arrangements visuals visual characters character wiki package-metadata
    """,
}  # fmt: skip

_COMPOUNDS = {
    "sheet music": "sheet", "music sheet": "sheet", "music sheets": "sheets", "sound effects": "sfx",
    "sound effect": "sfx", "sound fonts": "soundfonts", "sound font": "soundfont", "sound samples": "samples",
    "source files": "sources", "source file": "sources", "source code": "sourcecode", "sound pack": "sfx",
    "sound track": "soundtrack", "sound tracks": "soundtracks", "effets sonores": "sfx",
    "efectos de sonido": "sfx", "effetti sonori": "sfx", "efeitos sonoros": "sfx", "musical works": "music",
    "musical work": "music", "work of art": "artwork", "sound recordings": "recordings",
    "sound recording": "recording", "исходный код": "код", "bande originale": "soundtrack",
    "banda sonora": "soundtrack", "colonna sonora": "soundtrack", "trilha sonora": "soundtrack",
    "background music": "music", "free software": "software", "art assets": "artwork",
    "graphical assets": "graphics", "image files": "images", "code files": "code", "map files": "maps",
    "text files": "texts", "font files": "fonts", "graphics files": "graphics", "data files": "data",
    "video files": "videos", "lyric sheets": "lyrics", "album art": "artwork", "theme song": "song",
    "theme songs": "songs", "sounds files": "sounds", "sound files": "sounds",
}  # fmt: skip

_RUN_TOGETHER = {
    "サウンドトラック": "soundtrack", "楽曲": "music", "音楽": "music", "音乐": "music", "音樂": "music",
    "歌曲": "songs", "曲": "music", "アルバム": "album", "专辑": "album", "음악": "music", "노래": "songs",
    "앨범": "album", "ソースコード": "code", "コード": "code", "源代码": "code", "原始碼": "code",
    "代码": "code", "程式碼": "code", "코드": "code", "プログラム": "program", "程序": "program",
    "프로그램": "program", "画像": "images", "图像": "images", "图片": "images", "圖片": "images",
    "圖像": "images", "이미지": "images", "그래픽": "graphics", "グラフィック": "graphics", "美术": "art",
    "イラスト": "illustrations", "フォント": "fonts", "字体": "fonts", "字體": "fonts", "글꼴": "fonts",
    "効果音": "sfx", "音效": "sfx", "효과음": "sfx", "歌詞": "lyrics", "歌词": "lyrics", "가사": "lyrics",
    "作品": "work", "저작물": "work", "ゲーム": "game", "游戏": "game", "遊戲": "game", "게임": "game",
    "以外": " except ", "除外": " except ", "を除": " except ", "除了": " except ", "제외": " except ",
    "は": " is ", "。": ". ", "、": ", ", "，": ", ", "；": "; ", "：": ": ", "및": " and ", "と": " and ",
    "和": " and ",
}  # fmt: skip

_COORDINATION = re.compile(
    r"\s*(?:,|&|\+|/|\b(?:and|or|und|et|y|e|ed|i|en|och|og|и|sowie|as well as)\b)\s*(?:\b(?:and|or|und|et|y|e|и)\b\s*)?"
)
_PREPOSITION = re.compile(
    r"\b(?:of|for|in|inside|within|from|by|to|on|at|with|that|which|von|vom|des|fur|im|aus|zu|mit|dans|de|du|d|pour|par"
    r"|sur|en|del|para|por|della|dello|dei|di|per|nel|nella|da|do|dos|das|na|no|w|z|dla|przez|van|voor|uit|для|из|от|в"
    r"|к)\b"
)
_ADDED = """
    a an all any every each this that these those the my our your his her their its der die das dem den dieser
    diese dieses diesem mein meine unser unsere alle samtliche le la les l ce cet cette ces mon ma mes notre nos
    tous toutes toute el los las un una este esta estos estas todos todas toda mi mis il lo gli i questo questa
    questi queste tutti tutte tutta o os as esse essa meu minha ta ten te wszystkie caly cala moja moje эта этот
    эти это вся весь мои het een deze dit de used using included contained found here below listed above itself
    composed written made created recorded produced performed present provided file files dateien fichiers
    archivos piece pieces entire whole complete original originale originaux ganze gesamte gesamter gesamtes
    attached accompanying also both hereby we you may can therefore are is enthaltene enthaltenen s else
    otherwise own free freely note please thus game games and release released releasing license licensing
    dedicate dedicating place put publish offer share make collected bonus main additional digital version
    versions instrumental steht stehen sont est es son sono e sao sa jest является являются unterliegt it they
    he she them sie elle ils elles ello ellos ella esto essi esso ele eles oni оно они alternatively furthermore
    additionally moreover further now currently other andere anderen ubrigen autres otros altri outros same spdx
"""
_ADDED_WORDS = frozenset(_ADDED.split())
"""Words beside a head that don't change what it is."""


class Phrase(NamedTuple):
    """What one phrase speaks of, with the words that say so."""

    subject: str
    words: str


@cache
def _classes() -> tuple[dict[str, str], list[tuple[str, str]]]:
    exact: dict[str, str] = {}
    endings: list[tuple[str, str]] = []
    for subject, words in _VOCABULARY.items():
        for word in words.split():
            if word.startswith("*"):
                endings.append((fold(word[1:]), subject))
            else:
                exact.setdefault(fold(word), subject)
    return exact, endings


def subject_of_word(word: str) -> str | None:
    """The subject that a folded word names; None for any other word.

    >>> subject_of_word("soundtrack"), subject_of_word("fonts"), subject_of_word("blue")
    ('music', 'other', None)
    """
    exact, endings = _classes()
    if found := exact.get(word):
        return found
    return next((subject for ending, subject in endings if word.endswith(ending)), None)


@cache
def _compounds() -> tuple[re.Pattern[str], dict[str, str]]:
    plain = {fold(k): v for k, v in _COMPOUNDS.items()}
    options = "|".join(re.escape(k).replace("\\ ", r"[\s-]+") for k in sorted(plain, key=len, reverse=True))
    return re.compile(rf"\b(?:{options})\b"), plain


@cache
def _joined() -> list[tuple[str, str]]:
    return [(fold(k), f" {v} " if v.isascii() and v[:1].isalpha() else v) for k, v in _RUN_TOGETHER.items()]


def normal(text: str) -> str:
    """A text folded, with compounds as one word and words of scripts without spaces in English."""
    folded = fold(text)
    if not folded.isascii() and any(c > "\u2fff" or "\u1100" <= c <= "\u11ff" for c in folded):
        for phrase, english in _joined():
            folded = folded.replace(phrase, english)
    pattern, plain = _compounds()
    return pattern.sub(lambda m: plain[re.sub(r"[\s-]+", " ", m[0])], folded)


_TOKEN = re.compile(r"[*\w]+(?:[.'-][\w]+)*")
_FILE_NAME = re.compile(r"(?=.*[a-z])[\w*]*(?:_[\w*]+)+|[a-z]+\d+[\w*]*")
"""A name such as `track3_enhanced`: of a file, and those of other files are cut before."""


def phrases(text: str) -> list[Phrase]:
    """The phrases of a normal text that "and" or commas join, each with its subject; those without words left out."""
    found = []
    for part in _COORDINATION.split(text):
        head = _PREPOSITION.split(part.strip(), maxsplit=1)[0] if _PREPOSITION.split(part.strip())[0] else part
        if phrase := _head(head) or _head(part):
            found.append(phrase)
    return found


def _head(text: str) -> Phrase | None:
    words = [w for w in _TOKEN.findall(text) if not w.isdigit()]
    known = [(i, s) for i, w in enumerate(words) for s in [subject_of_word(w.removesuffix("'s"))] if s]
    if not known:
        if any(_FILE_NAME.fullmatch(w) for w in words):
            return Phrase(MUSIC, " ".join(words))
        rest = [w for w in words if w not in _ADDED_WORDS]
        return Phrase(UNKNOWN, " ".join(words)) if rest else None
    heads = [(i, s) for i, s in known if not (s == WORK and any(k != WORK for _, k in known))] or known
    place, subject = heads[-1]
    beside = words if subject == WORK else words[place + 1 :]  # "Python files", "music player"
    if subject in (MUSIC, WORK, PACKAGE) and any(w not in _ADDED_WORDS and subject_of_word(w) is None for w in beside):
        return Phrase(UNKNOWN, " ".join(words))
    return Phrase(subject, " ".join(words))


def is_file_name(words: str) -> bool:
    """Whether words are names of single files, such as `track3_enhanced` or `blue.ogg`."""
    return all(_FILE_NAME.fullmatch(w) or re.fullmatch(r"[\w*-]+\.[a-z0-9]{2,4}", w) for w in words.split())


def mentioned(text: str) -> set[str]:
    """Every subject that a word of a normal text names, wherever it stands."""
    words = (w.removesuffix("'s") for w in _TOKEN.findall(text))
    return {s for w in words if (s := subject_of_word(w))}
