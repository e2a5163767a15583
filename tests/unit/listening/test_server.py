"""The local server: only public files out, only checked answers in."""

import http.client
import json
import socket
import struct
import sys
import threading
import time

import pytest
import tiny_listening

from ssmttm.errors import UserError
from ssmttm.listening import questions
from ssmttm.listening.answers import MAX_BYTES, SCHEMA
from ssmttm.listening.server import Server
from ssmttm.stages import listen

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def server(built, tmp_path_factory):
    folder = tmp_path_factory.mktemp("answers")
    lines = []
    server = Server(built[0], folder, ("127.0.0.1", 0), lines.append)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.folder, server.lines = folder, lines
    yield server
    server.shutdown()
    server.server_close()


def ask(server, method, path, body=None, headers=None):
    connection = http.client.HTTPConnection(*server.server_address, timeout=10)
    connection.request(method, path, body, headers or {})
    reply = connection.getresponse()
    data = reply.read()
    connection.close()
    return reply, data


def post(server, value, **headers):
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    reply, data = ask(server, "POST", "/answers", body, JSON | headers)
    return reply.status, json.loads(data)


def raw(server, text):
    """The first line of the reply to what is no proper request."""
    with socket.create_connection(server.server_address, timeout=10) as connection:
        connection.sendall(text.encode())
        connection.shutdown(socket.SHUT_WR)
        return connection.makefile("rb").readline()


def test_it_listens_to_this_machine_only_unless_told_otherwise(server):
    assert server.server_address[0] == "127.0.0.1"


def test_the_page_and_its_audio_come_as_they_are_also_in_parts(server, built):
    reply, data = ask(server, "GET", "/")
    assert reply.status == 200 and data == (built[0] / "index.html").read_bytes()
    assert reply.headers["Content-Type"].startswith("text/html")
    clip = next((built[0] / "audio").iterdir())
    whole, path = clip.read_bytes(), f"/audio/{clip.name}"
    reply, data = ask(server, "GET", path)
    assert data == whole and reply.headers["Content-Type"] == "audio/flac"
    for asked, part in (("0-9", whole[:10]), ("100-", whole[100:]), ("-7", whole[-7:])):
        reply, data = ask(server, "GET", path, headers={"Range": f"bytes={asked}"})
        assert reply.status == 206 and data == part
    assert ask(server, "GET", path, headers={"Range": "bytes=999999999-"})[0].status == 416
    reply, data = ask(server, "HEAD", path)
    assert data == b"" and int(reply.headers["Content-Length"]) == len(whole)


@pytest.mark.parametrize(
    "path",
    [
        "/../page.key.json", "/%2e%2e/page.key.json", "/audio/../../page.key.json", "/..%2fpage.key.json",
        "//etc/passwd", "/audio/", "/audio", "/answers", "/%00", "/index.html/../../page.key.json", "/page.key.json",
    ],
)  # fmt: skip
def test_nothing_but_the_public_files_comes_out(server, path):
    reply, data = ask(server, "GET", path)
    assert reply.status == 404 and b"zebra" not in data


def test_links_and_hidden_files_in_the_folder_are_not_public(built, tmp_path):
    import shutil

    folder = tmp_path / "page"
    shutil.copytree(built[0], folder)
    (folder / "link.json").symlink_to(built[1])
    (folder / ".hidden").write_text("x")
    with Server(folder, tmp_path, ("127.0.0.1", 0), print) as server:
        assert not {"/link.json", "/.hidden"} & set(server.files)


def test_answers_are_saved_once_per_participant_and_never_over_somebody_elses(server, key):
    answers = tiny_listening.answers(key, "p1")
    assert post(server, answers) == (200, {"saved": "answers-p1.json"})
    assert json.loads((server.folder / "answers-p1.json").read_text()) == answers
    assert post(server, answers)[0] == 200, "sending again, after a lost reply, is fine"
    other = answers | {"session": "0" * 31 + "1"}
    status, said = post(server, other)
    assert status == 409 and "p1" in said["error"]
    assert json.loads((server.folder / "answers-p1.json").read_text()) == answers


def test_simultaneous_strangers_with_one_name_leave_one_whole_file(server, key):
    every = [tiny_listening.answers(key, "crowd") | {"session": f"{i:032x}"} for i in range(8)]
    found = []
    threads = [threading.Thread(target=lambda a=a: found.append(post(server, a)[0])) for a in every]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [200] + [409] * 7
    assert json.loads((server.folder / "answers-crowd.json").read_text()) in every


def test_bad_answers_are_refused_with_the_place_and_leave_nothing(server, key):
    good = tiny_listening.answers(key, "bad")
    before = sorted(server.folder.iterdir())

    def refused(status, value, said, **headers):
        found, reply = post(server, value, **headers)
        assert found == status and said in reply["error"], reply

    refused(400, b"{", "not valid JSON")
    refused(400, b"\xff\xfe", "not valid JSON")
    refused(400, b"[" * 50_000, "not valid JSON")
    refused(400, good | {"participant": "../../etc/cron"}, "participant")
    refused(400, good | {"participant": "con/x"}, "participant")
    refused(400, good | {"participant": "a\n"}, "participant")
    refused(400, good | {"participant": "x" * 41}, "participant")
    refused(400, good | {"test": "0" * 20}, "another test")
    refused(400, good | {"extra": 1}, "extra")
    refused(413, b" " * (MAX_BYTES + 1), "at most")
    refused(415, good, "application/json", **{"Content-Type": "text/plain"})
    refused(403, good, "not the test's own", Origin="http://elsewhere.example")
    reply, _ = ask(server, "POST", "/elsewhere", b"{}", JSON)
    assert reply.status == 404
    assert ask(server, "PUT", "/answers", b"{}", JSON)[0].status == 501
    assert sorted(server.folder.iterdir()) == before


def test_the_schema_knows_the_questions_and_answers_that_the_page_offers():
    answer = SCHEMA["properties"]["answers"]["items"]
    ratings = answer["else"]["properties"]["ratings"]
    assert tuple(ratings["required"]) == tuple(ratings["properties"]) == questions.NAMES
    assert answer["then"]["properties"]["choice"]["anyOf"][1] == {"const": questions.NO_PREFERENCE}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"sheets": {"mos": 0.0, "preference": 0}}, "sheets.mos: 0.0 is not of type 'integer'"),
        ({"sheets": {"mos": True, "preference": 0}}, "sheets.mos: True is not of type 'integer'"),
        ({"started": "\ud800"}, "started: '\\ud800' does not match"),
        ({"ended": "<b>"}, "ended: '<b>' does not match"),
        ({"\ud800": 1}, "unexpected"),
    ],
)
def test_answers_that_only_look_valid_are_refused_like_the_others(server, key, change, said):
    before = sorted(server.folder.iterdir())
    status, reply = post(server, tiny_listening.answers(key, "odd") | change)
    assert status == 400 and said in reply["error"]
    assert sorted(server.folder.iterdir()) == before


@pytest.mark.parametrize(
    "change",
    [
        {"choice": "none", "ratings": {"quality": 1, "relevance": 1, "musicality": 1}},
        {"ratings": {"quality": 1, "relevance": 1}},
        {"ratings": {"quality": 6, "relevance": 1, "musicality": 1}},
        {"ratings": {"quality": 1.0, "relevance": 1, "musicality": 1}},
        {"ratings": {"quality": 1, "relevance": 1, "musicality": 1, "taste": 1}},
        {"heard": [1.5]},
        {"seconds": -1},
        {"clips": []},
        {"note": "x"},
    ],
)
def test_single_answers_of_another_form_are_refused_with_their_place(server, key, change):
    answers = tiny_listening.answers(key, "form")
    place = next(i for i, a in enumerate(answers["answers"]) if "ratings" in a)
    answers["answers"][place] |= change
    status, reply = post(server, answers)
    assert status == 400 and reply["error"].startswith(f"answers[{place}]"), reply
    assert not (server.folder / "answers-form.json").exists()


@pytest.mark.parametrize("depth", [300, 900, 990, 2000])
def test_answers_that_are_nested_too_deep_are_refused(server, depth):
    assert post(server, b'{"format": ' + b"[" * depth + b"]" * depth + b"}")[0] == 400


def test_origins_and_addresses_that_no_browser_sends_get_a_reply(server, key):
    assert post(server, tiny_listening.answers(key, "odd"), Origin="http://[")[0] == 403
    assert b" 400 " in raw(server, "GET http://[ HTTP/1.1\r\nHost: localhost\r\n\r\n")


def test_names_that_were_made_to_lead_here_are_not_answered(built, key, tmp_path):
    with Server(built[0], tmp_path, ("localhost", 0), lambda line: None) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()

        def status(host, method="GET", body=None):
            headers = JSON | {"Host": host, "Origin": f"http://{host}"}
            return ask(other, method, "/answers" if body else "/", body, headers)[0].status

        body = json.dumps(tiny_listening.answers(key, "rebound"))
        port = other.server_address[1]
        for host in (f"evil.example:{port}", "evil.example", "127.0.0.1.evil.example", "[", "localhost.evil.example"):
            assert status(host) == status(host, "POST", body) == 421
        assert not list(tmp_path.iterdir())
        for host in (f"127.0.0.1:{port}", "192.168.0.7", f"LOCALHOST:{port}", "[::1]:80", "localhost."):
            assert status(host) == status(host, "POST", body) == 200
        other.shutdown()
    with Server(built[0], tmp_path, ("0.0.0.0", 0), print) as open_to_all:
        assert not open_to_all.is_own("evil.example") and open_to_all.is_own("10.0.0.3:8765")


def test_whatever_goes_wrong_the_page_gets_a_reply_and_the_log_a_line(built, key, tmp_path):
    lines = []
    with Server(built[0], tmp_path, ("127.0.0.1", 0), lines.append) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        (tmp_path / "answers-anna.json").write_text("{")
        status, said = post(other, tiny_listening.answers(key, "anna"))
        assert status == 409 and "damaged" in said["error"]
        other.answers.save = None
        status, said = post(other, tiny_listening.answers(key, "bo"))
        assert status == 500 and "who runs this test" in said["error"]
        assert any("TypeError" in line for line in lines)
        other.shutdown()


def test_somebody_who_leaves_in_the_middle_costs_a_line_in_the_log(server, capfd):
    with socket.create_connection(server.server_address, timeout=10) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # reset, no farewell
        connection.sendall(b"POST /answers HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n")
        connection.sendall(b"Content-Length: 500\r\n\r\n{")
        time.sleep(0.2)
    deadline = time.monotonic() + 10
    while not any("ConnectionResetError" in line for line in server.lines) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert any("ConnectionResetError" in line for line in server.lines)
    assert "Traceback" not in capfd.readouterr().err


def test_a_request_that_lies_about_its_length_neither_hangs_nor_is_saved(server):
    head = "POST /answers HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    assert b" 411 " in raw(server, head + "\r\n")
    assert b" 411 " in raw(server, head + "Content-Length: -5\r\n\r\n")
    assert b" 413 " in raw(server, head + "Content-Length: 99999999999\r\n\r\n")
    assert b" 400 " in raw(server, head + "Content-Length: 500\r\n\r\n{}")


def test_the_log_has_no_control_characters(server):
    ask(server, "GET", "/x%1b[31m")
    with socket.create_connection(server.server_address, timeout=10) as connection:
        connection.sendall(b"GET /\x1b[31mred HTTP/1.1\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        connection.makefile("rb").read()
    assert server.lines and all(line.isprintable() for line in server.lines)


def test_folders_that_do_not_fit_are_refused(built, tmp_path):
    with pytest.raises(UserError, match="inside the public folder"):
        Server(built[0], built[0] / "audio", ("127.0.0.1", 0), print)
    with pytest.raises(UserError, match="listen build"):
        listen.serve(tmp_path, tmp_path / "answers", "127.0.0.1", 0, print)
    (tmp_path / "index.html").write_text("<p>no test</p>")
    with pytest.raises(UserError, match="holds no listening test"):
        listen.serve(tmp_path, tmp_path / "answers", "127.0.0.1", 0, print)
    with pytest.raises(UserError, match="--port"):
        listen.serve(built[0], tmp_path / "answers", "203.0.113.1", 1, print)
    assert not (built[0] / "answers").exists()


def test_without_werkzeug_it_says_what_to_install(built, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "werkzeug", None)
    monkeypatch.delitem(sys.modules, "ssmttm.listening.server", raising=False)
    with pytest.raises(UserError, match=r"serving needs the package werkzeug: pip install 'ssmttm\[listen\]'"):
        listen.serve(built, tmp_path / "answers", "127.0.0.1", 0, print)
