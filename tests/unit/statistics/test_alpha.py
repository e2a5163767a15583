"""Krippendorff's alpha against its author's worked example, and by its closed forms."""

import numpy as np
import pytest

from ssmttm.statistics.agreement import krippendorff

N = np.nan
EXAMPLE = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, N, N, N],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, N, 3],
        [N, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, N],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, N],
    ]
)
"""Four observers, twelve units, missing values: example C of Computing Krippendorff's Alpha-Reliability (2011)."""


@pytest.mark.parametrize(("level", "published"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_the_published_example(level, published):
    assert krippendorff(EXAMPLE, level) == pytest.approx(published, abs=5e-4)


def test_two_observers_and_two_categories_by_hand():
    # Coincidences: 00 twice, 11 twice, 01 and 10 once each; n0 = n1 = 3 of 6.
    # Do = 2/6, De = 2*3*3 / (6*5) = 18/30: alpha = 1 - (1/3) / (3/5) = 4/9.
    values = np.array([[0, 1, 0], [0, 1, 1]])
    for level in ("nominal", "ordinal", "interval"):
        assert krippendorff(values, level) == pytest.approx(4 / 9), "with two categories the level can't matter"


def test_ordinal_distance_by_hand():
    # Unit pairs (1,1), (2,2), (3,3), (1,3): n = 3, 2, 3; squared distances 1-2 and 2-3: 2.5^2, 1-3: 5^2.
    # Do = 2*25/8; De = 2 * (3*2*6.25 + 3*3*25 + 2*3*6.25) / (8*7).
    observed, expected = 50 / 8, 2 * (37.5 + 225 + 37.5) / 56
    assert krippendorff(np.array([[1, 2, 3, 1], [1, 2, 3, 3]]), "ordinal") == pytest.approx(1 - observed / expected)


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
def test_agreement_is_one_chance_is_near_zero_and_opposition_is_negative(level):
    rng = np.random.default_rng(1)
    units = rng.integers(1, 6, 400)
    assert krippendorff(np.stack([units, units, units]), level) == pytest.approx(1.0)
    assert abs(krippendorff(rng.integers(1, 6, (4, 2000)), level)) < 0.03
    assert krippendorff(np.repeat([[1], [5]], 9, axis=1), level) < 0


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
def test_the_order_of_observers_and_units_does_not_matter_nor_do_units_with_one_value(level):
    rng = np.random.default_rng(2)
    value = krippendorff(EXAMPLE, level)
    assert krippendorff(EXAMPLE[rng.permutation(4)][:, rng.permutation(12)], level) == pytest.approx(value)
    alone = np.array([[N], [9], [N], [N]])
    assert krippendorff(np.hstack([EXAMPLE, alone]), level) == pytest.approx(value)


def test_nominal_forgets_names_and_ordinal_forgets_distances():
    renamed = np.where(EXAMPLE == 3, 70, EXAMPLE)
    assert krippendorff(renamed, "nominal") == pytest.approx(krippendorff(EXAMPLE, "nominal"))
    assert krippendorff(EXAMPLE**3, "ordinal") == pytest.approx(krippendorff(EXAMPLE, "ordinal"))
    assert krippendorff(EXAMPLE * 2 + 1, "interval") == pytest.approx(krippendorff(EXAMPLE, "interval"))


def test_where_alpha_is_undefined_it_is_none():
    assert krippendorff(np.array([[1, N], [N, 2]]), "ordinal") is None
    assert krippendorff(np.full((3, 4), 2.0), "nominal") is None
    with pytest.raises(ValueError, match="level"):
        krippendorff(EXAMPLE, "ratios")
    with pytest.raises(ValueError, match="shape"):
        krippendorff(EXAMPLE[0], "nominal")
