import shutil

import pytest


@pytest.fixture(scope="session")
def page(results):
    """The report on that tree, as text."""
    from ssmttm.stages import report

    out = results["root"] / "report.html"
    report.run(results["spec"], results["studies"], results["data"], out)
    return out.read_text(encoding="utf-8")


CHROMIUM = shutil.which("chromium")
ARGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="module")
def browser():
    """Headless Chromium; for one module, since playwright allows one at a time."""
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def address(page, results):
    return (results["root"] / "report.html").as_uri()


@pytest.fixture
def tab(browser, address):
    """A tab with the page, which collects what goes wrong and what is asked for."""
    opened = browser.new_page(viewport={"width": 1300, "height": 900})
    opened.wrong, opened.asked = [], []
    opened.on("console", lambda message: opened.wrong.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: opened.wrong.append(str(error)))
    opened.on("request", lambda request: opened.asked.append(request.url))
    opened.goto(address)
    yield opened
    assert opened.wrong == []
    assert [url for url in opened.asked if not url.startswith(("data:", "blob:", "file:"))] == []
    opened.close()
