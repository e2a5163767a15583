"""Published points: as they were printed or read off, and in the shape of ours."""

import pytest

from ssmttm.accounting.claims_of_designs import paper_costs
from ssmttm.choices import metrics_of
from ssmttm.config import ROOT, load_config
from ssmttm.errors import UserError
from ssmttm.study.published import FILE, PAPER, PROGRESS, paper_progress, published


@pytest.fixture(scope="module")
def costs():
    return paper_costs()


def test_the_figures_points_are_eight_of_one_design_and_nine_of_the_other():
    table = published()
    counts = table[table["source"] == PAPER].groupby(["metric", "variant"]).size()
    assert set(counts.xs("prefix-simba", level="variant")) == {8}
    assert set(counts.xs("cross-transformer", level="variant")) == {9}


def test_known_points_are_where_they_belong():
    table = published().set_index(["variant", "metric", "steps"])["value"]
    assert table["prefix-simba", "frechet", 5000] == 164.5
    assert table["cross-transformer", "frechet", 400_000] == 72.0
    assert table["prefix-simba", "kl_reversed", 20_000] == 1.55
    assert table["cross-transformer", "kl_reversed", 400_000] == 1.71
    assert table["prefix-simba", "clap", 40_000] == 0.241
    card = published().set_index(["system", "metric"])["value"]
    assert card["musicgen-small (published)", "frechet"] == 4.88
    assert card["musicgen-small (published)", "clap"] == 0.27


def test_every_point_has_its_source_its_error_and_its_embedder():
    table = published()
    assert table[["embedder", "source", "how", "error", "better"]].notna().all().all()
    assert not {"low", "high"} & set(table.columns)  # a reading error is no interval
    by_metric = table[table["source"] == PAPER].groupby(["embedder", "metric"])["error"].first().to_dict()
    assert by_metric == {("openl3", "frechet"): 0.5, ("passt", "kl_reversed"): 0.02, ("clap", "clap"): 0.001}


def test_scores_of_other_embedders_do_not_share_a_kind():
    """MusicGen's distance is of VGGish, its divergence the other way round: never on the paper's axes."""
    table = published()
    kinds = {s: set(zip(g["embedder"], g["metric"])) for s, g in table.groupby("source")}
    assert set.intersection(*kinds.values()) == {("clap", "clap")}


def test_costs_of_the_papers_points_are_this_projects_count(costs):
    rows = paper_progress(costs)
    assert list(rows.columns) == PROGRESS
    assert len(rows) == 3 * (8 + 9)
    simba = rows[(rows["variant"] == "prefix-simba") & (rows["checkpoint"] == "final")].iloc[0]
    assert (simba["steps"], simba["clips_seen"], simba["parameters"]) == (100_000, 12_800_000, 281_042_176)
    assert simba["tokens"] == 12_800_000 * 2584
    assert simba["flops"] == pytest.approx(6.94e19, rel=1e-3)
    assert rows["flops"].to_numpy() == pytest.approx(
        rows["steps"].to_numpy(float) * rows["variant"].map(lambda v: costs[v]["flops_per_step"]).to_numpy()
    )
    assert rows[["seed", "n", "gpu_hours", "seconds", "low", "high"]].isna().all().all()


def test_a_design_without_a_cost_is_left_out(costs):
    rows = paper_progress({"prefix-simba": costs["prefix-simba"]})
    assert set(rows["variant"]) == {"prefix-simba"}


def test_what_is_inferred_is_not_stated_as_a_fact():
    table = published()
    for how in table.loc[table["source"] == PAPER, "how"]:
        assert "inferred" in how and all(word in how for word in ("embedder", "KL", "Transformer's size"))


def test_the_papers_preset_has_a_score_of_its_own_beside_each_published_one():
    config = load_config(ROOT / "config.yaml", ROOT / "workflow/presets/paper/config.yaml")
    evaluation, table = config["evaluation"], published()
    assert evaluation["published"]
    told = table.loc[table["source"] == PAPER, ["embedder", "metric"]].drop_duplicates()
    for embedder, metric in told.itertuples(index=False):
        assert embedder in evaluation["embedders"] and embedder in evaluation["models"]
        assert metric.removesuffix("_reversed") in metrics_of(evaluation["metrics"], embedder)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("system\tvariant", "name\tvariant", "the columns are name, variant,"),
        ("\t164.5\t", "\tmany\t", "line 10: value, error and steps must be numbers"),
        ("\t164.5\t", "\tnan\t", "line 10: value must be finite"),
        ("\t164.5\t0.5", "\t164.5\t-0.5", "line 10: .*error at least 0"),
        ("\t164.5\t", "\t", "line 10: 8 cells; there must be 9"),
        ("\t164.5\t", "\t\t", "line 10: value is empty"),
        ("0.5\tlower\tfigure", "0.5\tless\tfigure", "line 10: better must be lower or higher"),
        ("0.5\tlower\tfigure", "0.5\tlower\tblog", "line 10: .*source figure or card"),
        ("\t10000\t127.6", "\t5000\t127.6", "line 11: SiMBA .* 5000 is there twice"),
    ],
)
def test_a_damaged_file_is_one_message_with_its_line(tmp_path, old, new, message):
    text = FILE.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "published.tsv"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(UserError, match=f"^{path}.*{message}"):
        published(path)


def test_an_empty_file_is_a_message(tmp_path):
    path = tmp_path / "published.tsv"
    path.write_text("# nothing\n", encoding="utf-8")
    with pytest.raises(UserError, match="the columns are"):
        published(path)
