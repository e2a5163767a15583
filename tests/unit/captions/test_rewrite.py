import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from chat_server import completion, serving, slowly

from ssmttm.captions import chat
from ssmttm.captions.chat import Answer
from ssmttm.captions.facts import Facts
from ssmttm.captions.rewrite import Rewriter, judge
from ssmttm.errors import UserError

GOOD = "A calm piano piece at 92 BPM in C minor."
TEMPLATE = "The template's caption."
QUICK = {"_FIRST_PAUSE_S": 0.01, "_LONGEST_PAUSE_S": 0.02}


def facts(bpm=92.0):
    return Facts(
        10.0, ("calm", "piano"), (), tempo_bpm=bpm, tempo_confidence=1.0, key="C", scale="minor", key_strength=0.9
    )


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    for name, value in QUICK.items():
        monkeypatch.setattr(chat, name, value)


def rewriter(server, cache, **settings):
    endpoint = server if isinstance(server, str) else server.endpoint
    return Rewriter({"endpoint": endpoint, "model": "m", "batch": 4, "timeout_s": 5.0} | settings, cache)


def rewrite(server, cache, count=1, sound=None, **settings):
    """The captions of `count` clips of different tempo, who wrote each, and the line for the log."""
    with rewriter(server, cache, **settings) as asked:
        futures = [asked.submit(facts(80.0 + i), "sentence", TEMPLATE, i, sound) for i in range(count)]
        results = [f.result() for f in futures]
        return results, asked.finish()


def tempo_of(question):
    text = question["messages"][-1]["content"]
    text = text if isinstance(text, str) else text[-1]["text"]
    return text.split("tempo: ")[1].split(" BPM")[0]


def echo(question, number):
    return f"A calm piano piece at {tempo_of(question)} BPM."


def test_each_clip_gets_the_answer_to_its_own_facts(tmp_path):
    with serving(echo) as server:
        results, line = rewrite(server, tmp_path, 20)
    assert results == [(f"A calm piano piece at {80 + i} BPM.", "m") for i in range(20)]
    assert line == "20 captions written by m, 0 answers from the store"
    path, headers = server.headers[0]
    assert path == "/v1/chat/completions"
    assert "Authorization" not in headers
    question = server.requests[0]
    assert question["model"] == "m" and question["temperature"] == 0.0 and "seed" not in question
    assert all(word in question["messages"][1]["content"] for word in ("calm", "piano", "C minor", TEMPLATE))


def test_requests_run_side_by_side_and_never_more_than_a_batch(tmp_path):
    with serving(lambda q, n: time.sleep(0.02) or echo(q, n)) as server:
        rewrite(server, tmp_path, 24, batch=3)
    assert server.most == 3


def test_answers_are_stored_and_never_asked_for_again(tmp_path):
    with serving(echo) as server:
        first, _ = rewrite(server, tmp_path, 12)
        again, line = rewrite(server, tmp_path, 12)
        assert len(server.requests) == 12
        assert again == first
        assert "12 answers from the store" in line
        for changes in ({"model": "other"}, {"temperature": 0.5}):
            rewrite(server, tmp_path, 12, **changes)
        assert len(server.requests) == 36
        assert {q.get("seed") for q in server.requests[24:]} == set(range(12))
    # Without a server: all that was asked before is still there.
    assert rewrite("http://127.0.0.1:9/v1", tmp_path, 12)[0] == first


def test_a_damaged_store_is_asked_anew(tmp_path):
    with serving(echo) as server:
        first, _ = rewrite(server, tmp_path, 2)
        for path, text in zip(sorted(tmp_path.rglob("*.json")), ["", '{"text": 3']):
            path.write_text(text)
        assert rewrite(server, tmp_path, 2)[0] == first
        assert len(server.requests) == 4


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("A calm piano piece with saxophone.", "saxophone"),
        ("A calm piano piece at 120 BPM.", "120"),
        ("A calm piano piece in D major.", "d major"),
        ("", "nothing written"),
        ("  ** ** ", "nothing written"),
        ("the " * 121, "too many words"),
        ("A calm piece.\n\nIt is played on the piano.", "several paragraphs"),
        ("Ein ruhiges Klavierstück.", "another language"),
        ("平静的钢琴曲。", "another language"),
    ],
)
def test_an_answer_that_cannot_be_used_leaves_the_template_and_is_kept(tmp_path, written, reason):
    with serving(lambda q, n: written) as server:
        results, line = rewrite(server, tmp_path)
        assert results == [(TEMPLATE, "template")]
        assert "1 templates kept: 0 unanswered, 1 rejected" in line and reason in line
        rewrite(server, tmp_path)
        assert len(server.requests) == 1


def test_an_answer_cut_off_is_rejected(tmp_path):
    with serving(lambda q, n: (200, {}, completion("A calm piano piece with", "length"))) as server:
        assert rewrite(server, tmp_path)[0] == [(TEMPLATE, "template")]


@pytest.mark.parametrize(
    "written",
    [
        f'"{GOOD}"',
        f"“{GOOD}”",
        f"**{GOOD}**",
        f"Caption: {GOOD}",
        f"Here is the caption:\n\n{GOOD}",
        f"Sure! Here's a caption: {GOOD}",
        f"<think>It has drums and a choir.\n\nNo.</think>\n{GOOD}",
        f"- {GOOD}",
        f"# {GOOD}",
        GOOD.replace(" at ", "\nat  "),
        f"```\n{GOOD}\n```",
    ],
)
def test_what_surrounds_a_caption_is_taken_off(written):
    assert judge(Answer(written, True), facts()) == (GOOD, "")


def test_a_sharp_is_no_markdown():
    sharp = Facts(10.0, key="F#", scale="minor", key_strength=0.9)
    assert judge(Answer("# A piece in F# minor.", True), sharp) == ("A piece in F# minor.", "")


def test_a_busy_server_is_asked_again_when_it_says(tmp_path):
    times = []

    def reply(question, number):
        times.append(time.monotonic())
        return (429, {"Retry-After": "0.2"}, b"{}") if number == 1 else GOOD.replace("92", "80")

    with serving(reply) as server:
        assert rewrite(server, tmp_path)[0][0][1] == "m"
    assert times[1] - times[0] >= 0.2


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("7", 7, 7),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0, 0),
        ("999999", 300, 300),
        ("-5", 0, 0),
        ("soon", 0, 0),
        ("nan", 0, 0),
        (None, 0, 0),
    ],
)
def test_how_long_a_server_asks_to_wait(text, least, most):
    assert least <= chat._asked_pause({} if text is None else {"Retry-After": text}) <= most


def test_a_date_to_wait_for_is_as_far_away_as_it_is():
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=200))
    assert 100 < chat._asked_pause({"Retry-After": date}) <= 200


@pytest.mark.parametrize(
    "failure",
    [
        (500, {}, b"oops"),
        (503, {}, b""),
        (200, {}, b"<html>bad gateway</html>"),
        (200, {}, b'{"choices": []}'),
        (200, {}, b'{"choices": [{"message": {"content": 7}}]}'),
        (200, {}, b"[" * 100_000),
        (200, {}, slowly(completion(GOOD), 0.1)),
    ],
)
def test_a_failure_that_passes_is_overcome(tmp_path, failure):
    def reply(question, number):
        return failure if number == 1 else "A calm piano piece."

    with serving(reply) as server:
        assert rewrite(server, tmp_path, timeout_s=0.3)[0] == [("A calm piano piece.", "m")]
        assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (lambda: (500, {}, b"out of memory"), "status 500: out of memory"),
        (lambda: (400, {}, b"no audio here"), "status 400: no audio here"),
        (lambda: (200, {}, b'{"choices": []}'), "not a chat completion"),
        (lambda: (200, {}, (b" " * 65536 for _ in range(40))), "more than 1 MiB"),
        (lambda: (200, {}, slowly(completion(GOOD), 0.1)), "within 0.1 s"),
        (lambda: time.sleep(0.2) or (200, {}, b""), "within 0.1 s"),
    ],
)
def test_one_lasting_failure_leaves_one_template(tmp_path, failure, said):
    def reply(question, number):
        return failure() if tempo_of(question) == "82" else "A calm piano piece."

    with serving(reply) as server:
        results, line = rewrite(server, tmp_path, 4, timeout_s=0.1)
        assert [by for _, by in results] == ["m", "m", "template", "m"]
        assert "1 unanswered" in line and said in line
        # The run that comes after a kill ends the same way, though nothing is answered in it.
        assert rewrite(server, tmp_path, 4, timeout_s=0.1)[0] == results


def test_answers_in_parts_and_in_chunks_are_read(tmp_path):
    body = completion([{"type": "text", "text": "A calm "}, {"type": "text", "text": "piano piece."}])
    with serving(lambda q, n: (200, {}, iter([body[:7], body[7:]]))) as server:
        assert rewrite(server, tmp_path)[0] == [("A calm piano piece.", "m")]


def test_after_failures_in_a_row_nobody_is_asked_any_more(tmp_path):
    def reply(question, number):
        return "A calm piano piece." if number <= 3 else (500, {}, b"gone")

    with serving(reply) as server:
        results, line = rewrite(server, tmp_path, 40, batch=1)
        assert [by for _, by in results] == ["m"] * 3 + ["template"] * 37
        assert "37 unanswered" in line and "gone" in line
        assert len({tempo_of(q) for q in server.requests}) == 3 + 5


def test_failures_between_answers_stop_nothing(tmp_path):
    def reply(question, number):
        return (400, {}, b"no") if int(tempo_of(question)) % 2 else "A calm piano piece."

    with serving(reply) as server:
        results, _ = rewrite(server, tmp_path, 24, batch=1)
    assert [by for _, by in results] == ["m", "template"] * 12


@pytest.mark.parametrize("count", [2, 30])
def test_not_one_answer_is_an_error_with_the_address(tmp_path, count):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(UserError, match=rf"127\.0\.0\.1:{port}/v1.*not one of \d+ questions.*rewrite: null"):
        rewrite(f"http://127.0.0.1:{port}/v1", tmp_path, count)
    with serving(lambda q, n: (500, {}, b"loading")) as server:
        with pytest.raises(UserError, match="the last: status 500: loading"):
            rewrite(server, tmp_path, count)


def test_a_server_that_is_down_is_an_error_also_when_some_answers_are_stored(tmp_path):
    with serving(echo) as server:
        rewrite(server, tmp_path, 2)
    with pytest.raises(UserError, match="not one of"):
        rewrite(server.endpoint, tmp_path, 8)


@pytest.mark.parametrize(
    ("status", "headers", "message"),
    [
        (401, {}, "key is refused .*key_env"),
        (403, {}, "key is refused"),
        (404, {}, "no model 'm'.*end in /v1"),
        (307, {"Location": "http://192.0.2.1/"}, "redirects to http://192.0.2.1/"),
    ],
)
def test_what_every_question_would_meet_ends_at_once(tmp_path, status, headers, message):
    with serving(lambda q, n: (status, headers, b"no")) as server:
        with pytest.raises(UserError, match=message):
            rewrite(server, tmp_path, 30, batch=2)
        assert len(server.requests) <= 4


def test_the_key_is_sent_and_never_stored(tmp_path, monkeypatch):
    monkeypatch.setenv("MY_KEY", "sesame")
    with serving(echo) as server:
        rewrite(server, tmp_path, key_env="MY_KEY")
    assert server.headers[0][1]["Authorization"] == "Bearer sesame"
    assert not any("sesame" in p.read_text() for p in tmp_path.rglob("*.json"))
    monkeypatch.delenv("MY_KEY")
    with pytest.raises(UserError, match="MY_KEY is not set"):
        rewrite(server.endpoint, tmp_path, key_env="MY_KEY")


def test_a_model_that_listens_gets_the_clip(tmp_path):
    made = []

    def wav():
        made.append(1)
        return b"RIFF"

    with serving(echo) as server:
        for audio in (b"clip", b"clip", b"another"):
            rewrite(server, tmp_path, sound=(audio, wav), audio=True)
        rewrite(server, tmp_path, sound=(b"clip", wav))
    sound = {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}
    assert [isinstance(q["messages"][1]["content"], list) for q in server.requests] == [True, True, False]
    assert server.requests[0]["messages"][1]["content"][0] == sound
    assert len(made) == 2, "a stored answer needs no sound"


PATHS = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "support")]
RUN = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[3:]
from test_rewrite import rewrite
rewrite(sys.argv[1], Path(sys.argv[2]), 60)
"""


def test_killed_at_any_time_it_goes_on_and_asks_nothing_twice(tmp_path):
    asked, lock = Counter(), threading.Lock()

    def reply(question, number):
        with lock:
            asked[tempo_of(question)] += 1
        time.sleep(0.01)
        return echo(question, number)

    with serving(reply) as server:
        for kills in (1, 2):
            child = subprocess.Popen([sys.executable, "-c", RUN, server.endpoint, tmp_path, *PATHS])
            while len(server.requests) < 20 * kills and child.poll() is None:
                time.sleep(0.005)
            os.kill(child.pid, signal.SIGKILL)
            child.wait()
            texts = [json.loads(p.read_text())["text"] for p in tmp_path.rglob("*.json")]
            stored = {text.split()[-2]: asked[text.split()[-2]] for text in texts}
            assert len(stored) >= 10 * kills
        results, _ = rewrite(server, tmp_path, 60)
    assert results == [(f"A calm piano piece at {80 + i} BPM.", "m") for i in range(60)]
    assert {tempo: asked[tempo] for tempo in stored} == stored, "what was stored is not asked for again"
    assert sum(times > 1 for times in asked.values()) <= 2 * 4, "only what was under way at a kill"
