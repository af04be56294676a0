"""What a web page, a stored text or a typed one can do through the playground: nothing."""

from __future__ import annotations

import contextlib
import http.server
import signal
import socket
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode, urlsplit

import pytest
from browser_support import launch_chromium, need_playground, new_page, playground_home, start_playground
from madeup import HOSTILE, make_entry, store
from support import in_every_process

POINTS = ".js-plotly-plot .point"
WAIT = 120_000
#: Asks for an image, a style and a page elsewhere, in Markdown and in HTML.
CALLS_OUT = (
    "![](http://tracker.example/note.png) <img src='http://tracker.example/i.png'> <style>@import 'http://tracker.example';"
    "</style><iframe src='http://tracker.example/f'></iframe> <meta http-equiv=refresh content='0;url=http://tracker.example'>"
)
HOSTILE_KEY = f"</script>{HOSTILE}"
#: Notes the address of every connection that a Python process makes.
AUDIT = """
import os, sys
def note(event, arguments):
    if event == "socket.connect":
        with open(os.environ["CONNECTIONS"], "a") as file:
            file.write(f"{arguments[1]}\\n")
sys.addaudithook(note)
"""


@dataclass
class Site:
    """A web site of somebody else: its pages by path, and how many connections anyone made to it."""

    port: int
    pages: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def site():
    """A site that every name but 127.0.0.1 leads to, in the browser of ``stranger``."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            site.asked.append(f"{self.headers['Host']}{self.path}")
            body = site.pages.get(self.path, "").encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Cache-Control", "no-store")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        site = Site(server.server_address[1])
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield site
        server.shutdown()


@pytest.fixture(scope="module")
def attacked(tmp_path_factory):
    """A playground over hostile entries. At the end none of its processes must have connected to another machine."""
    need_playground()
    folder = tmp_path_factory.mktemp("attacked")
    home = playground_home(folder)
    hostile = {"notes": CALLS_OUT, HOSTILE_KEY: 1.5, "system": HOSTILE, "framework": CALLS_OUT}
    store(home, [make_entry(number, "5.1", "image-generation", **hostile) for number in range(5)])
    noted = folder / "connections"
    path = in_every_process(folder / "site", AUDIT)
    playground = start_playground(home, folder / "errors.log", PYTHONPATH=path, CONNECTIONS=str(noted))
    yield playground
    playground.process.send_signal(signal.SIGTERM)
    playground.process.wait(20)
    connections = noted.read_text().splitlines()
    assert connections
    assert [address for address in connections if not address.startswith("('127.0.0.1'")] == []


@pytest.fixture(scope="module")
def stranger(playwright, site, attacked):
    """A browser, used for the playground already, for which every name leads to the site of somebody else.

    ``rebound.example`` alone is this machine.
    """
    rules = f"MAP rebound.example 127.0.0.1, MAP * 127.0.0.1:{site.port}, EXCLUDE 127.0.0.1, EXCLUDE localhost"
    with launch_chromium(playwright, f"--host-resolver-rules={rules}") as browser:
        yield browser.new_context(viewport={"width": 1280, "height": 900})


@pytest.fixture
def page(stranger, site):
    """An empty page of that browser; the site forgets who asked."""
    site.asked.clear()
    with new_page(stranger) as page:
        yield page


@pytest.fixture
def proof(tmp_path):
    """A file that no code may make."""
    file = tmp_path / "proof"
    yield file
    assert not file.exists()


def address_with(playground, **parameters: str) -> str:
    """The page of hostile results, with other parameters."""
    query = {"action": "experiments", "tags": "mlperf-training,image-generation", "type": "2d-static"}
    return playground.base + "?" + urlencode({**query, "x": "accelerators_count", "y": "Result", **parameters})


def wait_for_points(page, number: int) -> None:
    page.wait_for_function(
        "([points, n]) => document.querySelectorAll(points).length === n", arg=[POINTS, number], timeout=WAIT
    )


def assert_nothing_happened(page, site) -> None:
    """No script of a stranger ran in the page, and nobody was called."""
    page.wait_for_timeout(500)
    assert page.evaluate("window.hacked") is None
    assert page.frames == [page.main_frame]
    assert [asked for asked in site.asked if "tracker" in asked] == []


def test_a_link_with_a_title_that_is_a_script(attacked, page, site, proof):
    code = f"__import__('pathlib').Path({str(proof)!r}).touch()"
    texts = dict.fromkeys(("title", "c", "s"), f"</script><script>window.hacked = true</script>{HOSTILE}")
    link = address_with(attacked, **texts, derived_metrics=f"result['a'] = {code}", filter=code)
    site.pages["/link"] = f'<a href="{link.replace("&", "&amp;")}">the results</a>'
    page.goto(f"http://evil.example:{site.port}/link")
    page.get_by_text("the results").click()
    page.get_by_text("filter: ").wait_for(timeout=WAIT)
    page.locator(POINTS).first.wait_for(timeout=WAIT)
    assert "<script>window.hacked" in page.locator(".gtitle").text_content()
    assert_nothing_happened(page, site)


def test_code_and_formulas_that_are_typed_into_the_fields(attacked, page, site, proof):
    code = f"__import__('pathlib').Path({str(proof)!r}).touch()"
    page.goto(address_with(attacked))
    wait_for_points(page, 5)
    for number, (label, text) in enumerate((("derived metrics", f"result['a'] = {code}"), ("result filter", code))):
        field_ = page.get_by_label(f"Optional: add {label}", exact=False)
        field_.fill(text)
        field_.press("Enter")
        page.get_by_text("is more than a formula", exact=False).nth(number).wait_for(timeout=WAIT)
    wait_for_points(page, 5)
    for label, text in (
        ("derived metrics", "result['twice'] = result['accelerators_count'] * 2"),
        ("result filter", "result['twice'] >= 16"),
    ):
        field_ = page.get_by_label(f"Optional: add {label}", exact=False)
        field_.fill(text)
        field_.press("Enter")
    wait_for_points(page, 2)


def test_a_link_in_what_is_said_of_an_error_is_text(attacked, page, site):
    """Markdown, a plain address and HTML, which Streamlit makes links and images of elsewhere."""
    texts = (
        "`` [a](http://tracker.example/a) http://tracker.example/b",
        "<a href=//tracker.example/>a</a><img src=//tracker.example/>",
    )
    page.goto(address_with(attacked, derived_metrics=f"result['a'] = print('{texts[0]}')", filter=f"print('{texts[1]}')"))
    for text in texts:
        page.locator("code", has_text=text).wait_for(timeout=WAIT)
    assert page.locator("a[href*='tracker'], img[src*='tracker']").count() == 0
    assert_nothing_happened(page, site)


@pytest.mark.parametrize("address", ["address", "base"])
def test_a_hidden_frame_stays_empty(attacked, page, site, address):
    site.pages["/frame"] = f'<iframe src="{getattr(attacked, address)}" style="opacity: 0"></iframe>'
    with page.expect_console_message(lambda message: "frame-ancestors" in message.text, timeout=20_000):
        page.goto(f"http://evil.example:{site.port}/frame")
    page.frames[1].wait_for_url("chrome-error:**", timeout=20_000)


def test_another_name_for_this_machine_is_refused(attacked, page):
    port = urlsplit(attacked.base).port
    answer = page.goto(f"http://rebound.example:{port}/")
    assert answer.status == 403
    assert page.evaluate("fetch('/_stcore/health').then((answer) => answer.status)") == 403
    assert page.evaluate(OPEN_SOCKET, f"ws://rebound.example:{port}/_stcore/stream") == "refused"


def test_another_page_cannot_talk_to_the_server(attacked, page, site):
    port = urlsplit(attacked.base).port
    page.goto(f"http://evil.example:{site.port}/")
    for host in ("127.0.0.1", "localhost"):
        assert page.evaluate(OPEN_SOCKET, f"ws://{host}:{port}/_stcore/stream") == "refused"
        assert (
            page.evaluate("(url) => fetch(url).then(() => 'read', () => 'refused')", f"http://{host}:{port}/") == "refused"
        )


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_its_own_page_can(attacked, page, host):
    port = urlsplit(attacked.base).port
    page.goto(f"http://{host}:{port}/")
    assert page.evaluate(OPEN_SOCKET, f"ws://{host}:{port}/_stcore/stream") == "open"


OPEN_SOCKET = """(url) => new Promise((done) => {
    const socket = new WebSocket(url)
    socket.onopen = () => done("open")
    socket.onerror = () => done("refused")
})"""


@pytest.mark.parametrize("kind", ["2d-static", "2d", "bar"])
def test_a_stored_key_that_is_a_script(attacked, page, site, kind):
    page.goto(address_with(attacked, type=kind, x=HOSTILE_KEY, y="Result", c=HOSTILE_KEY, s="system"))
    wait_for_points(page, 5)
    assert page.locator(".xtitle").text_content() == HOSTILE_KEY
    page.locator(POINTS).first.hover(force=True)
    page.locator(".hoverlayer .hovertext").wait_for(timeout=WAIT)
    assert_nothing_happened(page, site)


def test_a_stored_note_that_calls_out(attacked, page, site):
    entry = make_entry(0, "5.1", "image-generation")
    page.goto(address_with(attacked, result_uid=entry["uid"]))
    page.get_by_text("Result summary").wait_for(timeout=WAIT)
    assert page.get_by_text("![](http://tracker.example/note.png)", exact=False).count()
    assert_nothing_happened(page, site)


def test_a_choice_shows_the_result_as_text(attacked, page, site):
    page.goto(address_with(attacked, type="2d"))
    wait_for_points(page, 5)
    page.locator(POINTS).first.click(force=True)
    page.get_by_text("Result summary").wait_for(timeout=WAIT)
    assert_nothing_happened(page, site)


@pytest.mark.parametrize(
    "action", ["scripts", "howtorun", "challenges", "contributors", "reports", "reproduce", "install", "beta"]
)
def test_the_other_pages_open_and_call_nobody(attacked, page, site, action):
    page.goto(f"{attacked.base}?action={action}")
    page.get_by_text("Powered by MLCommons").wait_for(timeout=WAIT)
    assert page.get_by_text("Traceback").count() == 0
    assert page.get_by_text("CM error").count() == 0
    assert site.asked == []


def test_every_answer_forbids_what_no_page_needs(attacked):
    port = urlsplit(attacked.base).port
    for path in ("/", "/_stcore/health", "/static/nothing", "/media/nothing"):
        head = ask(port, f"127.0.0.1:{port}", path)
        assert "frame-ancestors 'none'" in head
        assert "unsafe-inline" not in head.partition("script-src")[2].partition(";")[0]
        assert "x-frame-options: DENY" in head


@pytest.mark.parametrize(
    "host", ["", "evil.example", "127.0.0.1", "127.0.0.1:1", "127.0.0.1.evil.example:{port}", "[::1]:{port}"]
)
def test_hosts_that_are_not_this_server(attacked, host):
    port = urlsplit(attacked.base).port
    assert ask(port, host.format(port=port), "/").startswith(("HTTP/1.1 403", "HTTP/1.1 400"))
    assert ask(port, f"localhost:{port}", "/").startswith("HTTP/1.1 200")


def ask(port: int, host: str, path: str) -> str:
    """The head of an answer of the server."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(f"GET {quote(path)} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    return answer.partition(b"\r\n\r\n")[0].decode()


@pytest.mark.parametrize("stop", ["SIGKILL", "SIGHUP", "SIGQUIT", "SIGABRT"])
def test_no_server_is_left_however_the_launcher_is_killed(home, tmp_path, stop):
    playground = start_playground(home, tmp_path / "errors.log")
    playground.process.send_signal(getattr(signal, stop))
    playground.process.wait(60)
    port = urlsplit(playground.address).port
    end = time.monotonic() + 20
    while time.monotonic() < end:
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), timeout=5):
            time.sleep(0.1)
            continue
        return
    raise AssertionError(f"the server still answers after {stop}")
