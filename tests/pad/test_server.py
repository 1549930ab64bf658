"""What the pad's server answers, and what it refuses.  No browser is needed."""

import base64
import contextlib
import json
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import zlib
from http.client import HTTPConnection
from importlib import import_module
from io import BytesIO

import numpy as np
import pytest

from benchmarks.browser import pad
from dlbasics import TwoLayerNet
from dlbasics.pad.explain import layer_outputs, occlusion
from dlbasics.pad.networks import probabilities, shipped_networks
from dlbasics.pad.steps import STEPS, as_mnist

pytestmark = [pytest.mark.extra, pytest.mark.long]

pytest.importorskip("flask")
pytest.importorskip("waitress")
Image = pytest.importorskip("PIL.Image")
server = import_module("dlbasics.pad.server")

HOST = "http://127.0.0.1:8000"
NETWORKS = shipped_networks()


# ---- Drawings ----


def sheet(side=280):
    """Return a seven, grey values (side, side)."""
    x = np.full((side, side), 255, np.uint8)
    k = side // 14
    x[2 * k : 3 * k, 3 * k : 10 * k] = 0
    for i in range(9 * k):
        left = 9 * k - i // 3
        x[3 * k + i, left : left + k] = 0
    return x


def png(picture=None, **options):
    """Return a picture of Pillow's, or an array, as the bytes of a PNG."""
    picture = sheet() if picture is None else picture
    file = BytesIO()
    picture = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    picture.save(file, "PNG", **options)
    return file.getvalue()


def chunk(kind, content):
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )


def bomb(width, height, depth=8, color=0):
    """Return a small PNG that unpacks to many pixels."""
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    rows = zlib.compress(bytes(1_000_000), 9)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


def pixels(picture):
    """Return the bytes (H, W) of a picture in an answer."""
    values = np.frombuffer(base64.b64decode(picture["pixels"]), np.uint8)
    return values.reshape(picture["height"], picture["width"])


# ---- Requests ----


@pytest.fixture(scope="module")
def app():
    return server.create_app(NETWORKS)


@pytest.fixture
def ask(app):
    """Send a request to the application, without a socket."""

    def ask(path, body=None, method=None, **headers):
        headers = {"Host": "127.0.0.1:8000", "Content-Type": "image/png"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        method = method or ("GET" if body is None else "POST")
        headers = {name: value for name, value in headers.items() if value is not None}
        return app.test_client().open(
            path, method=method, data=body, headers=headers, base_url=HOST
        )

    return ask


@pytest.fixture(scope="module")
def running():
    """The address of a server in a process of its own: host and port."""
    with pad("--port", "0") as (process, address):
        yield "127.0.0.1", int(address.rpartition(":")[2])
        assert process.poll() is None, process.stdout.read()


def is_refusal(answer):
    """Return whether an answer is a 4xx with one sentence, and nothing about our files."""
    text = answer.get_data(as_text=True)
    sentence = json.loads(text)["error"]
    return (
        400 <= answer.status_code < 500
        and sentence.endswith((".", "?"))
        and len(sentence) < 400
        and "Traceback" not in text
        and ".py" not in text
    )


# ---- Answers ----


@pytest.mark.parametrize(
    ("path", "kind", "begins"),
    [
        ("/", "text/html; charset=utf-8", "<!doctype html>"),
        ("/pad.js", "text/javascript; charset=utf-8", "//"),
        ("/pad.css", "text/css; charset=utf-8", "/*"),
    ],
)
def test_the_page_is_three_files(ask, path, kind, begins):
    answer = ask(path)
    assert (answer.status_code, answer.content_type) == (200, kind)
    assert answer.get_data(as_text=True).startswith(begins)


def test_the_page_names_no_other_host_and_has_no_inline_script_or_style(ask):
    files = {path: ask(path).get_data(as_text=True) for path in server.FILES}
    page = files["/"]
    assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=|javascript:", page)
    for text in files.values():
        assert set(re.findall(r"https?://[^\s'\"]+", text)) <= {"http://www.w3.org/2000/svg"}


def test_networks_are_listed_with_their_sizes_and_the_steps(ask):
    answer = ask("/networks").json
    assert [network["name"] for network in answer["networks"]] == [*NETWORKS]
    assert answer["networks"][0]["parameters"] == NETWORKS["TwoLayerNet"].summary().total
    assert [step["name"] for step in answer["steps"]] == ["drawn", *STEPS]
    assert all(step["title"] and step["text"].endswith(".") for step in answer["steps"])


@pytest.mark.parametrize("without", ["", "crop", "crop,centre", ",".join(STEPS)])
def test_a_drawing_is_read_by_all_networks(ask, without):
    answer = ask(f"/read?without={without}", png())
    steps = as_mnist(sheet(), without=[*filter(None, without.split(","))])
    assert [step["name"] for step in answer.json["steps"]] == [step.name for step in steps]
    image = steps[-1].picture
    np.testing.assert_array_equal(pixels(answer.json["steps"][-1]), np.rint(255 * image))
    for found, (name, network) in zip(answer.json["networks"], NETWORKS.items(), strict=True):
        assert found["name"] == name
        expected = probabilities(network, image[np.newaxis])[0]
        np.testing.assert_allclose(found["probabilities"], expected, rtol=1e-5, atol=1e-7)


def test_large_pictures_of_steps_are_made_smaller(ask):
    drawn = pixels(ask("/read", png()).json["steps"][0])
    assert drawn.shape == (140, 140)
    np.testing.assert_allclose(drawn, sheet().reshape(140, 2, 140, 2).mean(axis=(1, 3)), atol=1)


@pytest.mark.parametrize("name", [*NETWORKS])
def test_an_explanation_has_the_layers_and_the_pixels_of_the_two_best_guesses(ask, name):
    answer = ask(f"/explain?network={name}", png()).json
    image = as_mnist(sheet())[-1].picture
    y = probabilities(NETWORKS[name], image[np.newaxis])[0]
    assert [guess["digit"] for guess in answer["guesses"]] == [*np.argsort(-y)[:2]]
    assert [guess["probability"] for guess in answer["guesses"]] == pytest.approx(
        sorted(y)[:-3:-1], rel=1e-4
    )
    for guess in answer["guesses"]:
        values = occlusion(NETWORKS[name], image, [guess["digit"]])[0]
        shown = pixels(guess["occlusion"]).astype(int) - 128
        np.testing.assert_allclose(shown, 127 * values / np.abs(values).max(), atol=1.5)
        assert pixels(guess["gradient"]).shape == (28, 28)
        assert np.abs(pixels(guess["gradient"]).astype(int) - 128).max() == 127
    last = answer["layers"][-1]
    scores = NETWORKS[name].predict(image.reshape(1, 1, 28, 28))[0]
    (row,) = last["maps"]
    assert pixels(row).argmax() == scores.argmax()


def test_a_layer_is_shown_with_what_follows_it(ask):
    layers = ask("/explain?network=SimpleConvNet", png()).json["layers"]
    names = ["Conv1 Relu1", "Pool1", "Affine1 Relu2", "Affine2"]
    assert [layer["name"] for layer in layers] == names
    assert [len(layer["maps"]) for layer in layers[:2]] == [30, 30]
    maps = np.array([pixels(picture) for picture in layers[0]["maps"]])
    assert maps.max() == 255  # the maps of a layer share a scale
    assert maps.min() == 128  # 0, after Relu
    assert (maps.max(axis=(1, 2)) < 255).any()


# ---- Drawings that are no drawings ----


@pytest.mark.parametrize(
    "picture",
    [
        Image.fromarray(sheet()).convert("1"),
        Image.fromarray(sheet()).convert("P"),
        Image.fromarray(sheet()).convert("RGB"),
        Image.fromarray(sheet()).convert("RGBA"),
        Image.fromarray(sheet()).convert("LA"),
        Image.fromarray(sheet().astype(np.uint16) * 257),
        Image.fromarray(sheet(28)),
        Image.fromarray(sheet(1000)),
    ],
    ids=lambda picture: f"{picture.mode}-{picture.width}",
)
def test_pngs_of_every_kind_are_read(ask, picture):
    answer = ask("/read", png(picture))
    assert answer.status_code == 200
    mass = pixels(answer.json["steps"][-1]).astype(float)
    assert mass.max() > 200


ANIMATION = png(
    Image.fromarray(sheet()), save_all=True, append_images=[Image.fromarray(255 - sheet())]
)
GIF = BytesIO()
Image.fromarray(sheet()).save(GIF, "GIF")


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b"", 400, "not a PNG"),
        (b"\x89PNG\r\n\x1a\n", 400, "not a PNG"),
        (b"7", 400, "not a PNG"),
        (GIF.getvalue(), 400, "not a PNG"),
        (png()[:300], 400, "damaged"),
        (png()[:33], 400, "damaged"),
        (png().replace(b"IDAT", b"IDAX"), 400, "damaged"),
        (ANIMATION, 400, "animation"),
        (png(sheet(14)), 400, "28 to 1,000 pixels"),
        (png(sheet(1008)), 400, "28 to 1,000 pixels"),
        (bomb(60_000, 60_000), 400, "got 60000 x 60000"),
        (bomb(2**31 - 1, 2**31 - 1), 400, "28 to 1,000"),
        (bomb(0, 280), 400, "28 to 1,000"),
        (bomb(1000, 1000, depth=16, color=6), 400, "damaged"),
        (bomb(280, 280, depth=3), 400, "damaged"),
        (b"0" * 1_000_001, 413, "1,000,000 bytes"),
        (png(np.full((280, 280), 255, np.uint8)), 422, "no ink"),
        (png(np.zeros((280, 280), np.uint8)), 422, "no ink"),
    ],
)
@pytest.mark.parametrize("path", ["/read", "/explain"])
def test_other_bodies_are_refused_with_a_sentence(ask, path, body, status, says):
    answer = ask(path, body)
    assert is_refusal(answer)
    assert answer.status_code == status
    assert says in answer.json["error"]


def test_a_bomb_in_a_text_beside_the_picture_is_refused(ask):
    text = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(20_000_000), 1))
    body = png()
    assert is_refusal(ask("/read", body[:33] + text + body[33:]))


# ---- Other addresses, methods, types and values ----


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/read?without=nan", "got 'nan'"),
        ("/read?without=NaN,crop", "got 'NaN'"),
        ("/read?without=crop,crop", "different steps"),
        ("/read?without=crop&without=centre", "once"),
        ("/read?without=drawn", "got 'drawn'"),
        ("/read?without=" + 300 * "x", "got 'xxx"),
        ("/read?network=DeepConvNet", "takes no 'network'"),
        ("/read?<script>=1", "takes no '<script>'"),
        ("/explain?network=", "must be one of TwoLayerNet"),
        ("/explain?network=ResNet", "got 'ResNet'"),
        ("/explain?network=../../secret", "must be one of"),
        ("/explain?network=DeepConvNet&network=DeepConvNet", "once"),
        ("/explain?without=nan", "got 'nan'"),
        ("/explain?class=3", "takes no 'class'"),
    ],
)
def test_other_values_in_the_query_are_refused_with_a_sentence(ask, path, says):
    answer = ask(path, png())
    assert is_refusal(answer)
    assert answer.status_code == 400
    assert says in answer.json["error"]


def test_the_list_of_networks_takes_no_query(ask):
    assert is_refusal(ask("/networks?x=1"))


@pytest.mark.parametrize(
    "path",
    [
        "/server.py", "/page/pad.js", "/static/pad.js", "/pad.js/", "/../server.py",
        "/%2e%2e/server.py", "/..%2fserver.py", "/etc/passwd", "/index.html",
        "/pad.js%00.css", "/C:/windows/win.ini", "/read/..", "/favicon.ico",
    ],
)  # fmt: skip
def test_no_other_path_leads_anywhere(ask, path):
    answer = ask(path)
    assert is_refusal(answer)
    assert answer.status_code == 404


def test_no_request_opens_a_file(ask, monkeypatch):
    """What the page needs was read when the application was made."""
    import_module("PIL.PngImagePlugin")
    ask("/read", png())  # imports what is imported late

    def no_file(*arguments, **_):
        raise AssertionError(f"a request opened {arguments}")

    monkeypatch.setattr("builtins.open", no_file)
    monkeypatch.setattr("io.open", no_file)
    for path in server.FILES:
        assert ask(path).status_code == 200
    assert ask("/read", png()).status_code == 200
    assert ask("/explain", png()).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/"), ("PUT", "/pad.js"), ("POST", "/networks"), ("GET", "/read"),
        ("GET", "/explain"), ("DELETE", "/read"), ("OPTIONS", "/read"), ("OPTIONS", "/"),
        ("TRACE", "/read"), ("PATCH", "/explain"), ("BREW", "/"),
    ],
)  # fmt: skip
def test_other_methods_are_refused(ask, method, path):
    answer = ask(path, png(), method=method)
    assert is_refusal(answer)
    assert answer.status_code == 405
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "image/jpeg",
             "application/json", "image/svg+xml", "", None],
)  # fmt: skip
def test_other_types_are_refused_also_those_that_a_form_of_another_site_may_send(ask, kind):
    answer = ask("/read", png(), Content_Type=kind)
    assert is_refusal(answer)
    assert answer.status_code == 415


# ---- Other sites ----


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost:8000"}, 200),
        ({"Host": "localhost"}, 200),
        ({"Origin": "http://127.0.0.1:8000", "Sec_Fetch_Site": "same-origin"}, 200),
        ({"Host": "localhost:8000", "Origin": "http://localhost:8000"}, 200),
        ({"Sec_Fetch_Site": "none"}, 200),
        # A name that someone else gave to this address, to get around the rule of the same origin.
        ({"Host": "evil.example"}, 400),
        ({"Host": "evil.example:8000"}, 400),
        ({"Host": "127.0.0.1.evil.example:8000"}, 400),
        ({"Host": "localhost.evil.example"}, 400),
        ({"Host": "evil.example", "Origin": "http://evil.example"}, 400),
        ({"Host": "0.0.0.0:8000"}, 400),
        ({"Host": "[::1]:8000"}, 400),
        ({"Host": ""}, 400),
        ({"Host": "127.0.0.1:8000@evil.example"}, 400),
        ({"X_Forwarded_Host": "evil.example"}, 200),  # nobody forwards to us, so nobody reads it
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "https://127.0.0.1:8000"}, 403),
        ({"Origin": "http://127.0.0.1:9999"}, 403),
        ({"Origin": "http://127.0.0.1"}, 403),
        ({"Origin": "http://localhost:8000"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Sec_Fetch_Site": "same-site"}, 403),
        ({"Origin": "http://127.0.0.1:8000", "Sec_Fetch_Site": "cross-site"}, 403),
    ],
)
@pytest.mark.parametrize("path", ["/", "/networks", "/read", "/nowhere"])
def test_only_our_own_page_may_ask(ask, path, headers, status):
    answer = ask(path, png() if path == "/read" else None, **headers)
    if status == 200:
        assert answer.status_code == (404 if path == "/nowhere" else 200)
    else:
        assert is_refusal(answer)
        assert answer.status_code == status


def test_every_answer_tells_the_browser_what_it_may_do(ask):
    for answer in (ask("/"), ask("/read", png()), ask("/nowhere"), ask("/", Host="evil.example")):
        headers = answer.headers
        policy = dict(rule.split(" ", 1) for rule in headers["Content-Security-Policy"].split("; "))
        assert policy == {
            "default-src": "'none'",
            "script-src": "'self'",
            "style-src": "'self'",
            "connect-src": "'self'",
            "img-src": "data:",
            "base-uri": "'none'",
            "form-action": "'none'",
            "frame-ancestors": "'none'",
        }
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["Cache-Control"] == "no-store"
        assert "Access-Control-Allow-Origin" not in headers
        assert "Set-Cookie" not in headers


# ---- Our own errors ----


def test_an_error_of_ours_is_a_500_with_a_sentence_and_the_server_lives_on(
    ask, monkeypatch, caplog
):
    def broken(*_, **__):
        raise RuntimeError("a secret")

    with monkeypatch.context() as changed:
        changed.setattr(server, "as_mnist", broken)
        answer = ask("/read", png())
    assert answer.status_code == 500
    assert answer.json["error"] == server.SENTENCES[500]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "a secret" in caplog.text  # the user sees it in the terminal
    assert ask("/read", png()).status_code == 200


def test_damaged_weights_are_a_sentence_and_no_nan_in_json():
    network = TwoLayerNet(784, 5, 10, rng=0)
    network.params["W1"][:] = np.nan
    client = server.create_app({"mine": network}).test_client()
    for path in ("/read", "/explain"):
        answer = client.post(path, data=png(), content_type="image/png", base_url=HOST)
        assert is_refusal(answer)
        assert "mine computes no finite probabilities" in answer.json["error"]


def test_a_drawing_is_read_while_another_one_is_explained(ask, monkeypatch):
    done = []

    def meanwhile(network, image):
        reader = threading.Thread(target=lambda: done.append(ask("/read", png()).status_code))
        reader.start()
        reader.join(30)
        done.append("outputs")
        return layer_outputs(network, image)

    monkeypatch.setattr(server, "layer_outputs", meanwhile)
    assert ask("/explain", png()).status_code == 200
    assert done == [200, "outputs"]


# ---- A real server ----


def test_requests_from_several_threads_get_their_own_answers(running):
    drawings = [np.rot90(sheet(), k) for k in range(4)]
    expected = [as_mnist(x)[-1].picture for x in drawings]
    wrong = []

    def draw(k):
        for path in ("/read", "/explain", "/read"):
            connection = HTTPConnection(*running, timeout=60)
            connection.request("POST", path, png(drawings[k]), {"Content-Type": "image/png"})
            answer = connection.getresponse()
            found = json.loads(answer.read())
            connection.close()
            if answer.status != 200:
                wrong.append(found)
            elif path == "/read":
                image = np.rint(255 * expected[k])
                if (pixels(found["steps"][-1]) != image).any():
                    wrong.append(k)

    threads = [threading.Thread(target=draw, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_only_this_machine_can_connect(running):
    _, port = running
    for line in server_sockets(port):
        assert line == "127.0.0.1"


def server_sockets(port):
    """Return the addresses of our own that take a connection to the port."""
    own = {"127.0.0.1"}
    try:
        own |= {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None)}
    except OSError:
        pass  # a machine without a name
    for address in own:
        try:
            socket.create_connection((address, port), timeout=5).close()
        except OSError:
            continue
        if not address.startswith("127."):
            yield address
        else:
            yield "127.0.0.1"


def malformed(rng):
    """Return the method, the path, the headers and the body of a random request, not a good one."""
    words = ["read", "explain", "networks", "pad.js", "", "..", "%00", "\u00e9", "x" * 50, "?", "&"]
    path = "/" + "/".join(rng.choice(words, rng.integers(1, 4))).lstrip("/")
    names, values = ["without", "network", "NaN", ""], ["crop", "nan", "-1", "%ff", ""]
    query = "&".join(f"{rng.choice(names)}={rng.choice(values)}" for _ in range(rng.integers(0, 4)))
    path = str(rng.choice(["/read", "/explain", path])) + ("?" + query if query else "")
    body = bytearray(GOOD if rng.random() < 0.6 else rng.bytes(rng.integers(0, 200)))
    for _ in range(rng.integers(1, 20) if body else 0):
        body[rng.integers(len(body))] = rng.integers(256)
    body = bytes(body[: rng.integers(len(body) + 1)]) if rng.random() < 0.4 else bytes(body)
    headers = {
        "Host": str(
            rng.choice(
                ["127.0.0.1:8000", "localhost", "evil.example", "", "[::1", "a b"],
                p=[0.7, 0.1, 0.05, 0.05, 0.05, 0.05],
            )
        ),
        "Content-Type": str(
            rng.choice(
                ["image/png", "text/plain", ";;;", "image/png; q=\xff"], p=[0.7, 0.1, 0.1, 0.1]
            )
        ),
    }
    if rng.random() < 0.2:
        headers["Origin"] = str(
            rng.choice(["null", "http://127.0.0.1:8000", "http://evil", "\xff"])
        )
    method = str(rng.choice(["POST", "GET", "PUT", "HEAD", "X"], p=[0.8, 0.05, 0.05, 0.05, 0.05]))
    return method, path, headers, body


GOOD = png(sheet(56))


def test_9000_malformed_requests_get_a_sentence_or_an_answer(app):
    rng = np.random.default_rng(0)
    client = app.test_client()
    counts = {}
    for _ in range(9_000):
        method, path, headers, body = malformed(rng)
        answer = client.open(path, method=method, headers=headers, data=body, base_url=HOST)
        counts[answer.status_code] = counts.get(answer.status_code, 0) + 1
        if answer.status_code != 200:
            assert method == "HEAD" or is_refusal(answer), (method, path, headers, body)
    assert {400, 403, 404, 405, 415} <= set(counts) <= {200, 400, 403, 404, 405, 415, 422}
    assert client.get("/networks", base_url=HOST).status_code == 200


def broken_request(rng):
    """Return bytes that are no request, or one with a part missing, changed or too long."""
    method, path, headers, body = malformed(rng)
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    length = rng.choice([len(body), len(body), len(body) + 10, -1, 10**12, 0])
    lines.append(f"Content-Length: {length}")
    if rng.random() < 0.2:
        lines.append("Transfer-Encoding: chunked")
    if rng.random() < 0.1:
        lines.insert(1, "X: " + "y" * 300_000)
    content = bytearray("\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + body)
    for _ in range(rng.integers(0, 4)):
        content[rng.integers(len(content))] = rng.integers(256)
    return bytes(content)


def test_1000_broken_requests_through_a_socket_leave_the_server_alive(running):
    rng = np.random.default_rng(1)
    for _ in range(1_000):
        with socket.create_connection(running, timeout=60) as connection:
            try:
                connection.sendall(broken_request(rng))
                with contextlib.suppress(OSError):  # "not connected", if the server hung up first
                    connection.shutdown(socket.SHUT_WR)
                answer = b""
                while more := connection.recv(65_536):
                    answer += more
            except ConnectionError:
                continue  # the server hung up
        assert b"Traceback" not in answer
        assert not re.match(rb"HTTP/1\.\d 50[^1]", answer), answer[:300]
    connection = HTTPConnection(*running, timeout=60)
    connection.request("POST", "/read", png(), {"Content-Type": "image/png"})
    assert connection.getresponse().status == 200
    connection.close()


@pytest.mark.parametrize("length", [1_500_000, 10**9])
def test_a_body_that_is_too_long_is_refused_before_it_is_read(running, length):
    connection = HTTPConnection(*running, timeout=60)
    connection.putrequest("POST", "/read")
    connection.putheader("Content-Type", "image/png")
    connection.putheader("Content-Length", str(length))
    connection.endheaders()
    if length < 2_000_000:
        connection.send(bytes(length))
    assert connection.getresponse().status == 413
    connection.close()


# ---- Start and end ----


def test_a_port_that_is_taken_is_answered_with_the_next_one(running):
    _, port = running
    with pad("--port", str(port)) as (_, address):
        found = int(address.rpartition(":")[2])
        assert port < found < port + server.PORTS
        connection = HTTPConnection("127.0.0.1", found, timeout=60)
        connection.request("GET", "/networks")
        assert connection.getresponse().status == 200
        connection.close()


def test_a_port_that_is_taken_is_said():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with server.listen(port) as listener:
            assert listener.getsockname()[1] > port
            assert listener.getsockname()[0] == "127.0.0.1"


def test_no_free_port_is_an_error_that_names_them(monkeypatch):
    monkeypatch.setattr(server, "PORTS", 1)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"no port from {port} to {port} is free"):
            server.listen(port)


def test_no_port_above_the_highest_is_tried(monkeypatch):
    tried = []

    def taken(address):
        tried.append(address)
        raise OSError("taken")

    monkeypatch.setattr(server.socket, "create_server", taken)
    with pytest.raises(OSError, match="no port from 65530 to 65535 is free: taken"):
        server.listen(65_530)
    assert tried == [("127.0.0.1", port) for port in range(65_530, 65_536)]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends Ctrl-C to consoles only")
def test_ctrl_c_ends_the_server_cleanly():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pad("--port", "0") as (process, _):
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=60)
    finally:
        signal.signal(signal.SIGINT, before)
    assert process.returncode == 0
    assert out.splitlines()[-1] == "The digit pad has stopped."
    assert "Traceback" not in out


class FakeServer:
    """Stands for waitress: `run` returns once the browser was opened."""

    def __init__(self, app, sockets, **_):
        self.socket = sockets[0]
        self.opened = threading.Event()

    def run(self):
        assert self.opened.wait(60)

    def close(self):
        self.socket.close()


@pytest.mark.parametrize("browser", [True, False])
def test_the_browser_opens_the_page_once_the_server_listens(monkeypatch, capsys, browser):
    made, opened = [], []

    def create_server(*arguments, **options):
        made.append(FakeServer(*arguments, **options))
        if not browser:
            made[0].opened.set()
        return made[0]

    def open_page(address):
        host, port = address.removeprefix("http://").split(":")
        socket.create_connection((host, int(port)), timeout=5).close()  # it listens
        opened.append(address)
        made[0].opened.set()

    monkeypatch.setattr(server, "create_server", create_server)
    monkeypatch.setattr(server.webbrowser, "open", open_page)
    server.serve(NETWORKS, port=0, browser=browser)
    printed = capsys.readouterr().out
    (address,) = re.findall(r"http://127\.0\.0\.1:\d+", printed)
    assert opened == [address] * browser
    assert "taken" not in printed


def test_a_taken_port_is_printed(monkeypatch, capsys):
    monkeypatch.setattr(server, "create_server", FakeServer)
    monkeypatch.setattr(FakeServer, "run", lambda self: None)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server.serve(NETWORKS, port=port, browser=False)
    found = int(re.search(r"http://127.0.0.1:(\d+)", printed := capsys.readouterr().out)[1])
    assert found > port
    assert f"Port {port} is taken, so the pad uses {found}." in printed


def test_the_wheel_has_the_page(tmp_path):
    """Hatchling packs every file of the package that git does not ignore."""
    for name, _ in server.FILES.values():
        ignored = subprocess.run(
            ["git", "check-ignore", "-q", str(server.PAGE / name)], cwd=server.PAGE, check=False
        )
        assert ignored.returncode != 0
