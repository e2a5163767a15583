"""Things other than the track that a license may be for: artwork, data, code, stems, scores. Words, folded."""

from ssmttm.licenses.scope.patterns import patterns_of

_ENGLISH = """
    acapella acapellas animation annotation annotations art article articles artwork artworks banner bio
    biography blog booklet captions catalog catalogue code commentary data database databases dataset datasets
    description descriptions documentation documents drumkit embeddings film firmware flyer font fonts footage
    icon icons image images impulse interview jacket layout libretto liner logo logos lyric lyrics metadata midi
    midis movie multitrack multitracks narration notation packaging patchbay photo photograph photographs photos
    picture pictures player playlist playlists plugin plugins podcast poem poster preset presets readme
    samplepack score scores screenshot screenshots script scripts sf2 sfz sheet sleeve slides software soundfont
    soundfonts spectrogram spectrograms sprite sprites stem stems subtitles tablature tabs template templates
    texture textures thumbnail thumbnails transcript transcription translation tutorial video videos visuals vst
    waveform waveforms webpage website wiki
"""
_OTHERS = """
    adnotacje afbeelding afbeeldingen albumhoes anmerkungen annotaties annotation annotationen annotazioni
    anotaciones anotacoes aufdruck banque beschreibung beschreibungen bild bilddatei bilddateien bilden bilder
    bildmaterial bildrechte bladmuziek borito broncode capa caratula catalogo catalogue clip codice codigo
    copertina couverture coverbild dados dane daten datenbank datensatz dati datos dessin donnees einzelspuren
    filmaufnahmen filmmaterial foto foto's fotografia fotografias fotografie fotos gabarit gegevens gorsel
    grafica grafik grafika grafiken hoes hoesontwerp hulle illustraties illustration illustrations illustrazione
    illustrazioni ilustracao ilustracion ilustraciones imagem imagen imagenes imagens images immagine immagini
    kansikuva kapak katalog katalogdaten kep klingelton kod kuva legendas letra letras liedtext liedtexte livret
    logiciel metadados metadane metadaten metadati metadatos metadonnees metagegevens modele modello musikvideo
    noten notenblatt notenmaterial noter noty nuty obal obraz obrazek obrazy okladka okladki omslag omslaget
    omslagsbild page-web paroles partition partitions partitur partitura partituras photo photographie photos
    pistas plantilla pochette portada programm projektdatei projektdateien quellcode quelltext sablona sanat
    sangtexten schriftart site sitio sito sjabloon slowa songtekst songtext songtexte sozler sozleri spartiti
    spartito strona szablon szoveg tekst teksten teksty testi testo text texte texten textes texto textos
    titelbild umschlag videoclip videomaterial visuel visuels vorlage vorlagen webseite website zdjecia zdjecie
    аннотации видео данные изображение изображения иллюстрации иллюстрация картинка код метаданные ноты обложка
    обложки партитура рисунок саит саундфонт слова текст тексты фото шаблон
"""
NOUNS = frozenset(_ENGLISH.split()) | frozenset(_OTHERS.split())

ELSEWHERE = patterns_of(r"""
    project files? ;
    (?:only|just|nur|solo|seulement|uniquement|alleen|tylko|только|somente|apenas) (?:the|my|our|die|den|das
    |meine?|meinen|la|le|les|el|los|las|ma|mon|mes|il|o|a|os|de|het|mijn|moja|moje|мо\w+) \w+ ;
    (?:music|audio|sound|song|track|recording|master|mix|album|musik|aufnahme|tonaufnahme|musique|enregistrement
    |morceau|musica|grabacion|brano|registrazione|gravacao|muziek|opname|muzyka|nagranie|utwor|музыка|запись
    |трек)s?(?: itself| selbst)?,?:? (?:(?:is|are|remains?|stays?|ist|sind|bleibt|est|reste|es|sigue|e|resta|is
    |blijft|jest|pozostaje)? ?(?:mine|ours|copyrighted|proprietary|not (?:included|covered|free|licensed|part)
    |separate\w*|excluded|licensed separately|all rights reserved|reserved|see (?:the )?(?:artist|label|website
    |page|below|separate)|ask|different\w*|meins?|mir|geschutzt|nicht|siehe|protegee?|non|voir|a moi|protegid[oa]
    |ver|no esta|protett[oa]|vedi|mia|mio|beschermd|zie|niet|chronion[ay]|zob|принадлежит|защищен\w*|см)) ;
    (?:data|notes|artwork|text|page|pages|words).*(?:music|audio|recordings?|tracks?|songs?) (?:\(c\)|copyright)
""")
"""What says that the music itself stands under something else, or only a part of it under this."""

RUN_TOGETHER = (
    "テンプレート", "ジャケット", "画像", "イラスト", "写真", "歌詞", "動画", "映像", "サウンドフォント", "楽譜",
    "データ", "コード", "カタログ", "メタデータ",
    "템플릿", "표지", "이미지", "사진", "가사", "영상", "악보", "데이터", "코드", "사운드폰트", "일러스트", "模板",
    "封面", "图片", "圖片", "照片", "歌词",
    "歌詞", "视频", "影片", "乐谱", "樂譜", "数据", "資料", "代码", "音源库",
)  # fmt: skip
"""The same in scripts without spaces."""
