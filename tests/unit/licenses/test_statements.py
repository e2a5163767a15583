import itertools
import random
import re
import time
from pathlib import Path

import pytest

from ssmttm.licenses import polarity
from ssmttm.licenses.documents import document
from ssmttm.licenses.documents.document import understand
from ssmttm.licenses.elements import EXPLAINED, duties
from ssmttm.licenses.expressions import parse_expression
from ssmttm.licenses.known import cc_names, mentions, names
from ssmttm.licenses.known.creative_commons import (
    JURISDICTIONS,
    PORTS,
    creative_commons,
    license_name,
    license_url,
    unported,
)
from ssmttm.licenses.known.links import read_link
from ssmttm.licenses.known.spdx_list import licensing
from ssmttm.licenses.skeleton import LONGEST, license_address, skeleton
from ssmttm.licenses.statements import read_statement
from ssmttm.licenses.vocabulary import fold
from ssmttm.licenses.words import PLAIN, phrases, significant_words, single_words

TABLE = Path(__file__).resolve().parents[3] / "benchmarks" / "licenses.tsv"
ROWS = [line.split("\t") for line in TABLE.read_text(encoding="utf-8").splitlines()[1:]]


def identify(kind: str, text: str | None, url: str | None = None) -> str | None:
    return understand(kind, text, url).license


def recognize(text: str) -> str | None:
    return read_statement(text, strict=False).license


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("GPL-2+", "GPL-2.0-or-later"),
        ("GPL-3", "GPL-3.0-only"),
        ("GPL-2.0+", "GPL-2.0-or-later"),
        ("gpl-2.0", "GPL-2.0-only"),
        ("LGPL-2.1+", "LGPL-2.1-or-later"),
        ("GFDL-1.2", "GFDL-1.2-only"),
        ("Expat", "MIT"),
        ("Zlib", "Zlib"),
        ("CC0", "CC0-1.0"),
        ("cc0-1.0", "CC0-1.0"),
        ("public-domain", "LicenseRef-public-domain"),
        ("cc-by-sa-3.0", "CC-BY-SA-3.0"),
        ("CC-BY-SA-3.0+", "CC-BY-SA-3.0"),
        ("Apache-2.0+", "Apache-2.0"),
        ("CC BY-NC-SA 4.0", "CC-BY-NC-SA-4.0"),
        ("CC-BY-ND-NC-1.0", "CC-BY-NC-ND-1.0"),
        ("CC-BY-3.0-DE", "CC-BY-3.0-DE"),
        ("LicenseRef-My.Lab-1", "LicenseRef-My.Lab-1"),
        ("licenseref-public-domain", "LicenseRef-public-domain"),
        ("DocumentRef-a:LicenseRef-b", "DocumentRef-a:LicenseRef-b"),
        ("GPL-2.0-with-classpath-exception", "GPL-2.0-only WITH Classpath-exception-2.0"),
        ("gpl-2.0-or-later with classpath-exception-2.0", "GPL-2.0-or-later WITH Classpath-exception-2.0"),
        ("GPL-3 or CC-BY-3.0", "GPL-3.0-only OR CC-BY-3.0"),
        ("GPL-2+ or Artistic-2.0, and BSD-3-clause", "(GPL-2.0-or-later OR Artistic-2.0) AND BSD-3-Clause"),
        ("GPL-2.0-or-later OR CC-BY-4.0", "GPL-2.0-or-later OR CC-BY-4.0"),
        ("(GPL-3 or CC-BY-3.0) and CC0-1.0", "(GPL-3.0-only OR CC-BY-3.0) AND CC0-1.0"),
    ],
)
def test_short_names_become_spdx_expressions(text: str, expression: str) -> None:
    assert parse_expression(text) == expression


@pytest.mark.parametrize(
    "text",
    [
        "",
        "CC-BY",  # no version
        "CC-BY-SA",
        "http://creativecommons.org/licenses/by-sa/",
        "Creative Commons",
        "free to use",
        "Zlib-with-exception",
        "Classpath-exception-2.0",
        "CC-BY-4.0 WITH No-AI-exception",
        "Copyright 2009, attribution 3 people",
        "not in the public domain",
        "MIT/GPL",
        "CC-BY-3.0 and FooLicense-1.0",
        "FooLicense-1.0 and CC-BY-3.0",
        "CC BY 3.0 with additional restrictions",
        "Music: CC-BY 3.0. Code: MIT license.",
        "CC-BY-3.0, CC-BY-SA-3.0",
        "CC-BY-SA-ND-3.0",
        "CC-BY-4.0 AND (CC0-1.0",
    ],
)
def test_what_is_not_understood_is_not_guessed(text: str) -> None:
    assert identify("tag_url", text) is None
    assert identify("catalog", text) is None


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("Creative Commons Attribution-ShareAlike 3.0 Unported (CC BY-SA 3.0)", "CC-BY-SA-3.0"),
        ("see http://creativecommons.org/licenses/by-nc-nd/3.0/deed.fr", "CC-BY-NC-ND-3.0"),
        ("2008 x. Licensed under http://creativecommons.org/licenses/by-sa/2.0/de/ ok", "LicenseRef-CC-BY-SA-2.0-DE"),
        ("(C) X. All rights reserved. Licensed under CC BY 4.0", "CC-BY-4.0"),
        ("All rights reserved", "LicenseRef-all-rights-reserved"),
        ("dedicated to the public domain", "LicenseRef-public-domain"),
        (
            "under the terms of the GNU General Public License as published by the FSF; either version 2 of the "
            "License, or (at your option) any later version. See /usr/share/common-licenses/GPL-2.",
            "GPL-2.0-or-later",
        ),
        ("CC-BY-SA 3.0 or GPL version 2 or later", "CC-BY-SA-3.0 OR GPL-2.0-or-later"),
        ("This music is licensed under the Creative\nCommons Attribution 3.0\nlicense.", "CC-BY-3.0"),
    ],
)
def test_prose_and_urls_are_recognized(text: str, expression: str) -> None:
    assert recognize(text) == expression


def test_every_labelled_statement_is_understood_as_labelled() -> None:
    wrong = []
    for text, expected, _, source in ROWS:
        found = identify("catalog", text.replace("\\n", "\n"))
        if found != (None if expected == "-" else expected):
            wrong.append((text, expected, found, source))
    assert wrong == []


def test_the_table_is_large_and_full_of_traps() -> None:
    assert len(ROWS) >= 450
    assert len({row[0] for row in ROWS}) == len(ROWS)
    assert sum(row[3].startswith("trap") for row in ROWS) >= 80
    assert all(row[2] == "reject" for row in ROWS if row[3].startswith("trap"))
    assert all(row[1] == "-" or licensing().parse(row[1]).render() == row[1] for row in ROWS)


@pytest.mark.parametrize(
    "frame",
    ["License: {}", "This track is licensed under {}.", "({})", "© 2012 Jane Doe. {}", "<p>{}</p>", "Jane Doe: {}"],
)
def test_the_usual_words_around_a_name_change_nothing(frame: str) -> None:
    for name in (
        "CC BY-SA 4.0",
        "CC0 1.0 Universal",
        "https://creativecommons.org/licenses/by/3.0/",
        "Attribution 3.0 Unported",
    ):
        assert identify("catalog", frame.format(name)) == identify("catalog", name) is not None


@pytest.mark.parametrize(
    "frame",
    [
        "not {}", "This is not licensed under {}", "no longer {}", "formerly {}", "{} (revoked)", "maybe {}", "{}?",
        "similar to {}", "{} except track 3", "{} until 2020", "{} for personal use only", "artwork: {}", "without {}",
        "kein {}", "{}, no AI training", "the label denied {}", "anything but {}", "contains samples under {}",
        "tracks 1-3: {}", "{} if approved", "{}, non-commercial use only", "{}; please do not use it commercially",
    ],
)  # fmt: skip
def test_words_that_take_a_license_back_are_heard(frame: str) -> None:
    for name in ("CC BY-SA 4.0", "CC0-1.0", "https://creativecommons.org/licenses/by/3.0/", "Attribution 3.0 Unported"):
        reading = read_statement(frame.format(name))
        assert reading.license is None, frame.format(name)
        assert len(reading.note) > 10


def test_text_and_address_have_to_agree() -> None:
    by_nc = "http://creativecommons.org/licenses/by-nc/3.0/"
    assert identify("catalog", "Attribution-NonCommercial", by_nc) == "CC-BY-NC-3.0"
    assert identify("catalog", "CC BY-NC 3.0", by_nc) == "CC-BY-NC-3.0"
    assert identify("catalog", "Night Drive by Jane Doe", by_nc) == "CC-BY-NC-3.0"
    assert identify("catalog", None, by_nc) == "CC-BY-NC-3.0"
    for text in ("Creative Commons Attribution license", "CC BY 3.0", "CC BY-NC 4.0", "CC0"):
        reading = understand("catalog", text, by_nc)
        assert reading.license is None and reading.conflict
    assert understand("catalog", "This is not licensed under CC BY-NC 3.0", by_nc).denied


def test_reasons_say_what_is_missing() -> None:
    for text, words in {
        "CC BY-SA": "without a version",
        "CC BY 9.0": "version 9.0 of Creative Commons BY, which does not exist",
        "CC BY 4.0 DE": "for DE, which does not exist",
        "CC BY-SA-ND 4.0": "exclude each other",
        "https://creativecommons.org.evil.com/licenses/by/4.0/": "only looks like",
        "https://creativecommons.org/about": "no license",
        "http://rightsstatements.org/vocab/InC/1.0/": "rights statement",
        "no longer under CC BY 4.0": '"no" stands before',
        "CC BY 3.0, CC BY-NC 4.0": "several licenses: CC-BY-3.0, CC-BY-NC-4.0",
        "": "empty",
    }.items():
        assert words in read_statement(text).note


def test_examples_and_packaging_notes_are_no_license_of_the_work() -> None:
    text = (
        "A license (e.g., Attribution-ShareAlike 3.0 US) is such.\n\nDebian packaging is licensed under GPLv2 or later."
    )
    assert recognize(text) is None


def test_in_dep5_only_the_first_line_names_the_license() -> None:
    assert identify("dep5_files", "Zlib-with-exception\nSee also CC-BY-3.0 and others") is None
    assert identify("dep5_files", "other\nLicensed under CC BY 3.0.") == "CC-BY-3.0"
    assert identify("dep5_files", "Foo or CC-BY-3.0") is None


def test_every_creative_commons_url_gives_its_license_back() -> None:
    count = 0
    for elements, (version, ports) in itertools.product(
        ("by", "by-sa", "by-nc", "by-nd", "by-nc-sa", "by-nc-nd"), PORTS.items()
    ):
        for port in [*ports, None]:
            identifier = creative_commons(elements, version, port)
            if version == "2.1" and port is None:
                assert identifier is None
                continue
            assert identifier is not None
            assert unported(identifier) == f"CC-{elements.upper()}-{version}"
            assert recognize(f"music under {license_url(identifier)}legalcode.") == identifier
            assert licensing().parse(identifier).render() == identifier
            assert duties(identifier) == set(elements.split("-"))
            assert version in license_name(identifier)
            count += 1
    assert count == 6 * (3 + 18 + 4 + 28 + 43 + 5)


def test_what_creative_commons_never_published_is_no_license() -> None:
    for elements, version, port in (
        ("by", "4.0", "de"), ("by", "3.0", "fi"), ("by", "9.0", None), ("by", "2.1", None), ("by-nd-sa", "3.0", None),
        ("sa", "4.0", None), ("sampling+", "2.0", None), ("x", "3.0", None),
    ):  # fmt: skip
        assert creative_commons(elements, version, port) is None
    assert unported("LicenseRef-CC-BY-4.0-NOAI") == "LicenseRef-CC-BY-4.0-NOAI"
    assert unported("LicenseRef-CC-BY-4.0") == "LicenseRef-CC-BY-4.0"


def test_an_address_is_judged_by_its_host_and_path() -> None:
    good = "creativecommons.org/licenses/by/4.0"
    for address in (
        f"https://{good}/",
        f"http://www.{good}",
        f"//{good}/",
        good,
        f"HTTPS://{good.upper()}/",
        f"http://{good}/?x#y",
    ):
        assert read_link(address).license == "CC-BY-4.0"
    for address in (
        f"https://creativecommons.org@evil.com/{good}", "https://creativecommons.org:80@evil.com/licenses/by/4.0/",
        f"https://evil.com/{good}", f"https://not{good}", "https://creativecommons.org.evil.com/licenses/by/4.0/",
        f"ftp://{good}", f"https://x@{good}", "https://creativecommons.org:8080/licenses/by/4.0/", f"https://{good}/../../by-nc/4.0/",
        f"https://evil.com\\@{good}", "https://creativecommons.org:bad/licenses/by/4.0/", "https://[creativecommons.org/licenses/by/4.0/",
    ):  # fmt: skip
        assert read_link(address).license is None
        assert identify("catalog", address) is None
        assert identify("catalog", f"CC BY 4.0 {address}") is None
    assert (
        license_address("see http://example.org (https://creativecommons.org/licenses/by/4.0/).") == f"https://{good}/"
    )
    assert license_address("see http://example.org/creativecommons") is None


def test_every_word_of_a_pattern_is_in_the_vocabulary() -> None:
    patterns: list[str] = []

    def collect(value: object) -> None:
        if isinstance(value, re.Pattern):
            patterns.append(value.pattern)
        elif isinstance(value, (tuple, list, dict)):
            for one in [*value, *(value.values() if isinstance(value, dict) else ())]:
                collect(one)

    for module in (names, cc_names, mentions, polarity):
        for value in vars(module).values():
            collect(value)
    collect(EXPLAINED)
    vocabulary = {name for name, _ in phrases("license")} | set(" ".join(single_words().values()).split())
    used = set()
    for pattern in patterns:
        bare = re.sub(r"\(\?P<\w+>|\(\?P=\w+\)|\\[a-zA-Z]", " ", pattern)
        for word in re.findall(r"[a-z']{2,}(?:\?|\(\?:[a-z]+\)\?)?", bare):
            used.add(re.sub(r"(?:.\?|\(\?:[a-z]+\)\?)$", "", word))
    unknown = {w for w in used if w not in vocabulary and not any(v.startswith(w) for v in vocabulary)}
    assert len(used) > 300
    assert unknown == {"url"}  # part of the token <url>


def test_every_name_of_a_license_has_a_significant_word() -> None:
    for _, phrase in phrases("license"):
        words = {w for token in fold(phrase).replace("-", " ").split() for w in single_words()[token].split()}
        assert words & significant_words(), phrase
    assert {"not", "except"} <= PLAIN and "night" not in PLAIN
    assert "DE" in single_words().values() and "de" in JURISDICTIONS


def test_names_and_numbers_don_t_make_new_skeletons() -> None:
    forms = {
        skeleton(f'"{title}" by {artist} (http://example.org/{n}). Licensed under CC BY 4.0', statement=True)
        for n, (title, artist) in enumerate(
            itertools.product(["Zebra Yes", "Łódź 7", "Über-Uhu"], ["Boo", "Żółw & Co"])
        )
    }
    assert forms == {" x . licensed under cc by 4.0 "}


def test_random_text_never_raises_and_gives_valid_expressions() -> None:
    pieces = [
        "CC",
        "BY",
        "SA",
        "NC",
        "3.0",
        "2+",
        "GPL",
        "License",
        "Attribution",
        "public",
        "domain",
        "4.0",
        "the",
        "WITH",
    ]
    words = [
        *pieces,
        "or",
        "and",
        "with",
        ",",
        "(",
        ")",
        "-",
        "/",
        "\n",
        "http://",
        "\\",
        "<a href=",
        ">",
        "\x00",
        "&#x",
        "é",
    ]
    generator = random.Random(3)
    for _ in range(1500):
        text = " ".join(generator.choices(words, k=generator.randint(1, 9)))
        for kind in ("dep5_files", "tag_url"):
            found = identify(kind, text)
            assert found is None or licensing().parse(found).render() == found


def test_endless_and_hostile_texts_take_bounded_time() -> None:
    repeated = [
        "a", "a.", "-a", "<", "<a href=", "<!--", "http:", "//", "&", "&#", "CC BY 4.0 ", "0 cc ", "cc ", "by ",
        "no - ", "zero cc ", "sampling + ", "gpl version ", "public domain ", "attribution ", "( ", "4.0 ", "\x00",
        "\n", "\u0300", "ﷺ", "表示", "a.b/", "all rights reserved ", "or ", "'", "x@",
        "http://creativecommons.org/licenses/by/4.0/ ",
    ]  # fmt: skip
    started = time.process_time()
    for piece in repeated:
        for kind in ("catalog", "license_file"):
            understand(kind, piece * (1_000_000 // len(piece)))
    assert time.process_time() - started < 20  # about 2 s on an idle machine


def test_a_statement_longer_than_is_read_is_not_trusted() -> None:
    text = "CC BY 4.0" + " " * LONGEST + "except for everything"
    assert read_statement(text).license is None
    assert "20,000" in read_statement(text).note
    assert read_statement("x" * 1_000_000).note.endswith("in the first 20,000 of 1,000,000 characters")


def test_memory_does_not_grow_with_long_texts() -> None:
    document._understand.cache_clear()
    understand("catalog", "CC BY 4.0 " * 1000)
    assert document._understand.cache_info().currsize == 0
    understand("catalog", "CC BY 4.0")
    assert document._understand.cache_info().currsize == 1
