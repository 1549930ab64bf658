"""The digit pad: what its networks read of digits drawn on the real page, and how fast.

    python -m benchmarks.pad

The first part needs the extras `pad` and `browser`, and chromium.  It starts the pad's server and a
browser without a window, moves the mouse along the strokes of `ch08_deep.strokes`, and reads the
answers from the page: with all steps, then with each one switched off, and with none.  The page's
pens are 6 to 44 pixels wide, so a thinner pen becomes one of 6.  The time is the page's own: from
the end of a stroke until the screen shows the new bars.  A drawing takes some seconds, as the
browser takes each movement of the mouse in a frame of its own.

The second part needs scikit-learn.  Its 1,797 digits of 8x8 pixels come from other writers and
another scanner than MNIST's.  Each is enlarged ten times by linear interpolation, with two pixels
of paper around it, and read by the pad's own steps.  The enlargement was chosen on the digits with
even numbers; the benchmark prints the accuracy on those with odd numbers, too.
"""

import argparse
from typing import Any

import numpy as np
from tqdm import tqdm

from benchmarks.browser import browser, pad
from ch08_deep.strokes import KINDS, PIXELS, Drawing, draw_strokes
from dlbasics.pad.networks import probabilities, shipped_networks
from dlbasics.pad.steps import STEPS, as_mnist
from dlbasics.typing import Array

LATENCY = 50
"""The most milliseconds from the end of a stroke to new bars, for 95% of the strokes."""

SETTINGS = {
    "all steps": (),
    **{f"without {step}": (step,) for step in STEPS},
    "no step": tuple(STEPS),
}
"""The steps that are switched off."""


# ---- 1.  The page ----


def draw(page: Any, drawing: Drawing) -> None:
    """Clear the page's sheet, and draw with the mouse."""
    page.evaluate("document.getElementById('clear').click()")
    width = min(max(2 * round(drawing.pen * PIXELS / 2), 6), 44)
    page.locator("#width").fill(str(width))
    box = page.locator("#sheet").bounding_box()
    for stroke in drawing.strokes:
        (first, *rest) = stroke * box["width"] + [box["x"], box["y"]]
        page.mouse.move(*first)
        page.mouse.down()
        for place in rest:
            page.mouse.move(*place)
        page.mouse.up()


SWITCH = """off => {
    for (const tile of document.querySelectorAll("[data-step]")) {
        const box = tile.querySelector("input");
        if (box && box.checked === off.includes(tile.dataset.step)) box.click();
    }
}"""


def switch(page: Any, off: tuple[str, ...]) -> None:
    """Switch these steps off, and all others on."""
    page.evaluate(SWITCH, [*off])


def read(page: Any) -> dict[str, int]:
    """Return what each network reads, once the bars are those of the drawing."""
    page.wait_for_selector("#main:not(.is-waiting)")
    cards = "cards => cards.map(card => [card.dataset.network, Number(card.dataset.guess)])"
    return dict(page.locator("[data-network]").evaluate_all(cards))


def drawn_digits(count: int, seed: int) -> None:
    right: dict[str, dict[str, list[bool]]] = {}
    kinds: dict[str, dict[str, list[bool]]] = {kind: {} for kind in KINDS}
    progress = tqdm(total=count * len(KINDS), unit="drawing")
    with pad("--port", "0") as (_, address), browser() as chromium, progress:
        sheet = chromium.new_page(viewport={"width": 1200, "height": 900})
        sheet.goto(address)
        sheet.wait_for_selector("[data-network]")
        for i, kind in enumerate(KINDS):
            t, rng = (count * i + np.arange(count)) % 10, np.random.default_rng([seed, i])
            for digit, drawing in zip(t, draw_strokes(t, rng, kind), strict=True):
                draw(sheet, drawing)
                answers = {}
                for setting, off in SETTINGS.items():
                    switch(sheet, off)
                    answers[setting] = read(sheet)
                switch(sheet, ())
                for setting, answer in answers.items():
                    for network, guess in answer.items():
                        right.setdefault(setting, {}).setdefault(network, []).append(guess == digit)
                for network, guess in answers["all steps"].items():
                    kinds[kind].setdefault(network, []).append(guess == digit)
                progress.update()
        entries = "performance.getEntriesByName('pen up to bars').map(entry => entry.duration)"
        times = sheet.evaluate(entries)
    print(f"{count} drawings of each kind on the page, read with all steps")
    print_table(kinds)
    print(f"\n{count * len(KINDS)} drawings, by the steps")
    print_table(right)
    late = np.percentile(times, 95)
    verdict = "below" if late < LATENCY else "NOT below"
    print(
        f"\nfrom the end of a stroke to new bars, {len(times)} strokes: median "
        f"{np.median(times):.0f} ms, 95th percentile {late:.0f} ms, {verdict} {LATENCY} ms"
    )


def print_table(rows: dict[str, dict[str, list[bool]]]) -> None:
    networks = [*next(iter(rows.values()))]
    print(" " * 16 + "".join(f"{name:>15}" for name in networks))
    for name, row in rows.items():
        print(f"{name:16}" + "".join(f"{np.mean(row[network]):15.1%}" for network in networks))


# ---- 2.  Digits of other writers ----


def enlarged(x: Array, times: int = 10, margin: int = 2) -> Array:
    """Return a picture with dark ink on light paper from an image (8, 8) with ink from 0 to 16."""
    x = np.pad(x / 16, margin)
    places = (np.arange(times * len(x)) + 0.5) / times - 0.5
    between = np.array([np.interp(places, np.arange(len(x)), pixel) for pixel in np.eye(len(x))]).T
    return 1 - between @ x @ between.T


def other_writers() -> None:
    try:
        from sklearn.datasets import load_digits
    except ModuleNotFoundError:
        print("\nscikit-learn is not installed, so its digits are left out")
        return
    digits = load_digits()
    images = np.array([as_mnist(enlarged(x))[-1].picture for x in digits.images])
    print(f"\nscikit-learn's {len(images):,} digits\n{'':16}{'all':>10}{'odd numbers':>15}")
    for name, network in shipped_networks().items():
        right = probabilities(network, images).argmax(axis=1) == digits.target
        print(f"{name:16}{right.mean():10.1%}{right[1::2].mean():15.1%}")


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--drawings", type=int, default=10, help="of each kind")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(argv)
    drawn_digits(options.drawings, options.seed)
    other_writers()


if __name__ == "__main__":
    main()
