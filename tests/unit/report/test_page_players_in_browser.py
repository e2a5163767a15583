"""The players of the page in headless Chromium: all systems of a caption in step, by mouse and by keyboard."""

import pytest


def place(article):
    return float(article.locator("input[type=range]").input_value())


MORE = "#laptop-examples article.example"
"""Captions by every system, in a section that is closed at first."""


@pytest.fixture
def example(tab):
    tab.evaluate("document.querySelector('#laptop-listen details').open = true")
    article = tab.locator(MORE).first
    article.scroll_into_view_if_needed()
    return article


def playing(tab, article):
    tab.wait_for_function(
        "a => Number(a.querySelector('input[type=range]').value) > 0.05", arg=article.element_handle()
    )


def test_choosing_another_system_keeps_the_place_and_plays_on(tab, example):
    tab.evaluate("document.querySelector('#laptop-examples article.example').dataset.starts = 0")
    tab.evaluate(
        """() => {
          const start = AudioBufferSourceNode.prototype.start;
          AudioBufferSourceNode.prototype.start = function (...args) {
            const article = document.querySelector("#laptop-examples article.example");
            article.dataset.starts = Number(article.dataset.starts) + 1;
            return start.apply(this, args);
          };
        }"""
    )
    example.locator("button.play").click()
    playing(tab, example)
    started = example.get_attribute("data-starts")
    found = tab.evaluate(
        """() => {
          const article = document.querySelector("#laptop-examples article.example");
          const slider = article.querySelector("input[type=range]");
          const before = Number(slider.value);
          const time = performance.now();
          article.querySelectorAll(".player:not([hidden]) input[type=radio]")[2].click();
          return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() =>
            done([before, Number(slider.value), (performance.now() - time) / 1000]))));
        }"""
    )
    before, after, elapsed = found
    assert -0.01 <= after - before <= elapsed + 0.3
    assert example.get_attribute("data-starts") == started  # nothing was started anew: no gap
    assert example.locator(".player.chosen").count() == 1
    assert example.locator("button.play").inner_text() == "Pause"


def test_all_systems_of_a_caption_are_driven_by_keys(tab, example):
    example.locator("button.play").focus()
    shown = example.locator(".player:not([hidden])")
    tab.keyboard.press("3")
    assert "chosen" in shown.nth(2).get_attribute("class")
    tab.keyboard.press("ArrowRight")
    assert "chosen" in shown.nth(3).get_attribute("class") and shown.nth(3).locator("input").is_checked()
    tab.keyboard.press("ArrowLeft")
    assert "chosen" in shown.nth(2).get_attribute("class")
    shown.nth(2).locator("input").focus()
    tab.keyboard.press("Space")
    playing(tab, example)
    assert example.locator("button.play").get_attribute("aria-pressed") == "true"
    tab.keyboard.press("Space")
    assert example.locator("button.play").get_attribute("aria-pressed") == "false"
    stopped = place(example)
    tab.wait_for_timeout(150)
    assert place(example) == stopped > 0
    tab.keyboard.press("Home")
    assert place(example) == 0


def test_one_caption_plays_at_a_time(tab, example):
    other = tab.locator(MORE).nth(1)
    example.locator("button.play").click()
    playing(tab, example)
    other.locator("button.play").click()
    assert example.locator("button.play").get_attribute("aria-pressed") == "false"
    other.locator("button.play[aria-pressed=true]").wait_for()


def test_a_click_into_a_spectrogram_goes_there(tab, example):
    picture = example.locator(".player:not([hidden]) .picture").nth(1)
    box = picture.bounding_box()
    picture.click(position={"x": box["width"] / 2, "y": 10})
    seconds = float(example.get_attribute("data-seconds"))
    assert place(example) == pytest.approx(seconds / 2, abs=0.06)


def test_after_a_click_into_a_spectrogram_the_space_bar_plays(tab, example):
    example.locator(".player:not([hidden]) .picture").nth(1).click()
    assert tab.evaluate("document.activeElement.closest('.player') !== null")
    tab.keyboard.press("Space")
    playing(tab, example)
    assert example.locator("button.play").get_attribute("aria-pressed") == "true"


def test_a_spectrogram_spans_its_own_clip_beside_longer_ones(tab, example):
    """The middle of a clip of a third of the length is a sixth of the longest."""
    seconds = float(example.get_attribute("data-seconds"))
    player = example.locator(".player:not([hidden])").nth(1)
    assert float(player.get_attribute("data-seconds")) == pytest.approx(seconds)
    player.evaluate("(player, seconds) => { player.dataset.seconds = seconds; }", seconds / 3)
    picture = player.locator(".picture")
    picture.click(position={"x": picture.bounding_box()["width"] / 2, "y": 10})
    assert place(example) == pytest.approx(seconds / 6, abs=0.06)
    places = "player => parseFloat(player.style.getPropertyValue('--place'))"
    assert player.evaluate(places) == pytest.approx(50, abs=2)
    assert example.locator(".player:not([hidden])").nth(2).evaluate(places) == pytest.approx(50 / 3, abs=2)


def test_captions_are_filtered_by_words(tab, example):
    everything = tab.locator(MORE).count()
    box = tab.locator("input[data-filters=laptop-examples]")
    words = tab.locator(f"{MORE} blockquote").first.text_content().split()[-1]
    box.fill(words)
    assert tab.locator(f"{MORE}:visible").count() == 1
    assert tab.locator("output[for=laptop-examples]").inner_text() == f"1 of {everything}"
    box.fill("no such words")
    assert tab.locator(f"{MORE}:visible").count() == 0
    box.fill("")
    assert tab.locator(f"{MORE}:visible").count() == everything


def test_blind_listening_hides_what_would_give_a_system_away(tab, example):
    names = example.locator(".who")
    assert names.first.is_visible()
    tab.locator("#laptop-listen input.blind").check()
    assert not any(names.nth(i).is_visible() for i in range(names.count()))
    letters = example.locator(".player:not([hidden]) .letter").all_inner_texts()
    assert sorted(letters) == [f"System {chr(65 + i)}" for i in range(len(letters))]
    tab.locator("#laptop-listen input.blind").uncheck()
    assert names.first.is_visible()


def test_blind_listening_shuffles_what_is_read_aloud(tab, example):
    """The order of the document, which assistive technology follows, not only that of the screen."""
    systems = example.locator(".player")
    order = "players => players.map((p) => p.dataset.system)"
    before, seen = systems.evaluate_all(order), set()
    for _ in range(4):
        tab.locator("#laptop-listen input.blind").check()
        seen.add(tuple(systems.evaluate_all(order)))
        letters = example.locator(".player:not([hidden]) .letter").all_inner_texts()
        assert letters == [f"System {chr(65 + i)}" for i in range(len(letters))]
        tab.locator("#laptop-listen input.blind").uncheck()
        assert systems.evaluate_all(order) == before
    assert len(seen) > 1 and all(sorted(order) == sorted(before) for order in seen)


def test_the_budget_chooses_which_runs_can_be_heard(tab, example):
    tab.locator("input[name=laptop-budget][value='1'] + span").click()
    shown = example.locator(".player:visible")
    systems = shown.evaluate_all("players => players.map(p => p.dataset.system)")
    assert [s for s in systems if s.endswith("-iters")] == []
    assert example.locator(".player.chosen").is_visible()


def test_the_first_screen_plays_the_reference_and_the_best_in_step(tab):
    first = tab.locator("#laptop-answers article.example")
    shown = first.locator(".player:visible")
    systems = shown.evaluate_all("players => players.map(p => p.dataset.system)")
    assert systems[:2] == ["originals", "codec"] and len(systems) == 4
    assert "simba" in systems[2] or "mamba" in systems[2]
    assert "transformer" in systems[3]
    first.locator("button.play").click()
    playing(tab, first)
    tab.locator("#laptop-answers input.blind").check()
    assert not first.locator(".who").first.is_visible()
    assert first.locator("button.play").get_attribute("aria-pressed") == "true"
