"""Figures as pictures in a notebook, where no `%matplotlib inline` has come before."""

from base64 import b64encode
from collections.abc import Mapping
from html import escape
from typing import Any


class Figures(dict[str, Any]):
    """Figures by name, a dict that a notebook shows as pictures."""

    def _repr_html_(self) -> str:
        return images(self)


def images(figures: Mapping[str, Any]) -> str:
    """Return figures of matplotlib as HTML: each a name and a picture."""
    return "".join(
        f"<div>{escape(str(name))}<br><img src='data:image/png;base64,{_png(figure)}'></div>"
        for name, figure in figures.items()
    )


def _png(figure: Any) -> str:
    from dlbasics import plotting

    return b64encode(plotting.png(figure)).decode("ascii")
