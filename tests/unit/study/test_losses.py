"""Tables of losses on held-out clips: what stands in them, what is asked, what is refused."""

import numpy as np
import pandas as pd
import pytest

from ssmttm.errors import UserError
from ssmttm.statistics.paired import holm
from ssmttm.study.efficiency import AT_LEAST, BETWEEN, NOT_REACHED, efficiency
from ssmttm.study.likelihoods import read_likelihoods
from ssmttm.study.losses import loss_pairs, losses
from ssmttm.study.trained import Trained
from ssmttm.study_rows import Run
from ssmttm.tables import write_table

ARTISTS, TRACKS, CLIPS = 6, 3, 2
MIXERS = {"simba": "mamba2", "transformer": "attention"}


def clip_rows(split="test"):
    for artist in range(ARTISTS):
        for track in range(TRACKS):
            for clip in range(CLIPS):
                name = f"{split} {artist}/{track}"
                yield {"clip_id": f"{name}@{clip}", "split": split, "track_id": name, "artist": f"{split} {artist}"}


class Tree:
    """Folders of systems whose loss is `level`, with noise that is common to all and of their own."""

    def __init__(self, root, splits=("test",)):
        self.root, self.splits, self.runs, self.folders = root, splits, [], {}

    def write(self, system, level, told=True, seed=0, split_level=0.0, levels=1):
        rows, rng = [], np.random.default_rng([seed, len(system)])
        common = np.random.default_rng(7)
        for split in self.splits:
            for row in clip_rows(split):
                own = level + common.normal() + 0.02 * rng.normal() + (split_level if split == "known" else 0)
                gains = {"other": own + 0.1, "null": own + 0.2} if told else {"other": None, "null": None}
                first = {"first": own, **{f"first_{name}": value for name, value in gains.items()}}
                rows.append({**row, "levels": levels, "tokens": 10 * levels, "own": own - 1, **gains, **first})
        self.folders[system] = self.root / system
        write_table(self.root / system / "likelihoods.parquet", "likelihoods", rows)

    def run(self, system, variant, level, seed=1, size="base", amount=100, stages=1, levels=1, **training):
        conditioning, _, mixer = variant.partition("-")
        chosen = {"name": variant, "mixer": MIXERS[mixer], "feedforward": "gelu", "conditioning": conditioning}
        spec = {
            "variant": {**chosen, "attention_layers": []},
            "model": {"d_model": 64 if size == "base" else 32, "layers": 4, "codebooks": levels},
            "training": {"learning_rate": 0.01, **training},
            "budget": {"iterations": amount // stages},
            "seed": seed,
        }
        manifest = {"spec": spec, "flops_spent": 1e9 * amount, "steps": amount, "seconds": 2.0 * amount}
        facts = {"variant": variant, "family": variant, "mixer": chosen["mixer"], "feedforward": "gelu"}
        facts |= {
            "conditioning": conditioning,
            "size": size,
            "budget_kind": "iterations",
            "budget": amount,
            "seed": seed,
        }
        counted = dict.fromkeys(("codebooks", "levels", "parameters", "clips_seen"), 1)
        run = Run(
            system=system,
            kind="run",
            stages=stages,
            language_model_flops=1.0,
            generation_seconds=1.0,
            **facts,
            **counted,
        )
        self.runs.append(Trained(run, manifest, None, pd.DataFrame()))
        self.write(system, level, seed=seed, levels=levels)

    def held(self):
        return read_likelihoods(self.folders)

    def pairs(self):
        return loss_pairs(self.runs, self.held(), 0.95)


@pytest.fixture
def tree(tmp_path):
    return Tree(tmp_path)


def two_by_two(tree, seeds=(1, 2, 3), sizes=("base",)):
    """Simba is 0.3 better, the prefix 0.2; a quarter costs simba 0.1, and a Transformer 0.4."""
    for seed in seeds:
        for conditioning in ("prefix", "cross"):
            for mixer in MIXERS:
                for size in sizes:
                    level = 5 - 0.3 * (mixer == "simba") - 0.2 * (conditioning == "prefix")
                    level += (0.1 if mixer == "simba" else 0.4) * (size == "quarter")
                    tree.run(f"{conditioning}-{mixer}-{size}-{seed}", f"{conditioning}-{mixer}", level, seed, size)


def test_each_system_has_its_loss_gains_and_lead_on_each_split(tmp_path):
    tree = Tree(tmp_path, splits=("test", "known"))
    tree.run("one", "prefix-simba", 5.0)
    tree.write("bigram", 5.5, told=False)
    table = losses(tree.runs, ["bigram"], tree.held(), 0.95)
    assert list(zip(table["system"], table["split"])) == [
        (system, split) for split in ("test", "known") for system in ("one", "bigram")
    ]
    run = table.iloc[0]
    assert run["loss"] == pytest.approx(5.0, abs=0.8) and run["low"] < run["loss"] < run["high"]
    assert (run["other_gain"], run["null_gain"]) == pytest.approx((0.1, 0.2))
    assert run["over_bigram"] == pytest.approx(0.5, abs=0.02) and run["over_bigram_low"] > 0.4
    assert (run["clips"], run["tracks"], run["artists"]) == (36, 18, 6)
    assert (run["kind"], run["steps"], run["seed"]) == ("run", 100, 1)
    bigram = table.iloc[1]
    assert bigram["kind"] == "trivial" and bigram[["other_gain", "null_gain", "over_bigram", "seed"]].isna().all()


def test_of_several_levels_the_first_is_compared_and_the_loss_of_all_stands_beside(tree):
    tree.run("one", "prefix-simba", 5.0, levels=4)
    row = losses(tree.runs, [], tree.held(), 0.95).iloc[0]
    assert row["levels"] == 4 and row["all_levels"] == pytest.approx(row["loss"] - 1)


def test_pairs_are_asked_by_question_and_what_differs_is_found(tree):
    two_by_two(tree, sizes=("base", "quarter"))
    table = tree.pairs()
    assert table["question"].value_counts().to_dict() == {
        "mixer": 4, "conditioning": 4, "size": 4, "twins": 2
    }  # fmt: skip
    of = {question: rows["difference"].to_numpy() for question, rows in table.groupby("question")}
    assert of["conditioning"] == pytest.approx(0.2, abs=0.03)
    assert sorted(of["mixer"]) == pytest.approx([0.3, 0.3, 0.6, 0.6], abs=0.03)
    assert sorted(of["size"]) == pytest.approx([0.1, 0.1, 0.4, 0.4], abs=0.03)
    assert of["twins"] == pytest.approx(0.3, abs=0.03)
    assert (table["verdict"] == "a is better").all() and (table["seeds"] == 3).all()
    assert {*table.query("question == 'mixer'")["a"]} == {"prefix-simba", "cross-simba"}
    assert (table["adjusted"] >= table["p"]).all()


def test_p_values_are_adjusted_over_a_questions_pairs_of_one_size_under_one_budget(tree):
    two_by_two(tree, sizes=("base", "quarter"))
    table = tree.pairs()
    families = table.groupby(["question", "size", "budget_kind", "budget"])
    assert {len(rows) for _, rows in families} == {2, 4}
    for _, rows in families:
        assert rows["adjusted"].to_numpy() == pytest.approx(holm(rows["p"].to_numpy()))


def test_without_a_difference_nothing_is_told_apart(tree):
    for seed in (1, 2, 3):
        tree.run(f"s{seed}", "prefix-simba", 5.0, seed)
        tree.run(f"other{seed}", "prefix-transformer", 5.0, seed)
    (row,) = tree.pairs().to_dict("records")
    assert row["verdict"] == "not told apart" and row["low"] < 0 < row["high"]


def test_a_run_and_its_ablation_are_two_designs(tree):
    two_by_two(tree)
    tree.run("ablated", "prefix-simba", 6.0, 1, label_smoothing=0.1)
    tree.run("plain", "cross-simba", 6.0, 1, threads=2)  # threads change no model
    found = {one for row in tree.pairs().to_dict("records") for one in (row["a"], row["b"])}  # over common seeds
    assert found == {"prefix-simba", "cross-simba", "prefix-transformer", "cross-transformer"} | {"ablated"}


def test_two_stages_are_asked_against_one_under_one_budget(tree):
    tree.run("one", "prefix-simba", 5.0, levels=4)
    tree.run("two", "prefix-simba", 4.0, stages=2)
    tree.run("less", "prefix-simba", 4.0, stages=2, amount=60)
    (row,) = tree.pairs().to_dict("records")
    assert (row["question"], row["verdict"]) == ("stages", "a is better")


def test_other_seeds_in_a_pair_of_the_headline_are_refused(tree):
    two_by_two(tree)
    tree.run("more", "prefix-simba", 5.0, seed=4)
    with pytest.raises(UserError, match="prefix-simba has seeds 1, 2, 3, 4 and prefix-transformer has seeds 1, 2, 3"):
        tree.pairs()


def test_likelihoods_of_another_data_set_or_none_are_refused(tree):
    tree.run("one", "prefix-simba", 5.0)
    tree.splits = ("known",)
    tree.write("bigram", 5.0)
    with pytest.raises(UserError, match="likelihoods of another data set"):
        tree.held()
    tree.folders["bigram"] = tree.root / "nowhere"
    with pytest.raises(UserError, match=r"nowhere.*no such file; .*ssmttm likelihood"):
        tree.held()


def curve(tree, variant, levels, seeds=(1, 2, 3)):
    """Runs of a design by budget: {amount: loss}."""
    for amount, level in levels.items():
        for seed in seeds:
            tree.run(f"{variant}-{amount}-{seed}", variant, level, seed, amount=amount)


def found(tree, a, unit="flops"):
    (row,) = efficiency(tree.runs, tree.held(), 0.95).query("a == @a and unit == @unit").to_dict("records")
    return row


def test_times_are_read_between_ends_of_runs(tree):
    curve(tree, "prefix-simba", {100: 5.0, 400: 4.0})
    curve(tree, "prefix-transformer", {100: 6.0, 400: 4.5})
    row = found(tree, "prefix-simba")  # at 200, half way between 100 and 400
    assert row["note"] == BETWEEN and row["times"] == pytest.approx(2, rel=0.1)
    assert 1.5 < row["low"] < row["times"] < row["high"] < 2.6
    assert row["target"] == pytest.approx(4.5, abs=0.8) and row["seeds"] == 3


def test_beyond_measured_runs_there_are_bounds_alone(tree):
    curve(tree, "prefix-simba", {100: 4.0, 400: 3.0})
    curve(tree, "prefix-transformer", {100: 6.0, 400: 5.0})
    fast, slow = found(tree, "prefix-simba", "steps"), found(tree, "prefix-transformer", "steps")
    assert (fast["note"], slow["note"]) == (AT_LEAST, NOT_REACHED)
    assert fast["times"] == pytest.approx(4) and fast["low"] == pytest.approx(4) and np.isnan(fast["high"])
    assert np.isnan(slow["times"]) and slow["high"] == pytest.approx(1)


def test_one_run_each_says_which_side_of_one_it_is(tree):
    curve(tree, "prefix-simba", {100: 4.0})
    curve(tree, "prefix-transformer", {100: 5.0})
    assert found(tree, "prefix-simba")["note"] == AT_LEAST
    assert found(tree, "prefix-transformer")["note"] == NOT_REACHED
