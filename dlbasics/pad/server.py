"""The server of the digit pad: it hands out the page, and lets the networks read what is drawn.

    GET  /  /pad.js  /pad.css      the page
    GET  /networks                 which networks there are, and which steps
    POST /read?without=crop        a PNG of the sheet; what each network reads, step by step
    POST /explain?network=...      a PNG of the sheet; the network's layers, and pixels that decide

An answer that is no page is JSON.  If a request cannot be answered, the JSON is one sentence,
{"error": "..."}.

Only this machine can connect, and of its browser's pages only ours.  Another site might send
requests to 127.0.0.1, too, or give this address a name of its own; so each request must name us as
its Host, and if it names an Origin, that must be ours.  No path of a request touches the disk.
"""

import socket
import struct
import threading
import webbrowser
from base64 import b64encode
from collections.abc import Mapping, Sequence
from copy import deepcopy
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from flask import Flask, Response, jsonify, request
from PIL import Image
from waitress.server import create_server
from werkzeug.exceptions import (
    BadRequest,
    Forbidden,
    HTTPException,
    UnprocessableEntity,
    UnsupportedMediaType,
)

from dlbasics._internal.checks import Array
from dlbasics._internal.pictures import upright
from dlbasics.network import Network
from dlbasics.pad.explain import input_gradient, layer_outputs, occlusion
from dlbasics.pad.networks import probabilities
from dlbasics.pad.steps import DRAWN, STEPS, Step, as_mnist

PORTS = 20
"""How many ports are tried, one after the other, while they are taken."""

PAGE = Path(__file__).with_name("page")

FILES = {
    "/": ("index.html", "text/html"),
    "/pad.js": ("pad.js", "text/javascript"),
    "/pad.css": ("pad.css", "text/css"),
}

MOST_BYTES = 1_000_000
"""The largest body of a request.  A drawing has a few thousand bytes."""

SIDES = range(28, 1_001)
"""The sides that a drawing may have, in pixels.  The page sends 280 x 280."""

SHOWN = 140
"""A picture of a step with twice as many pixels in a row, or more, is made smaller for the page."""

POLICY = {
    # Nothing may be loaded but our own script, style and answers.  "data:" is the page's icon.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}

SENTENCES = {
    404: "There is nothing at this address.",
    405: "This address does not take this method.",
    413: f"A drawing may have at most {MOST_BYTES:,} bytes.",
    500: "The server made an error; what it is stands in the terminal.",
}


# ---- The application ----


def create_app(networks: Mapping[str, Network]) -> Flask:
    """Return the application, which waitress or any other WSGI server can run.

    Args:
        networks: The networks that read, by name, in the order in which the page shows them.
    """
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MOST_BYTES
    app.config["TRUSTED_HOSTS"] = ["127.0.0.1", "localhost"]
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False  # browsers ask by OPTIONS for other sites
    app.url_map.merge_slashes = False
    app.before_request(refuse_other_sites)
    app.after_request(with_policy)
    app.register_error_handler(HTTPException, sentence)

    readers = Readers(networks)
    for path, (name, mimetype) in FILES.items():
        file = partial(Response, (PAGE / name).read_bytes(), mimetype=mimetype)
        app.add_url_rule(path, name, file)
    app.add_url_rule("/networks", "networks", readers.overview)
    app.add_url_rule("/read", "read", readers.read, methods=["POST"])
    app.add_url_rule("/explain", "explain", readers.explain, methods=["POST"])
    return app


class Readers:
    """The networks, and what they answer to a request.

    Requests come from several threads.  Explanations take longer than predictions and write into
    the layers, so they have networks of their own, for which no prediction waits.
    """

    def __init__(self, networks: Mapping[str, Network]) -> None:
        self.networks = dict(networks)
        self.explained = deepcopy(self.networks)
        self.reading, self.explaining = threading.Lock(), threading.Lock()

    def overview(self) -> Response:
        query()
        sizes = {
            name: sum(param.size for param in network.params.values())
            for name, network in self.networks.items()
        }
        return jsonify(
            networks=[{"name": name, "parameters": int(size)} for name, size in sizes.items()],
            steps=[
                {"name": name, "title": step.title, "text": step.text}
                for name, step in {"drawn": DRAWN, **STEPS}.items()
            ],
        )

    def read(self) -> Response:
        steps = steps_of(drawing(), query("without"))
        with self.reading:
            answers = [
                {"name": name, "probabilities": probabilities_of(network, name, steps).tolist()}
                for name, network in self.networks.items()
            ]
        return jsonify(steps=[shown(step) for step in steps], networks=answers)

    def explain(self) -> Response:
        values = query("without", "network")
        name = values.get("network", [*self.networks][-1])
        if name not in self.explained:
            raise BadRequest(
                f"network must be one of {', '.join(self.explained)}, got {name!r:.40}."
            )
        network, steps = self.explained[name], steps_of(drawing(), values)
        image = steps[-1].picture
        with self.explaining:
            y = probabilities_of(network, name, steps)
            best = [int(k) for k in np.argsort(-y, kind="stable")[:2]]
            layers = stages(network, layer_outputs(network, image))
            gradient, covered = (
                [scaled(picture) for picture in why(network, image, best)]
                for why in (input_gradient, occlusion)
            )
        return jsonify(
            network=name,
            layers=[{"name": name, "maps": maps(output)} for name, output in layers.items()],
            guesses=[
                {"digit": k, "probability": float(y[k]), "gradient": slopes, "occlusion": falls}
                for k, slopes, falls in zip(best, gradient, covered, strict=True)
            ],
        )


def probabilities_of(network: Network, name: str, steps: Sequence[Step]) -> Array:
    """Return the probabilities (10,) that a network gives the digits."""
    y = probabilities(network, steps[-1].picture[np.newaxis])[0]
    if not np.isfinite(y).all():
        raise UnprocessableEntity(
            f"{name} computes no finite probabilities; are its weights damaged?"
        )
    return y


def stages(network: Network, outputs: Mapping[str, Array]) -> dict[str, Array]:
    """Return the outputs that the page shows: one for each layer with weights or pooling.

    What follows such a layer, such as Relu, belongs to it: "Conv1 Relu1" is the output of Relu1.
    """
    found: list[tuple[list[str], Array]] = []
    for name, output in outputs.items():
        layer = network.layers[name]
        if not found or "W" in layer.param_names or output.shape != found[-1][1].shape:
            found.append(([], output))
        found[-1][0].append(name)
        found[-1] = found[-1][0], output
    return {" ".join(names): output for names, output in found}


# ---- Pictures in JSON ----


def encoded(values: Array) -> dict[str, Any]:
    """Return a picture of bytes (H, W) as the page takes it."""
    height, width = values.shape
    pixels = b64encode(values.astype(np.uint8).tobytes()).decode("ascii")
    return {"height": height, "width": width, "pixels": pixels}


def shown(step: Step) -> dict[str, Any]:
    """Return the picture of a step: byte 0 is black, 255 is white."""
    x = step.picture
    k = max(1, max(x.shape) // SHOWN)
    if k > 1:
        h, w = (max(1, side // k) for side in x.shape)
        x = x[: h * k, : w * k].reshape(h, -1, w, min(k, x.shape[1])).mean(axis=(1, 3))
    return {"name": step.name, "title": step.title, **encoded(np.rint(255 * np.clip(x, 0, 1)))}


def scaled(values: Array, largest: float | None = None) -> dict[str, Any]:
    """Return positive and negative values (H, W) as a picture: byte 128 is 0.

    The value farthest from 0, or `largest`, is 255, or 1 if it is negative.
    """
    largest = float(np.abs(values).max()) if largest is None else largest
    shares = values / largest if 0 < largest < np.inf else np.zeros_like(values)
    return encoded(np.rint(128 + 127 * shares))


def maps(output: Array) -> list[dict[str, Any]]:
    """Return the output of a layer as pictures of one scale: maps (C, H, W), or a row of (n,)."""
    pictures = output if output.ndim == 3 else output.reshape(1, 1, -1)
    return [scaled(picture, float(np.abs(output).max())) for picture in pictures]


# ---- Requests ----


def refuse_other_sites() -> None:
    """Answer with an error if a page of another site sent the request.

    Flask refuses other hosts than TRUSTED_HOSTS as soon as `request.host` is read.
    """
    origin = request.headers.get("Origin", f"http://{request.host}")
    site = request.headers.get("Sec-Fetch-Site", "none")
    if origin != f"http://{request.host}" or site not in ("same-origin", "none"):
        raise Forbidden("Only the digit pad's own page may ask; type its address into the browser.")


def query(*names: str) -> dict[str, str]:
    """Return the values after "?" by name; each name occurs once at most."""
    for name, values in request.args.lists():
        if name not in names:
            raise BadRequest(f"This address takes no {name!r:.40}.")
        if len(values) > 1:
            raise BadRequest(f"{name} must stand there once, got {len(values)} of it.")
    return request.args.to_dict()


def steps_of(picture: Array, values: Mapping[str, str]) -> list[Step]:
    """Return the steps from a drawing to the image, without those named by the query."""
    without = [*filter(None, values.get("without", "").split(","))]
    for name in without:
        if name not in STEPS or without.count(name) > 1:
            raise BadRequest(
                f"without must name different steps of {','.join(STEPS)}, got {name!r:.40}."
            )
    try:
        return as_mnist(picture, without=without)
    except ValueError as error:
        raise UnprocessableEntity(f"The drawing cannot be read: {error}.") from None


def drawing() -> Array:
    """Return the grey values (H, W), uint8, of the PNG that is the request's body."""
    if request.mimetype != "image/png":
        raise UnsupportedMediaType(f"A drawing is sent as image/png, got {request.mimetype!r:.40}.")
    body = request.get_data()
    # A PNG begins with 16 bytes that are always the same, and then its width and height.
    # We look at them first, since a small file may unpack to more pixels than memory holds.
    if len(body) < 24 or not body.startswith(b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR"):
        raise BadRequest("The body is not a PNG.")
    width, height = struct.unpack(">II", body[16:24])
    if width not in SIDES or height not in SIDES:
        raise BadRequest(
            f"A drawing has {SIDES[0]} to {SIDES[-1]:,} pixels in each direction, "
            f"got {width} x {height}.",
        )
    return decoded(body)


def decoded(body: bytes) -> Array:
    try:
        with Image.open(BytesIO(body), formats=["PNG"]) as picture:
            if getattr(picture, "is_animated", False):
                raise ValueError("a drawing is one picture")
            return np.asarray(upright(picture, color=False))
    except Exception:  # its class depends on which bytes are damaged
        raise BadRequest("The PNG is damaged, or it is an animation.") from None


# ---- Answers ----


def sentence(error: HTTPException) -> tuple[Response, int]:
    """Return an error as JSON, with no more about the server than a sentence."""
    code = error.code or 500
    return jsonify(error=SENTENCES.get(code, error.description)), code


def with_policy(response: Response) -> Response:
    """Tell the browser to load nothing from elsewhere, and to let nobody else read or frame us."""
    response.headers.update(POLICY)
    return response


# ---- The server ----


def serve(networks: Mapping[str, Network], port: int = 8000, browser: bool = True) -> None:
    """Serve the page on this machine until Ctrl-C.

    Args:
        networks: The networks that read, by name.
        port: The port.  If it is taken, the next free one is used.  0 lets the system choose.
        browser: True opens the page in the user's browser.

    Raises:
        OSError: If no port is free.
    """
    app = create_app(networks)
    listener = listen(port)
    found = listener.getsockname()[1]
    address = f"http://127.0.0.1:{found}"
    if port not in (0, found):
        print(f"Port {port} is taken, so the pad uses {found}.")
    server = create_server(
        app,
        sockets=[listener],
        threads=8,  # a browser opens up to six connections
        ident=None,
        # Above this, waitress answers by itself; a little too much is answered by our sentence.
        max_request_body_size=2 * MOST_BYTES,
    )
    try:
        print(f"The digit pad is at {address}\nCtrl-C stops it.", flush=True)
        if browser:
            # The listener takes connections already.  A browser in a terminal would block us.
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
        server.run()  # returns at Ctrl-C
    except KeyboardInterrupt:
        pass  # it came before `run`
    finally:
        server.close()
    print("The digit pad has stopped.")


def listen(port: int) -> socket.socket:
    """Return a socket of this machine alone, at the port or the next one that is free."""
    for candidate in range(port, min(port + PORTS, 65_536)):
        try:
            return socket.create_server(("127.0.0.1", candidate))
        except OSError as error:
            reason = error
    raise OSError(f"no port from {port} to {candidate} is free: {reason}")
