import random

import pytest

from ssmttm.corpus.spdx import creative_commons, identify, license_url, licensing, parse_expression, recognize, unported


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("GPL-2+", "GPL-2.0-or-later"),
        ("GPL-3", "GPL-3.0-only"),
        ("GPL-2.0+", "GPL-2.0-or-later"),
        ("LGPL-2.1+", "LGPL-2.1-or-later"),
        ("Expat", "MIT"),
        ("Zlib", "Zlib"),
        ("CC0", "CC0-1.0"),
        ("CC0-1.0", "CC0-1.0"),
        ("public-domain", "LicenseRef-public-domain"),
        ("cc-by-sa-3.0", "CC-BY-SA-3.0"),
        ("CC-BY-SA-3.0+", "CC-BY-SA-3.0"),
        ("CC BY-NC-SA 4.0", "CC-BY-NC-SA-4.0"),
        ("CC-BY-3.0-DE", "CC-BY-3.0-DE"),
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
        "Copyright 2009, attribution 3 people",
        "Creative Commons Sampling Plus 1.0",
        "not in the public domain",
        "MIT/GPL",
        "CC-BY-3.0 and FooLicense-1.0",
        "FooLicense-1.0 and CC-BY-3.0",
        "CC BY 3.0 with additional restrictions",
        "Music: CC-BY 3.0. Code: MIT license.",
        "CC-BY-3.0, CC-BY-SA-3.0",
        "CC-BY-SA-ND-3.0",
    ],
)
def test_what_is_not_understood_is_not_guessed(text: str) -> None:
    assert identify("tag_url", text) is None


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("Creative Commons Attribution-ShareAlike 3.0 Unported", "CC-BY-SA-3.0"),
        ("Creative Commons Attribution 4.0 International License", "CC-BY-4.0"),
        ("Creative Commons Attribution-ShareAlike 3.0 Unported (CC BY-SA 3.0)", "CC-BY-SA-3.0"),
        ("Attribution-NonCommercial-ShareAlike 3.0 Germany", "CC-BY-NC-SA-3.0-DE"),
        ("Attribution-NoDerivs 2.5", "CC-BY-ND-2.5"),
        ("cc-by 3.0 us", "CC-BY-3.0-US"),
        ("see http://creativecommons.org/licenses/by-nc-nd/3.0/deed.fr", "CC-BY-NC-ND-3.0"),
        ("http://creativecommons.org/licenses/by-nd-nc/1.0/", "CC-BY-NC-ND-1.0"),
        ("https://creativecommons.org/publicdomain/zero/1.0/", "CC0-1.0"),
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
    ],
)
def test_prose_and_urls_are_recognized(text: str, expression: str) -> None:
    assert recognize(text) == expression


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
    for elements in ("by", "by-sa", "by-nc", "by-nd", "by-nc-sa", "by-nc-nd"):
        for version in ("1.0", "2.0", "2.5", "3.0", "4.0"):
            for port in (None, "de", "fr", "us", "pl", "igo"):
                identifier = creative_commons(elements, version, port)
                assert identifier is not None
                assert unported(identifier) == f"CC-{elements.upper()}-{version}"
                assert recognize(f"music under {license_url(identifier)}legalcode.") == identifier
                assert licensing().parse(identifier).render() == identifier


def test_random_text_never_raises_and_gives_valid_expressions() -> None:
    names = ["CC", "BY", "SA", "NC", "3.0", "2+", "GPL", "License", "Attribution", "public", "domain", "4.0", "the"]
    words = [*names, "or", "and", "with", ",", "(", ")", "-", "/", "\n", "http://", "\\"]
    generator = random.Random(3)
    for _ in range(1500):
        text = " ".join(generator.choices(words, k=generator.randint(1, 9)))
        for kind in ("dep5_files", "tag_url"):
            found = identify(kind, text)
            assert found is None or licensing().parse(found).render() == found
