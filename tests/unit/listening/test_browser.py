"""A scripted participant in headless Chromium."""

import json
import re
import shutil
import threading

import pytest
import tiny_listening

from ssmttm.listening.answers import check, parse
from ssmttm.listening.results import collect, read_key
from ssmttm.listening.scoring import Settings
from ssmttm.listening.server import Server
from ssmttm.stages import listen

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield found
        found.close()


@pytest.fixture
def page(browser):
    context = browser.new_context(accept_downloads=True)
    page = context.new_page()
    page.problems = []
    page.on("console", lambda m: page.problems.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda e: page.problems.append(str(e)))
    yield page
    context.close()


@pytest.fixture(scope="module")
def short(study, tmp_path_factory):
    """A test of one caption: (public folder, key)."""
    out = tmp_path_factory.mktemp("short") / "page"
    listen.build(study, out, systems=["zebra-run", "quokka-run"], captions=1)
    return out, read_key(out.with_name("page.key.json"))


@pytest.fixture
def served(short, tmp_path):
    answers = tmp_path / "answers"
    answers.mkdir()
    server = Server(short[0], answers, ("127.0.0.1", 0), lambda line: None)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/", answers
    server.shutdown()
    server.server_close()


def start(page, address, name):
    page.goto(address)
    page.get_by_label("Your participant name").fill(name)
    page.get_by_role("button", name="Start").click()


def listen_to_all(page):
    *before, last = page.locator("#players button").all()
    for button in before:
        button.click()
        sync_api.expect(button).to_have_text(re.compile("Pause"))
        sync_api.expect(button).to_have_text(re.compile("Play"))
    last.click()
    opened(page)


def opened(page):
    """Wait for the questions. (The page's policy forbids wait_for_function, which evaluates text.)"""
    page.locator("#questions fieldset:enabled").first.wait_for()


def answer(page, key):
    """Answer the trial that is shown, as an attentive participant would."""
    trial = page.evaluate("state.trials[state.answers.length]")
    given = tiny_listening.answer_item(trial["item"], key)
    listen_to_all(page)
    for name, value in (given.get("ratings") or {"choice": given["choice"]}).items():
        page.locator(f'input[name="{name}"][value="{value}"]').check()
    page.locator("#questions button").click()


def answered(page):
    return page.evaluate("state.answers.length")


def test_a_participant_reloads_half_way_finishes_and_the_answers_score_as_given(page, served, short):
    (address, folder), key = served, short[1]
    start(page, address, "Anna")
    total = page.evaluate("state.trials.length")
    assert total == 2 + 3 + 1 + 2
    order = page.evaluate("state.trials")
    for _ in range(total // 2):
        answer(page, key)
    page.reload()
    page.get_by_role("button", name=f"Go on ({total // 2} of {total} answered)").click()
    assert answered(page) == total // 2 and page.evaluate("state.trials") == order
    for _ in range(total - total // 2):
        answer(page, key)
    page.get_by_text("Your answers have arrived").wait_for()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save the answers as a file").click()
    sent = parse((folder / "answers-anna.json").read_bytes())
    assert check(sent, key["public"]) == []
    assert json.loads(saved.value.path().read_bytes()) == sent
    assert saved.value.suggested_filename == "answers-anna.json"
    page.get_by_role("button", name="Someone else").click()
    assert page.get_by_label("Your participant name").input_value() not in ("", "anna")
    assert [a["item"] for a in sent["answers"]] == [t["item"] for t in order]
    results = collect([folder], key, Settings(resamples=200))
    assert {(r["system"], r["question"]): r["mean"] for r in results["mos"]} == {
        (s, q): tiny_listening.QUALITY[s] for s in ("zebra-run", "quokka-run") for q in tiny_listening.ratings(1)
    }
    assert [(r["a"], r["b"], r["wins"], r["losses"]) for r in results["preference"]] == [
        ("quokka-run", "zebra-run", 0, 1)
    ]
    assert page.problems == []


def test_from_a_file_without_a_server_questions_open_after_listening_and_a_draft_survives_a_reload(page, built, key):
    start(page, (built[0] / "index.html").as_uri(), "bo")
    radio = page.locator("#questions input").first
    assert radio.is_disabled() and page.locator("#questions button").is_disabled()
    assert "80 %" in page.locator("#status").inner_text()
    page.locator("#players button").click()
    page.get_by_role("button", name="Pause the clip").wait_for()
    assert radio.is_disabled(), "the clip has only begun"
    opened(page)
    assert page.locator("#questions button").is_disabled(), "nothing is answered yet"
    page.locator('input[name="quality"][value="3"]').check()
    page.reload()
    page.get_by_role("button", name="Go on").click()
    assert page.locator('input[name="quality"][value="3"]').is_checked() and radio.is_enabled()
    assert page.problems == []


def test_a_trial_can_be_done_by_keyboard_alone_and_reads_out(page, built):
    page.goto((built[0] / "index.html").as_uri() + "?participant=Cleo")
    assert page.get_by_label("Your participant name").input_value() == "cleo"
    page.get_by_label("Your participant name").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "trial-title"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Play the clip"
    page.keyboard.press("Space")
    opened(page)
    for _ in range(3):
        page.keyboard.press("Tab")
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Next"
    names = page.locator("#questions").aria_snapshot()
    assert 'group "How well does the clip fit the text?"' in names and 'radio "3 Partly"' in names
    page.keyboard.press("Enter")
    assert answered(page) == 1
    assert page.get_by_label("1 of 11 answered").evaluate("e => e.tagName") == "PROGRESS"
    assert page.evaluate("document.activeElement.id") == "trial-title"


def test_the_order_follows_from_the_name_and_is_fair(page, built, key):
    page.goto((built[0] / "index.html").as_uri())
    plans = page.evaluate("[...Array(250).keys()].map((i) => listening.plan(`p${i}`, null).trials)")
    assert plans[7] == page.evaluate("listening.plan('p7', null).trials")
    orders = [[t["item"] for t in plan] for plan in plans]
    assert len({tuple(o) for o in orders}) > 240
    rated = len(key["public"]["sheets"]["mos"][0])
    assert all(sorted(o[:rated]) == key["public"]["sheets"]["mos"][0] for o in orders)
    for item in key["public"]["sheets"]["mos"][0]:
        places = [o.index(item) for o in orders]
        assert abs(sum(places) / len(places) - (rated - 1) / 2) < 0.5, "every trial comes early as often as late"
    pairs = [t for plan in plans for t in plan if len(t["clips"]) == 2]
    first = sum(t["clips"] == sorted(t["clips"]) for t in pairs) / len(pairs)
    assert 0.45 < first < 0.55, "each clip of a pair is A as often as B"
    (again,) = [i for i, item in key["items"].items() if item["role"] == "repeat"]
    twin = key["items"][again]["of"]
    assert min(abs(o.index(again) - o.index(twin)) for o in orders) >= 2


def test_when_the_server_refuses_the_page_says_so_and_the_file_can_be_saved(page, served, short):
    (address, folder), key = served, short[1]
    (folder / "answers-dora.json").write_text(json.dumps(tiny_listening.answers(key, "dora")))
    page.goto(address)
    given = tiny_listening.answers(key, "dora")
    given["session"] = "f" * 32
    state = given | {"trials": given["answers"], "draft": None, "sent": False}
    page.evaluate("s => localStorage.setItem(place('participant:dora'), JSON.stringify(s))", state)
    page.get_by_label("Your participant name").fill("dora")
    page.get_by_role("button", name="Go on").click()
    page.get_by_text("another participant has already answered under the name dora").wait_for()
    assert page.get_by_role("button", name="Send again").is_visible()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save the answers as a file").click()
    assert parse(saved.value.path().read_bytes())["session"] == "f" * 32
