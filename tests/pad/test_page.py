"""The pad's page in a real browser: what a user draws, presses and reads."""

import re

import pytest

from benchmarks.browser import browser, chromium, pad
from dlbasics import TwoLayerNet
from dlbasics.pad.steps import STEPS

pytestmark = [
    pytest.mark.extra,
    pytest.mark.long,
    pytest.mark.skipif(chromium() is None, reason="no chromium or Chrome is on PATH"),
]

pytest.importorskip("flask")
pytest.importorskip("waitress")
sync_api = pytest.importorskip("playwright.sync_api")

SECONDS = 120_000
"""A limit in milliseconds for what would hang, on a busy machine, too."""

READ = "main:not(.is-waiting)"
EXPLAINED = "main:not(.is-waiting):not(.is-stale)"

DIGITS = {
    0: [[(50, 15), (32, 25), (28, 50), (32, 75), (50, 87), (68, 75), (72, 50), (68, 25), (50, 15)]],
    1: [[(52, 15), (50, 85)]],
    2: [[(30, 30), (38, 18), (55, 15), (68, 24), (68, 38), (50, 60), (28, 85), (74, 85)]],
    3: [[(32, 22), (48, 14), (64, 22), (64, 38), (46, 47), (66, 56), (68, 74), (52, 86), (30, 78)]],
    4: [[(38, 15), (28, 55), (74, 55)], [(64, 20), (62, 88)]],
    5: [[(68, 16), (36, 16), (33, 46), (54, 42), (68, 56), (66, 76), (50, 87), (30, 80)]],
    6: [[(62, 13), (42, 32), (31, 58), (36, 80), (52, 87), (66, 76), (64, 60), (48, 54), (34, 66)]],
    7: [[(28, 18), (72, 18), (58, 46), (46, 88)]],
    8: [[(62, 22), (48, 14), (35, 24), (40, 38), (60, 54), (66, 72), (50, 87), (34, 74), (40, 56),
         (60, 38), (62, 22)]],
    9: [[(66, 28), (50, 14), (34, 28), (38, 46), (56, 48), (66, 30), (64, 60), (58, 88)]],
}  # fmt: skip
"""Strokes of the digits, in percent of the sheet."""

DARK, LIGHT = (27, 31, 40), (255, 254, 251)


@pytest.fixture(scope="module")
def chrome():
    with browser() as found:
        yield found


@pytest.fixture(scope="module")
def address():
    with pad("--port", "0") as (_, address):
        yield address


@pytest.fixture
def open_page(chrome, address):
    """Open the page; at the end of the test, nothing has gone wrong in the browser."""
    wrong, contexts = [], []

    def open_page(**options):
        contexts.append(chrome.new_context(**options))
        page = contexts[-1].new_page()
        page.set_default_timeout(SECONDS)
        page.on("console", lambda message: wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda request: request.url.startswith(address) or wrong.append(request))
        page.goto(address)
        page.wait_for_selector("[data-network]")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture
def page(open_page):
    return open_page(viewport={"width": 1200, "height": 900})


def draw(page, strokes):
    """Draw with the mouse."""
    box = page.locator("#sheet").bounding_box()
    for stroke in strokes:
        places = [(box["x"] + x * box["width"] / 100, box["y"] + y * box["width"] / 100)
                  for x, y in stroke]  # fmt: skip
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*place)
        page.mouse.up()


def answer(page):
    page.wait_for_selector(READ)
    return page.locator("#answer").inner_text()


def guess(page, network="DeepConvNet"):
    """Return what a network reads; None if nothing is drawn."""
    page.wait_for_selector(READ)
    return page.locator(f"[data-network={network}]").get_attribute("data-guess")


def count_ink(page):
    """Return the number of pixels with ink on the sheet that the user sees."""
    return page.evaluate("""() => {
        const sheet = document.getElementById("sheet");
        const data = sheet.getContext("2d").getImageData(0, 0, sheet.width, sheet.height).data;
        return data.filter((value, i) => i % 4 === 3 && value > 128).length;
    }""")


def frame(page):
    """Wait until the browser has drawn what changed."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")


# ---- Drawing ----


def test_each_digit_is_drawn_and_read(page):
    found = {}
    for digit, strokes in DIGITS.items():
        page.locator("#clear").click()
        draw(page, strokes)
        found[digit] = guess(page)
    assert found == {digit: str(digit) for digit in DIGITS}
    times = page.evaluate(
        "performance.getEntriesByName('pen up to bars').map(entry => entry.duration)"
    )
    print(f"from pen up to bars: {sorted(round(time) for time in times)} ms")


def test_the_bars_the_answer_and_the_pictures_are_those_of_the_drawing(page):
    assert "Draw a digit" in page.locator("#answer").inner_text()
    assert page.locator(".invitation").is_visible()
    draw(page, DIGITS[7])
    assert re.search(r"^It is a 7: all 3 networks agree|DeepConvNet reads 7", answer(page))
    assert not page.locator(".invitation").is_visible()
    card = page.locator("[data-network=DeepConvNet]")
    assert card.locator(".guess").inner_text() == "7"
    best = card.locator(".is-best")
    assert best.locator(".digit").inner_text() == "7"
    assert re.fullmatch(r">?\d+%", best.locator(".percent").inner_text())
    assert [int(text) for text in card.locator(".digit").all_inner_texts()] == [*range(10)]
    page.wait_for_selector(EXPLAINED)
    assert page.locator("#reasons figure").count() == 4
    assert page.locator("#reasons figcaption").first.inner_text().startswith("7 (")
    names = page.locator("#layers .name").all_inner_texts()
    assert names[0] == "Conv1 Relu1"
    assert page.locator("#layers li").first.locator("canvas").count() == 16
    seen = page.evaluate("""() => {
        const seen = document.getElementById("seen");
        const data = seen.getContext("2d").getImageData(0, 0, 28, 28).data;
        return [seen.width, data[0], Math.max(...data.filter((_, i) => i % 4 === 0))];
    }""")
    assert seen[:2] == [28, 0]
    assert seen[2] > 200


def test_the_bars_move_while_one_draws(page):
    box = page.locator("#sheet").bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 105, box["y"] + 250, steps=5)
    page.wait_for_selector("[data-network=DeepConvNet][data-guess]")
    assert "Draw a digit" in page.locator("#answer").inner_text()  # said once the pen is up
    page.mouse.up()
    assert "Draw" not in answer(page)


def test_a_click_is_a_dot(page):
    draw(page, [[(50, 50)]])
    frame(page)
    assert 2_000 < count_ink(page) < 4_500  # a disc of 60 pixels across


def test_other_buttons_of_the_mouse_do_not_draw(page):
    for button in ("right", "middle"):
        page.locator("#sheet").click(button=button)
    frame(page)
    assert count_ink(page) == 0


@pytest.mark.parametrize("kind", ["touch", "pen"])
def test_a_finger_and_a_pen_draw_and_a_second_finger_does_not(page, kind):
    """Only events of one pointer belong to a stroke."""
    page.evaluate(
        """([kind, stroke]) => {
        const sheet = document.getElementById("sheet");
        const box = sheet.getBoundingClientRect();
        sheet.setPointerCapture = () => {}; // the events are not the browser's own
        const send = (name, id, [x, y]) => sheet.dispatchEvent(new PointerEvent(name, {
            pointerId: id, pointerType: kind, bubbles: true, button: 0,
            clientX: box.left + x * box.width / 100, clientY: box.top + y * box.height / 100}));
        send("pointerdown", 7, stroke[0]);
        send("pointerdown", 8, [5, 5]);
        for (const place of stroke.slice(0, 2)) {
            send("pointermove", 7, place);
            send("pointermove", 8, [5, 95]);
        }
        send("pointerup", 8, [5, 95]);
        for (const place of stroke) send("pointermove", 7, place); // it is still down
        send("pointerup", 7, stroke.at(-1));
        send("pointermove", 7, [95, 5]); // the pen is up
    }""",
        [kind, DIGITS[7][0]],
    )
    assert guess(page) == "7"


def test_a_real_finger_draws_and_the_page_does_not_scroll(open_page):
    page = open_page(viewport={"width": 360, "height": 740}, has_touch=True)
    session = page.context.new_cdp_session(page)
    box = page.locator("#sheet").bounding_box()

    def touch(kind, places):
        points = [{"x": box["x"] + x * box["width"] / 100, "y": box["y"] + y * box["width"] / 100}
                  for x, y in places]  # fmt: skip
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", [(50, 15)])
    for y in range(15, 90, 5):
        touch("touchMove", [(50, y)])
    touch("touchEnd", [])
    assert guess(page) == "1"
    assert page.evaluate("scrollY") == 0


def test_undo_and_clear(page):
    draw(page, DIGITS[1])
    assert guess(page) == "1"
    frame(page)
    ink = count_ink(page)
    draw(page, [[(20, 20), (80, 20)]])
    frame(page)
    with_both = count_ink(page)
    assert with_both > ink
    page.keyboard.press("Control+Shift+z")  # elsewhere this is redo, so it takes nothing back
    frame(page)
    assert count_ink(page) == with_both
    page.locator("#undo").click()
    assert guess(page) == "1"
    frame(page)
    assert count_ink(page) == ink
    page.locator("#clear").click()
    assert guess(page) is None
    frame(page)
    assert count_ink(page) == 0
    assert page.locator(".invitation").is_visible()
    page.keyboard.press("Control+z")  # a clear can be taken back
    assert guess(page) == "1"
    page.keyboard.press("Delete")
    assert guess(page) is None


def test_an_answer_to_an_older_drawing_never_replaces_a_newer_one(page):
    waiting = []
    page.route("**/read?*", lambda route: waiting.append(route))
    draw(page, DIGITS[7])
    while not waiting:
        page.wait_for_timeout(20)
    page.locator("#clear").click()
    waiting.pop(0).continue_()
    page.wait_for_timeout(500)
    assert page.locator("[data-network=DeepConvNet]").get_attribute("data-guess") is None
    assert page.locator(".is-best").count() == 0
    page.unroute("**/read?*")
    draw(page, DIGITS[1])
    assert guess(page) == "1"


def test_the_pens_width(page):
    inks = []
    for width in (6, 44):
        page.locator("#clear").click()
        page.locator("#width").fill(str(width))
        draw(page, DIGITS[1])
        frame(page)
        inks.append(count_ink(page))
    assert 5 < inks[1] / inks[0] < 10


# ---- Steps and networks ----


def test_each_step_has_a_switch_and_one_switches_all(page):
    draw(page, DIGITS[7])
    asked = []
    page.on("request", lambda request: "/read" in request.url and asked.append(request.url))
    switches = page.locator(".step input")
    assert switches.count() == len(STEPS)
    page.locator("#as-drawn").click()
    page.wait_for_selector(READ)
    assert asked[-1].endswith("/read?without=" + ",".join(STEPS))
    assert [switches.nth(i).is_checked() for i in range(len(STEPS))] == [False] * len(STEPS)
    assert page.locator("#as-drawn").get_attribute("aria-pressed") == "true"
    page.locator("#as-mnist").click()
    page.locator("[data-step=crop] input").uncheck()
    page.wait_for_selector(READ)
    assert asked[-1].endswith("/read?without=crop")
    pressed = [
        page.locator(f"#as-{name}").get_attribute("aria-pressed") for name in ("mnist", "drawn")
    ]
    assert pressed == ["false", "false"]
    page.locator("[data-step=crop] input").check()
    assert guess(page) == "7"


def test_another_network_is_looked_into(page):
    draw(page, DIGITS[7])
    page.wait_for_selector(EXPLAINED)
    page.locator("#chosen button", has_text="TwoLayerNet").click()
    page.wait_for_selector(EXPLAINED)
    assert page.locator("#layers .name").all_inner_texts() == ["Affine1 Relu1", "Affine2"]


def test_a_late_explanation_of_another_network_is_not_shown(page):
    draw(page, DIGITS[7])
    page.wait_for_selector(EXPLAINED)
    late = []
    page.route("**/explain?network=TwoLayerNet*", lambda route: late.append(route))
    page.locator("#chosen button", has_text="TwoLayerNet").click()
    while not late:
        page.wait_for_timeout(20)
    page.locator("#chosen button", has_text="SimpleConvNet").click()
    page.wait_for_selector(EXPLAINED)
    with page.expect_response("**/explain?network=TwoLayerNet*"):
        late[0].continue_()
    page.wait_for_timeout(100)
    names = page.locator("#layers .name").all_inner_texts()
    assert names == ["Conv1 Relu1", "Pool1", "Affine1 Relu2", "Affine2"]


def test_the_edge_of_the_ink_is_no_edge_of_the_picture(page):
    """Light paper around dark ink has no edge where the picture ends."""
    page.locator("#as-drawn").click()
    draw(page, DIGITS[7])
    page.wait_for_selector(EXPLAINED)
    darkest = (
        page.locator("#reasons canvas")
        .nth(1)
        .evaluate("""canvas => {
        const context = canvas.getContext("2d");
        const darkest = (x, y, width, height) =>
            context.getImageData(x, y, width, height).data.reduce((a, b) => Math.min(a, b));
        const side = canvas.width;
        return [darkest(0, 0, 1, side), darkest(side - 1, 0, 1, side),
                darkest(0, 0, side, 1), darkest(0, side - 1, side, 1), darkest(0, 0, side, side)];
    }""")
    )
    assert min(darkest[:4]) > 150
    assert darkest[4] < 50  # the line around the digit


# ---- Keyboard, screens and themes ----


def test_one_draws_with_the_keyboard_alone(page):
    sheet = page.locator("#sheet")
    for _ in range(10):
        page.keyboard.press("Tab")
        if sheet.evaluate("sheet => sheet === document.activeElement"):
            break
    assert page.locator("#pen").is_visible()
    for _ in range(10):
        page.keyboard.press("ArrowUp")
    for _ in range(2):
        page.keyboard.down("Space")  # a key that is held repeats itself
    page.keyboard.up("Space")
    assert "down" in sheet.get_attribute("aria-label")
    for _ in range(20):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    assert "up" in sheet.get_attribute("aria-label")
    assert guess(page) == "1"
    assert "1" in answer(page)
    assert page.evaluate("scrollY") == 0
    page.keyboard.press("ArrowRight")  # the pen is up
    frame(page)
    ink = count_ink(page)
    page.keyboard.press("ArrowRight")
    frame(page)
    assert count_ink(page) == ink


def test_every_control_is_reached_by_tab_and_shows_it(page):
    controls = page.locator("button:visible, input:visible, summary:visible, canvas[tabindex]")
    reached = 0
    for _ in range(controls.count()):
        page.keyboard.press("Tab")
        style = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        reached += page.evaluate("document.activeElement !== document.body") and style == "solid"
    assert reached == controls.count()


def test_every_control_has_a_name(page):
    unnamed = page.evaluate("""() =>
        [...document.querySelectorAll("button, input, canvas[tabindex]")]
            .filter((each) => !each.getAttribute("aria-label") && !each.innerText)
            .filter((each) => !each.closest("label")?.innerText)
            .map((each) => each.outerHTML)""")
    assert unnamed == []


@pytest.mark.parametrize("width", [320, 360, 700, 1024])
def test_nothing_is_wider_than_the_screen(open_page, width):
    page = open_page(viewport={"width": width, "height": 740})
    draw(page, DIGITS[3])
    page.wait_for_selector(EXPLAINED)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    sheet = page.locator("#sheet").bounding_box()
    assert sheet["x"] >= 0
    assert sheet["x"] + sheet["width"] <= width
    assert abs(sheet["width"] - sheet["height"]) < 1.5


def test_a_network_of_ones_own_with_a_long_name_fits_a_phone(chrome, tmp_path):
    path = tmp_path / ("a_name_of_many_words_" * 4 + ".npz")
    TwoLayerNet(784, 5, 10, rng=0).save_params(path)
    context = chrome.new_context(viewport={"width": 320, "height": 740})
    page = context.new_page()
    with pad("--port", "0", "--weights", str(path)) as (_, address):
        page.goto(address)
        page.wait_for_selector("[data-network]")
        draw(page, DIGITS[3])
        page.wait_for_selector(EXPLAINED)
        assert page.locator("[data-network]").count() == 4
        assert page.locator("#reasons figure").count() == 4
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
    context.close()


def card_color(page):
    color = page.locator(".reading").evaluate("part => getComputedStyle(part).backgroundColor")
    return tuple(int(part) for part in re.findall(r"\d+", color))


@pytest.mark.parametrize(("scheme", "color"), [("light", LIGHT), ("dark", DARK)])
def test_the_theme_is_the_systems_until_one_is_chosen(open_page, scheme, color):
    page = open_page(color_scheme=scheme)
    assert card_color(page) == color
    colors = []
    for _ in range(3):
        page.locator("#theme").click()
        colors.append(card_color(page))
    assert colors == [LIGHT, DARK, color]
    page.locator("#theme").click()
    page.reload()
    page.wait_for_selector("[data-network]")
    assert card_color(page) == LIGHT  # it was remembered


def test_the_server_gets_dark_ink_on_light_paper_in_both_themes(open_page):
    seen = []
    for scheme in ("light", "dark"):
        page = open_page(color_scheme=scheme)
        with page.expect_request("**/read?*") as sent:
            draw(page, [[(50, 50)]])
        seen.append(sent.value.post_data_buffer)
        page.wait_for_selector(READ)
    assert seen[0] == seen[1]


def test_bars_do_not_glide_if_motion_is_unwelcome(open_page):
    page = open_page(reduced_motion="reduce")
    style = page.locator(".bar").first.evaluate("bar => getComputedStyle(bar).transitionDuration")
    assert style == "0s"


# ---- The server stops ----


def test_a_stopped_server_is_said_and_a_new_one_is_found(chrome):
    context = chrome.new_context()
    page = context.new_page()
    page.set_default_timeout(SECONDS)
    with pad("--port", "0") as (_, address):
        port = address.rpartition(":")[2]
        page.goto(address)
        page.wait_for_selector("[data-network]")
        draw(page, DIGITS[1])
        assert guess(page) == "1"
    draw(page, [[(30, 85), (70, 85)]])
    page.wait_for_selector("#notice:visible")
    assert "has stopped" in page.locator("#notice").inner_text()
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    frame(page)
    assert page.evaluate("scrollY") > 100
    assert 0 <= page.locator("#notice").bounding_box()["y"] < 50, "the notice stays in sight"
    page.locator("#undo").click()
    with pad("--port", port) as (_, again):
        assert again == address
        page.wait_for_selector("#notice", state="hidden")
        assert guess(page) == "1"  # the drawing is still there
    context.close()


def test_a_refusal_is_said_in_the_servers_words(chrome, address):
    context = chrome.new_context()
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("[data-network]")
    draw(page, DIGITS[7])
    assert guess(page) == "7"
    page.route("**/read?*", lambda route: route.fulfill(
        status=422, content_type="application/json", body='{"error": "The drawing has no ink."}'
    ))  # fmt: skip
    draw(page, DIGITS[1])
    page.wait_for_selector("#notice:visible")
    assert page.locator("#notice").inner_text() == "The drawing has no ink."
    assert "cannot read" in page.locator("#answer").inner_text()
    assert not page.locator("[data-guess], .is-best").count()  # no bar is about an older drawing
    context.close()
