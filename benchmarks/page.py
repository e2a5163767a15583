"""How large is a report, and how long does it take to load? In headless Chromium, each time with an empty profile.

python benchmarks/page.py [results/report.html] [--loads 5]
"""

import argparse
import shutil
import statistics
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

MEGABYTES_GOAL, SECONDS_GOAL = 15.0, 2.0
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]


def load(page: Path, chromium: str) -> tuple[float, list[str]]:
    """Seconds until the page has loaded, by its own clock, and what it wrote to the console as errors."""
    errors: list[str] = []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        tab = browser.new_page()
        tab.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        tab.on("pageerror", lambda error: errors.append(str(error)))
        tab.goto(page.resolve().as_uri())
        tab.wait_for_load_state("load")
        milliseconds = tab.evaluate("performance.timing.loadEventEnd - performance.timing.navigationStart")
        browser.close()
    return milliseconds / 1000, errors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=Path, nargs="?", default=Path("results/report.html"))
    parser.add_argument("--loads", type=int, default=5)
    options = parser.parse_args()
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("no chromium on this machine; Debian: apt-get install chromium")
    found = [load(options.page, chromium) for _ in range(options.loads)]
    seconds, errors = [s for s, _ in found], {e for _, each in found for e in each}
    print(f"size     {options.page.stat().st_size / 1e6:.1f} MB (goal: under {MEGABYTES_GOAL:g})")
    middle, spread = statistics.median(seconds), f"{min(seconds):.2f} to {max(seconds):.2f}"
    print(f"loaded   {middle:.2f} s, {spread} (goal: under {SECONDS_GOAL:g})")
    print(f"errors   {len(errors)}" + "".join(f"\n  {error}" for error in sorted(errors)))


if __name__ == "__main__":
    main()
