"""The page with all figures and numbers in a real browser."""

import pytest

from benchmarks.browser import browser, chromium
from dlbasics.reproduce import main

pytestmark = [
    pytest.mark.extra,
    pytest.mark.long,
    pytest.mark.skipif(chromium() is None, reason="no chromium or Chrome is on PATH"),
]

pytest.importorskip("playwright.sync_api")


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    assert main(["--only", "regions", "buy_apple", "--data", "digits", "--out", str(out)]) == 0
    return (out / "digits" / "report" / "index.html").as_uri()


@pytest.fixture(scope="module")
def chrome():
    with browser() as found:
        yield found


@pytest.fixture
def page(chrome, address):
    """The page, and a check that it asked for nothing and complained about nothing."""
    context = chrome.new_context(viewport={"width": 1280, "height": 900})
    found = context.new_page()
    asked, said = [], []
    found.on("request", lambda request: asked.append(request.url))
    found.on("console", lambda message: said.append(message.text))
    found.on("pageerror", lambda error: said.append(str(error)))
    found.goto(address)
    yield found
    assert [url for url in asked if not url.startswith("data:")] == [address]
    assert said == []
    context.close()


def shown(page):
    return page.locator("article:visible").count()


def test_a_search_leaves_what_has_all_its_words(page):
    everything = shown(page)
    field = page.get_by_role("searchbox")
    field.fill("limitations XOR")
    assert shown(page) == 1
    assert page.locator("section:visible").count() == 1
    assert page.locator("nav li:visible").count() == 1
    assert page.locator("output").inner_text() == f"1 of {everything} experiments"
    field.fill("no such words")
    assert shown(page) == 0
    page.keyboard.press("Escape")
    assert shown(page) == everything
    assert page.locator("output").inner_text() == ""


def test_a_slash_leads_to_the_search(page):
    page.keyboard.press("/")
    page.keyboard.type("apple")
    assert page.get_by_role("searchbox").input_value() == "apple"


def test_a_link_of_the_contents_leads_to_an_experiment(page):
    page.get_by_role("link", name="buy_apple", exact=True).click()
    top = page.locator("#ch05_backprop-buy_apple").bounding_box()["y"]
    assert 0 <= top < 200


def test_every_figure_is_a_picture(page):
    for image in page.locator("figure img").all():
        image.scroll_into_view_if_needed()
        assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_nothing_is_wider_than_the_window(page, width):
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


CONTRAST = """element => {
  const numbers = color => color.match(/[\\d.]+/g).slice(0, 3).map(Number);
  const light = color => numbers(color).map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  let back = element;
  while (getComputedStyle(back).backgroundColor === "rgba(0, 0, 0, 0)") back = back.parentElement;
  const [a, b] = [light(getComputedStyle(element).color),
                  light(getComputedStyle(back).backgroundColor)];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_stand_out_from_their_background(page, scheme):
    page.emulate_media(color_scheme=scheme)
    page.wait_for_timeout(100)
    for kind in ("h1", ".tally", ".facts", "nav a", "td", ".verdict.good", "code", "small"):
        for element in page.locator(kind).all()[:3]:
            assert element.evaluate(CONTRAST) >= 4.5, (kind, scheme)


def test_a_printout_has_all_experiments_and_no_search(page):
    page.emulate_media(media="print")
    assert not page.get_by_role("searchbox").is_visible()
    assert shown(page) == page.locator("article").count()
