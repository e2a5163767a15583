import pytest

from ssmttm.report.page import environment
from ssmttm.report.sections.codec import codec_section
from ssmttm.tables import write_table

ROW = {
    "levels": 1, "bit_rate": 468.75, "usage": 0.5, "perplexity": 250.2, "frames": 4900,
    "log_spectral_distance_db": 10.2, "mel_distance": 1.25, "si_sdr_db": None,
    "fad": 20.6, "clips": 12, "windows": 60, "codec": "spectral:1", "vocoder": "griffin_lim",
    "embedder": "musicnn:2", "test_clips": 40, "heard_clips": 0,
}  # fmt: skip


def page(codec):
    template = '{% import "macros.html.j2" as m %}{% include "sections/codec.html.j2" %}'
    return environment().from_string(template).render(codec=codec, codec_href="codec_quality.parquet")


def test_every_figure_stands_with_its_number_of_clips_and_what_made_it(tmp_path):
    write_table(tmp_path / "codec_quality.parquet", "codec_quality", [ROW, ROW | {"levels": 2, "bit_rate": 937.5}])
    shown = page(codec_section(tmp_path))
    for text in (
        "spectral:1",
        "griffin_lim",
        "musicnn:2",
        "12 clips",
        "4,900 frames",
        "60 windows",
        "0.47",
        "0.94",
        "50.0%",
        "250",
    ):
        assert text in shown, text
    assert "phases are invented" in shown and "SI-SDR, dB" not in shown


def test_a_codec_that_keeps_phase_has_its_ratio(tmp_path):
    write_table(tmp_path / "codec_quality.parquet", "codec_quality", [ROW | {"si_sdr_db": 7.25, "fad": None}])
    section = codec_section(tmp_path)
    assert section.table.rows[0]["SI-SDR, dB"].value == pytest.approx(7.25)
    assert "FAD" not in section.table.rows[0]
    assert "phases are invented" not in page(section)


def test_a_data_set_without_the_measurement_says_so(tmp_path):
    assert codec_section(tmp_path) is None
    assert "wasn’t measured" in page(None)


def test_a_vocoder_that_has_heard_test_artists_is_named(tmp_path):
    write_table(tmp_path / "codec_quality.parquet", "codec_quality", [ROW])
    assert "was trained on" not in page(codec_section(tmp_path))
    write_table(tmp_path / "codec_quality.parquet", "codec_quality", [ROW | {"heard_clips": 7}])
    assert "trained on music by the artists of 7 of the 40 test clips" in page(codec_section(tmp_path))
