import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ssmttm.errors import UserError
from ssmttm.generation.prompts import MAX_PROMPT, Prompt, file_name, read_prompts


def test_lines_of_a_text_file_are_prompts(tmp_path):
    path = tmp_path / "p.txt"
    path.write_bytes("\ufeffcalm piano\r\n\r\n  loud drums  \n".encode())
    assert read_prompts(path) == [Prompt("001", "calm piano"), Prompt("002", "loud drums")]


@pytest.mark.parametrize("column", ["clip_id", "name"])
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_tables_name_their_prompts(tmp_path, suffix, column):
    path = tmp_path / f"p.{suffix}"
    if suffix == "csv":
        path.write_text(f'{column},other,caption\na/b,1,"calm, slow piano"\nc,2,drums\n')
    else:
        table = {column: ["a/b", "c"], "other": [1, 2], "caption": ["calm, slow piano", "drums"]}
        pq.write_table(pa.table(table), path)
    assert read_prompts(path) == [Prompt("a/b", "calm, slow piano"), Prompt("c", "drums")]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("p.txt", b"", "holds no prompts"),
        ("p.txt", b" \n\n", "holds no prompts"),
        ("p.csv", b"", "holds no prompts"),
        ("p.csv", b"caption\n", "holds no prompts"),
        ("p.txt", b"piano\n\n" + b"x" * (MAX_PROMPT + 1), f"line 3: the prompt has {MAX_PROMPT + 1} characters"),
        ("p.csv", b"text,name\npiano,a\n", "no column `caption`; it has text, name"),
        ("p.csv", b"caption,name\npiano,a\n,b\n", "row 2: the prompt is empty"),
        ("p.csv", b"caption,name\npiano,a\ndrums,a\n", "row 2: 'a' is already the name of row 1"),
        ("p.csv", b"caption,name\npiano,\n", "row 1: name is empty"),
        ("p.txt", b"\xff\xfe\x00", "not a readable .txt file"),
        ("p.parquet", b"PAR1", "not a readable .parquet file"),
        ("p.json", b"[]", "ends in .txt, .csv, .parquet"),
        (None, b"", "no such file"),
    ],
)
def test_bad_input_is_one_message_with_path_and_place(tmp_path, name, content, message):
    path = tmp_path / (name or "nothing.txt")
    if name:
        path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        read_prompts(path)
    assert str(path) in str(caught.value)
    assert message in str(caught.value)


def test_file_names_stay_in_the_folder_and_differ():
    names = ["../../etc/passwd", "a/b", "a_b", "A_B", "..", "", "x" * 300, "x" * 301, "naïve:1@0", "c\x00d", "a.", "-"]
    names += ["a_b-12345678", "A", "a"]
    safe = [*map(file_name, names)]
    assert len({s.lower() for s in safe}) == len(names)
    for name in safe:
        assert not set(name) & set("/\\:\x00 ")
        assert name.strip(".") == name and 0 < len(name) <= 100


def test_short_plain_names_stay_as_they_are():
    plain = ["001", "calm-piano_2.1", "a", "song.remix"]
    assert [*map(file_name, plain)] == plain


def test_a_file_name_follows_from_its_name_alone_whatever_stands_beside_it():
    long = "debian:x/" + "y" * 90 + ".ogg@"
    names = [f"{long}{start}" for start in (0, 114000, 186000)] + ["a/b", "a_b", "A_B", "a:b"]
    whole = dict(zip(names, [*map(file_name, names)], strict=True))
    assert len({n.lower() for n in whole.values()}) == len(names)
    for subset in (names[1:], names[::-1], names[2:3], names[::2]):
        assert [*map(file_name, subset)] == [whole[n] for n in subset]
    assert file_name("debian:x/y.ogg@0") == "debian_x_y.ogg_0-c97014c2"


def test_no_name_can_be_made_to_look_like_that_of_another():
    first = file_name("a/b")
    assert file_name(first) != first and file_name(first) != file_name("a/b")
