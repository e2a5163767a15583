"""How large is a report, how many words has it, and how long does it take to load? In headless Chromium.

python benchmarks/page.py [results/report.html] [--loads 5]

Each load has an empty profile. Words are those that a reader sees: before the first section, before anything is opened,
and with everything open. The exit status is 1 where a goal is missed.
"""

import argparse
import shutil
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import sync_playwright

MEGABYTES_GOAL, SECONDS_GOAL = 10.0, 2.0
WORDS_GOAL = {"before the first section": 600, "before anything is opened": 3_000, "in all": 15_000}
SCREENS = ((1400, 900), (390, 844))
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]

COUNT = """
() => {
  const words = (text) => text.split(/\\s+/).filter(Boolean).length;
  const first = document.querySelector("main section");
  const before = [...document.querySelectorAll("header.top, nav.contents, main > *")]
    .filter((part) => part.compareDocumentPosition(first) & Node.DOCUMENT_POSITION_FOLLOWING);
  const found = [before.reduce((sum, part) => sum + words(part.innerText), 0), words(document.body.innerText)];
  for (const details of document.querySelectorAll("details")) details.open = true;
  return [...found, words(document.body.innerText)];
}
"""
LOWEST = "Math.max(...[...document.querySelectorAll('.card .verdict')].map((v) => v.getBoundingClientRect().bottom))"


@dataclass(frozen=True)
class Loaded:
    """A page that was loaded once."""

    seconds: float
    """By its own clock."""
    errors: list[str]
    """What it wrote to the console as errors."""
    words: list[int]
    lowest: dict[int, float]
    """By width of the window, how many pixels down the last verdict ends."""


def load(page: Path, chromium: str) -> Loaded:
    """Load a page, and read what there is to see."""
    errors: list[str] = []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        tab = browser.new_page()
        tab.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        tab.on("pageerror", lambda error: errors.append(str(error)))
        tab.goto(page.resolve().as_uri())
        tab.wait_for_load_state("load")
        milliseconds = tab.evaluate("performance.timing.loadEventEnd - performance.timing.navigationStart")
        lowest = {}
        for width, height in SCREENS:
            tab.set_viewport_size({"width": width, "height": height})
            lowest[width] = tab.evaluate(LOWEST)
        tab.set_viewport_size({"width": SCREENS[0][0], "height": SCREENS[0][1]})
        words = tab.evaluate(COUNT)
        browser.close()
    return Loaded(milliseconds / 1000, errors, words, lowest)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=Path, nargs="?", default=Path("results/report.html"))
    parser.add_argument("--loads", type=int, default=5)
    options = parser.parse_args()
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("no chromium on this machine; Debian: apt-get install chromium")
    loads = [load(options.page, chromium) for _ in range(options.loads)]
    seconds, errors = [one.seconds for one in loads], {error for one in loads for error in one.errors}
    megabytes, middle = options.page.stat().st_size / 1e6, statistics.median(seconds)
    print(f"size     {megabytes:.1f} MB (goal: at most {MEGABYTES_GOAL:g})")
    print(f"loaded   {middle:.2f} s, {min(seconds):.2f} to {max(seconds):.2f} (goal: under {SECONDS_GOAL:g})")
    missed = [megabytes > MEGABYTES_GOAL, middle >= SECONDS_GOAL, bool(errors)]
    for (what, goal), words in zip(WORDS_GOAL.items(), loads[0].words, strict=True):
        print(f"words    {words:,} {what} (goal: at most {goal:,})")
        missed.append(words > goal)
    for width, height in SCREENS:
        print(f"verdicts end at pixel {loads[0].lowest[width]:.0f} of {height} (window {width} wide)")
        missed.append(loads[0].lowest[width] > height)
    print(f"errors   {len(errors)}" + "".join(f"\n  {error}" for error in sorted(errors)))
    sys.exit(1 if any(missed) else 0)


if __name__ == "__main__":
    main()
