"""The top of the page: three verdicts, one big number each, one figure, and runs that lose to counting."""

import copy
import re
from dataclasses import replace
from html import unescape

import made_up_losses
import pytest
from made_up_study import page_of

from ssmttm.report.figures.figures import variant_colors
from ssmttm.report.scoreboard import board, nats
from ssmttm.report.sections.answers import Answers, p_text
from ssmttm.report.sections.listing import efficiency, loss_pairs
from ssmttm.study.folder import read_study


@pytest.fixture(scope="module")
def compared(results):
    return read_study(results["studies"][0])


def with_losses(compared, how):
    return made_up_losses.answered(compared, how)


def test_each_verdict_has_one_big_number_and_its_interval(compared):
    card = Answers(with_losses(compared, "effect")).cards[0]
    times = card.answer.times.times
    assert card.big == f"{times:.1f}×" and card.unit == "fewer FLOPs" and card.style == "yes"
    assert re.fullmatch(r"0\.\d\d to 0\.\d\d", card.interval) and card.p == "p < 0.001"
    card = Answers(with_losses(compared, "none")).cards[0]
    assert card.style == "open" and card.unit.startswith("nats") and "FLOPs" in card.under


def test_an_answer_fits_a_line_of_a_terminal_with_effect_interval_and_budget(compared):
    card = Answers(with_losses(compared, "effect")).cards[0]
    effect = card.answer.effect
    assert card.line.startswith("A state-space model learns more than a Transformer from the same computation: holds (")
    assert f"{effect.a} against {effect.b}: {card.effect.value:.2f} nats, {card.interval}; p < 0.001" in card.line
    assert "\n" not in card.line
    unasked = replace(card, answer=replace(card.answer, effect=None, verdict="not asked here"))
    assert unasked.line == f"{card.claim}: not asked here."


def test_one_learning_rate_for_all_designs_is_named(results, compared, tmp_path):
    study = with_losses(compared, "effect")
    assert Answers(study).one_rate == 4e-3
    own = page_of(results["studies"], results, results["root"] / "rate.html")
    assert "All designs learned at one rate, 0.004, which may suit some better than others" in own
    other = copy.deepcopy(study)
    next(iter(other.specs.values()))["training"]["learning_rate"] = 8e-3
    assert Answers(other).one_rate is None


def test_a_verdict_that_holds_names_rivals_that_are_not_told_apart(compared):
    answer = Answers(with_losses(compared, "effect")).cards[0].answer
    plus = replace(answer.effect, b="plus", p=0.2)
    others = [plus, replace(plus, b="clear", p=0.001), replace(plus, b="small", size="quarter"), replace(plus, a="x")]
    assert replace(answer, others=others).unsettled(0.05) == ["plus"]
    assert replace(answer, effect=None, others=others).unsettled(0.05) == []


def test_differences_lie_on_one_axis_with_zero_on_it(compared):
    found = Answers(with_losses(compared, "loses"))
    assert found.lines and 0 < found.zero < 100
    for line in found.lines:
        assert 0 <= line.left <= line.at <= line.left + line.width <= 100
        assert (line.at > found.zero) == (not line.text.startswith("−"))


def test_runs_that_lose_to_the_bigram_stand_above_everything(results, compared):
    folder = results["studies"][0]
    before = {name: (folder / f"{name}.parquet").read_bytes() for name in ("losses", "loss_pairs", "efficiency")}
    made_up_losses.write_losses(folder, "loses")
    try:
        page = unescape(page_of([folder], results, results["root"] / "losing.html"))
    finally:
        for name, content in before.items():
            (folder / f"{name}.parquet").write_bytes(content)
    flag = page.index("Not even better than counting pairs of codes")
    assert flag < page.index('class="cards"') < page.index('class="forest"') < page.index("<section")
    top = page[: page.index("<section")]
    assert top.count('class="player"') == 4, "reference, codec, the best of both kinds"
    assert all(verdict in top for verdict in ("holds", "not asked here"))
    assert "can’t show" in top


def test_numbers_of_the_table_are_means_over_seeds_of_the_losses(compared):
    study = with_losses(compared, "effect")
    table = board(study, variant_colors(study), {})
    losses = study["losses"][study["losses"]["split"] == "test"].set_index("system")
    for group in table.groups:
        values = [row.loss.value for row in group.rows if row.loss]
        assert values == sorted(values)
        for row in group.rows:
            if row.loss:
                assert row.loss.value == pytest.approx(losses.loc[row.systems, "loss"].mean())
    trained = [row for group in table.groups if group.trained for row in group.rows]
    assert all("known artists" in " ".join(row.loss.subs) and row.gain.value is not None for row in trained)
    names = [row.name for row in table.groups[-1].rows]
    assert names[:2] == ["Triples of codes", "Pairs of codes"] and "Noise" in names


def test_verdicts_of_rows_name_only_what_is_told_apart(compared):
    said = {}
    for how in ("effect", "none"):
        study = with_losses(compared, how)
        groups = board(study, variant_colors(study), {}).groups
        said[how] = {row.name: row.verdict for group in groups if "FLOPs" in group.name for row in group.rows}
    assert "better than cross-transformer" in said["effect"]["cross-simba"]
    assert "worse than cross-simba" in said["effect"]["cross-transformer"]
    assert not any(said["none"].values())


def test_scores_that_do_not_rank_real_music_are_marked(compared):
    study = with_losses(compared, "effect")
    table = study["comparison"].copy()
    table["ranks_real"] = table["metric"].map({"frechet": False, "kl": True}).astype("boolean")
    study.tables["comparison"] = table
    found = board(study, variant_colors(study), {})
    assert {c.metric: blind for c, blind in zip(found.columns, found.blind, strict=True)} == {
        "frechet": True, "kl": False, "text_audio": False
    }  # fmt: skip


def test_pairs_and_efficiency_are_listed_with_their_numbers(compared):
    study = with_losses(compared, "effect")
    rows = loss_pairs(study).rows
    assert len(rows) == len(study["loss_pairs"])
    assert [row["Second less first"].value for row in rows] == list(study["loss_pairs"]["difference"])
    assert all("×" in row["Times fewer"].text for row in efficiency(study).rows)
    assert len(loss_pairs(compared).rows) == len(compared["loss_pairs"]) > 0


def test_differences_have_two_decimals_and_no_negative_zero():
    assert [nats(v) for v in (0.123, -0.5, -0.001, 0.0)] == ["+0.12", "−0.50", "0.00", "0.00"]
    assert [p_text(p) for p in (0.0002, 0.034)] == ["p < 0.001", "p = 0.034"]
