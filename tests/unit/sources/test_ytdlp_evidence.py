import importlib
import inspect
from typing import Any

import pytest

from ssmttm.licenses.policy import Evidence, decide, make_policy
from ssmttm.sources.ytdlp.evidence import MEANINGS, license_evidence, same_statement
from ssmttm.sources.ytdlp.text import clean, safe_id
from ssmttm.tables import REASONS

CC = "https://creativecommons.org/licenses/"


def url(extractor: str, license: Any, **info: Any) -> str | None:
    (evidence,) = license_evidence({"extractor_key": extractor, "license": license, **info})
    assert evidence.kind == "catalog" and evidence.text == clean(license, 1000)
    assert str(evidence.where).startswith(f"yt-dlp {extractor.lower()} info field license")
    return evidence.url


YOUTUBE = "Creative Commons Attribution license (reuse allowed)"


@pytest.mark.parametrize(
    ("extractor", "license", "expected"),
    [
        ("Soundcloud", "cc-by", f"{CC}by/3.0/"),
        ("Soundcloud", "cc-by-nc-sa", f"{CC}by-nc-sa/3.0/"),
        ("Soundcloud", "all-rights-reserved", None),
        ("Soundcloud", "no-rights-reserved", None),
        ("PeerTube", "Attribution - Share Alike", f"{CC}by-sa/4.0/"),
        ("PeerTube", "Public Domain Dedication", "https://creativecommons.org/publicdomain/zero/1.0/"),
        ("ArchiveOrg", "http://creativecommons.org/licenses/by/3.0/", "http://creativecommons.org/licenses/by/3.0/"),
        ("VimeoOndemand", f"{CC}by-nc-nd/3.0/", f"{CC}by-nc-nd/3.0/"),
        ("Vimeo", "by", None),
        ("Jamendo", "by-nc-nd", None),
        ("Minds", "attribution-cc", None),
        ("Youtube", YOUTUBE, None),  # undated
        ("Wikimedia", "Creative Commons Attribution 4.0", None),
        ("Elsewhere", "cc-by", None),  # what one site means another need not mean
        ("Elsewhere", YOUTUBE, None),
    ],
)
def test_a_short_form_means_what_its_own_site_documents(extractor: str, license: str, expected: str | None) -> None:
    assert url(extractor, license) == expected


@pytest.mark.parametrize(
    ("date", "version"), [("20120101", "3.0"), ("20250731", "3.0"), ("20250801", "4.0"), ("20260101", "4.0")]
)
def test_youtubes_version_goes_by_the_upload_date_which_is_recorded(date: str, version: str) -> None:
    info = {"extractor_key": "Youtube", "license": YOUTUBE, "upload_date": date}
    (evidence,) = license_evidence(info)
    assert evidence.url == f"{CC}by/{version}/"
    assert f"uploaded {date[:4]}-{date[4:6]}-{date[6:]}" in str(evidence.where)


@pytest.mark.parametrize(
    "license", [None, "", "  \n", "None", "Unknown", "unknown", 7, ["cc-by"], {"url": CC}, b"cc-by"]
)
def test_what_says_nothing_is_no_evidence(license: Any) -> None:
    assert license_evidence({"extractor_key": "PeerTube", "license": license}) == []


def test_a_description_is_never_evidence() -> None:
    info = {"extractor_key": "Youtube", "description": f"Licensed under CC BY 4.0 {CC}by/4.0/", "title": "CC0"}
    assert license_evidence(info) == []


def test_the_license_engine_keeps_what_is_proved_and_rejects_the_rest() -> None:
    policy = make_policy(
        {
            "allow": ["CC0-1.0", "CC-BY-3.0", "CC-BY-4.0", "CC-BY-SA-4.0"],
            "noncommercial": False,
            "noderivatives": False,
            "sharealike": True,
        }
    )

    def verdict(extractor: str, license: str, **info: Any) -> str | None:
        rows = license_evidence({"extractor_key": extractor, "license": license, **info})
        decision = decide(tuple(rows), policy)
        return decision.license if decision.reason is None else decision.reason

    assert verdict("Soundcloud", "cc-by") == "CC-BY-3.0"
    assert verdict("Youtube", YOUTUBE, upload_date="20150101") == "CC-BY-3.0"
    assert verdict("PeerTube", "Attribution - Share Alike") == "CC-BY-SA-4.0"
    assert verdict("Wikimedia", "Creative Commons Attribution 4.0") == "CC-BY-4.0"
    assert verdict("ArchiveOrg", "http://creativecommons.org/publicdomain/zero/1.0/") == "CC0-1.0"
    assert verdict("Soundcloud", "cc-by-nc") == "license_not_allowed"
    assert verdict("Soundcloud", "all-rights-reserved") == "license_not_allowed"
    assert verdict("Youtube", "Standard YouTube License", upload_date="20150101") in REASONS
    for extractor, license in [("Vimeo", "by"), ("Jamendo", "by-sa"), ("LBRY", "Copyrighted (contact publisher)")]:
        assert verdict(extractor, license) == "license_unknown", license


def test_every_meaning_names_its_public_source() -> None:
    for meaning in MEANINGS.values():
        assert meaning.source.startswith("https://")
        assert all(
            u.startswith("https://creativecommons.org/") and form == form.lower() for form, u in meaning.urls.items()
        )


@pytest.mark.parametrize(
    ("module", "key", "stated"),
    [
        ("soundcloud", "Soundcloud", "all-rights-reserved"),
        ("peertube", "PeerTube", "Attribution - Share Alike"),
        ("archiveorg", "ArchiveOrg", "http://creativecommons.org/licenses/publicdomain/"),
        ("youtube._video", "Youtube", YOUTUBE),
        ("jamendo", "Jamendo", "by-nc-nd"),
        ("vimeo", "Vimeo", "by-sa"),
        ("wikimedia", "Wikimedia", "Creative Commons Attribution 4.0"),
    ],
)
def test_the_installed_yt_dlp_still_states_licenses_as_known_here(module: str, key: str, stated: str) -> None:
    """By its own tests of its extractors: a new version that states them otherwise fails here."""
    extractors = importlib.import_module(f"yt_dlp.extractor.{module}")
    (found,) = [c for c in vars(extractors).values() if inspect.isclass(c) and c.__name__ == f"{key}IE"]
    assert found.ie_key() == key
    tests = [*getattr(found, "_TESTS", []), *([found._TEST] if getattr(found, "_TEST", None) else [])]
    assert stated in {test.get("info_dict", {}).get("license") for test in tests}


@pytest.mark.parametrize("module", ["freesound", "bandcamp", "hearthisat", "mixcloud", "audius", "dailymotion"])
def test_sites_that_yt_dlp_gives_no_license_for_are_known(module: str) -> None:
    """As soon as one of them does, its statement can be used: look at it, then take it off this list."""
    assert "license" not in inspect.getsource(importlib.import_module(f"yt_dlp.extractor.{module}"))


def test_a_changed_statement_is_noticed_and_other_evidence_does_not_matter() -> None:
    before = license_evidence({"extractor_key": "Soundcloud", "license": "cc-by"})
    assert same_statement(before, license_evidence({"extractor_key": "Soundcloud", "license": "cc-by"}))
    assert same_statement([*before, Evidence("tag_url", "x", None, None)], before)
    assert not same_statement(before, license_evidence({"extractor_key": "Soundcloud", "license": "cc-by-nc"}))
    assert not same_statement(before, [])


@pytest.mark.parametrize("text", ["../a", "..", "a\nb", "曲", "\ud800", "a" * 5000, "%00", "a/b?c#d", "CON"])
def test_safe_ids_are_plain_short_and_stable(text: str) -> None:
    safe = safe_id(text)
    assert safe == safe_id(text) and 0 < len(safe) <= 100
    assert safe.isascii() and safe.isprintable() and "/" not in safe and safe.strip(".")
