"""The README's picture of the digit pad: a 5 drawn on the page, in a browser without a window.

    python -m benchmarks.pad_screenshot

The program needs the extras `pad` and `browser`, and chromium.  It writes docs/figures/pad.png.
"""

import argparse
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.browser import browser, pad

FIVE = (
    [(0.68, 0.18), (0.38, 0.17)],
    [
        (0.38, 0.17), (0.35, 0.44), (0.46, 0.40), (0.58, 0.43), (0.67, 0.53), (0.68, 0.66),
        (0.62, 0.78), (0.50, 0.84), (0.38, 0.82), (0.29, 0.76),
    ],
)  # fmt: skip
"""Strokes, from 0 to 1 across the sheet."""


def draw(page: Any) -> None:
    """Draw with the mouse, and wait until all of the page is about the drawing."""
    box = page.locator("#sheet").bounding_box()
    for stroke in FIVE:
        places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*place, steps=4)
        page.mouse.up()
    page.wait_for_selector("main:not(.is-waiting):not(.is-stale)")
    page.wait_for_timeout(500)  # the bars glide


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    docs = Path(__file__).parents[1] / "docs"
    parser.add_argument(
        "--out", type=Path, default=docs / "figures" / "pad.png", help="the picture's file"
    )
    parser.add_argument("--theme", choices=["light", "dark"], default="light")
    parser.add_argument("--width", type=int, default=1200, help="of the window")
    parser.add_argument("--height", type=int, default=1200, help="of the window")
    args = parser.parse_args()
    with pad("--port", "0") as (_, address), browser() as chromium:
        size = {"width": args.width, "height": args.height}
        page = chromium.new_page(viewport=size, color_scheme=args.theme)
        page.goto(address)
        page.wait_for_selector("[data-network]")
        draw(page)
        page.screenshot(path=args.out)
    # A palette makes the file a third as large.
    with Image.open(args.out) as picture:
        small = picture.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    small.save(args.out, optimize=True)
    print(f"{args.out}: {args.out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
