"""Products are made once per origin, put back when they are gone, and made again where they would be wrong."""

import pytest

from ssmttm.evaluation.kept import FOLDER, Kept


@pytest.fixture
def product(tmp_path):
    """A product and its record, with how often they were made."""

    class Product:
        files = (tmp_path / "generated" / "final.parquet", tmp_path / "generated" / "final.json")
        made = 0

        def make(self):
            self.made += 1
            for file in self.files:
                file.parent.mkdir(exist_ok=True)
                file.unlink(missing_ok=True)
                file.write_text(f"{file.name} {self.made}")

        def need(self, **origin):
            return Kept(tmp_path).make(self.files, origin, self.make)

        def texts(self):
            return [file.read_text() for file in self.files]

    return Product()


def test_what_is_right_is_left_as_it_is(product):
    assert product.need(seed=1)
    before = [file.stat().st_ino for file in product.files]
    assert not product.need(seed=1)
    assert [file.stat().st_ino for file in product.files] == before


def test_deleted_products_are_put_back(product):
    product.need(seed=1)
    for file in product.files:
        file.unlink()
    assert not product.need(seed=1)
    assert product.texts() == ["final.parquet 1", "final.json 1"]


def test_another_origin_makes_them_again_also_back_and_forth(product):
    for number, seed in enumerate((1, 2, 1), 1):
        assert product.need(seed=seed)
        assert product.texts()[0] == f"final.parquet {number}"


@pytest.mark.parametrize("damage", ["change in place", "delete", "record"])
def test_a_damaged_keep_is_no_use(product, tmp_path, damage):
    product.need(seed=1)
    kept = tmp_path / FOLDER / "generated"
    if damage == "change in place":
        (kept / "final.parquet").write_text("other")
    else:
        (kept / ("final.json" if damage == "delete" else "final.parquet.origin.json")).unlink()
    assert product.need(seed=1)
    assert product.made == 2
    assert product.texts()[0] == "final.parquet 2"


def test_a_failed_making_leaves_no_record_of_what_was_before(product, monkeypatch):
    product.need(seed=1)
    monkeypatch.setattr(product, "make", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        product.need(seed=2)
    monkeypatch.undo()
    assert product.need(seed=2)
