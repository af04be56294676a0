"""What a web page, a stored text or a typed one can do through the playground: nothing."""

from __future__ import annotations

import socket
from urllib.parse import quote, urlencode, urlsplit

import pytest
from browser_support import HOSTILE_KEY
from madeup import HOSTILE, make_entry

POINTS = ".js-plotly-plot .point"
WAIT = 60_000


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


def assert_nothing_happened(page) -> None:
    """No script of a stranger ran in the page, and no frame was made; at the end the site says whether it was called."""
    assert page.evaluate("window.hacked") is None
    assert page.frames == [page.main_frame]


def test_a_link_with_a_title_that_is_a_script(playground, page, site, proof):
    code = f"__import__('pathlib').Path({str(proof)!r}).touch()"
    texts = dict.fromkeys(("title", "c", "s"), f"</script><script>window.hacked = true</script>{HOSTILE}")
    link = address_with(playground, **texts, derived_metrics=f"result['a'] = {code}", filter=code)
    site.pages["/link"] = f'<a href="{link.replace("&", "&amp;")}">the results</a>'
    page.goto(f"http://evil.example:{site.port}/link")
    page.get_by_text("the results").click()
    page.get_by_text("filter: ").wait_for(timeout=WAIT)
    page.locator(POINTS).first.wait_for(timeout=WAIT)
    assert "<script>window.hacked" in page.locator(".gtitle").text_content()
    assert_nothing_happened(page)


def test_code_and_formulas_that_are_typed_into_the_fields(playground, visit, proof):
    code = f"__import__('pathlib').Path({str(proof)!r}).touch()"
    page = visit(address_with(playground))
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


def test_a_link_in_what_is_said_of_an_error_is_text(playground, visit):
    """Markdown, a plain address and HTML, which Streamlit makes links and images of elsewhere."""
    texts = (
        "`` [a](http://tracker.example/a) http://tracker.example/b",
        "<a href=//tracker.example/>a</a><img src=//tracker.example/>",
    )
    page = visit(
        address_with(playground, derived_metrics=f"result['a'] = print('{texts[0]}')", filter=f"print('{texts[1]}')")
    )
    for text in texts:
        page.locator("code", has_text=text).wait_for(timeout=WAIT)
    assert page.locator("a[href*='tracker'], img[src*='tracker']").count() == 0
    assert_nothing_happened(page)


@pytest.mark.parametrize("address", ["address", "base"])
def test_a_hidden_frame_stays_empty(playground, page, site, address):
    site.pages["/frame"] = f'<iframe src="{getattr(playground, address)}" style="opacity: 0"></iframe>'
    with page.expect_console_message(lambda message: "frame-ancestors" in message.text, timeout=20_000):
        page.goto(f"http://evil.example:{site.port}/frame")
    page.frames[1].wait_for_url("chrome-error:**", timeout=20_000)


def test_another_name_for_this_machine_is_refused(playground, page):
    port = urlsplit(playground.base).port
    answer = page.goto(f"http://rebound.example:{port}/")
    assert answer.status == 403
    assert page.evaluate("fetch('/_stcore/health').then((answer) => answer.status)") == 403
    assert page.evaluate(OPEN_SOCKET, f"ws://rebound.example:{port}/_stcore/stream") == "refused"


def test_another_page_cannot_talk_to_the_server(playground, page, site):
    port = urlsplit(playground.base).port
    page.goto(f"http://evil.example:{site.port}/")
    for host in ("127.0.0.1", "localhost"):
        assert page.evaluate(OPEN_SOCKET, f"ws://{host}:{port}/_stcore/stream") == "refused"
        assert (
            page.evaluate("(url) => fetch(url).then(() => 'read', () => 'refused')", f"http://{host}:{port}/") == "refused"
        )


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_its_own_page_can(playground, page, host):
    """Here its smallest one: all have one policy, and another name is another origin, whose scripts are compiled anew."""
    port = urlsplit(playground.base).port
    page.goto(f"http://{host}:{port}/_stcore/health")
    assert page.evaluate(OPEN_SOCKET, f"ws://{host}:{port}/_stcore/stream") == "open"


OPEN_SOCKET = """(url) => new Promise((done) => {
    const socket = new WebSocket(url)
    socket.onopen = () => done("open")
    socket.onerror = () => done("refused")
})"""


@pytest.mark.parametrize("kind", ["2d-static", "bar", "2d"])
def test_a_stored_key_that_is_a_script(playground, visit, kind):
    page = visit(address_with(playground, type=kind, x=HOSTILE_KEY, y="Result", c=HOSTILE_KEY, s="system"))
    wait_for_points(page, 5)
    assert page.locator(".xtitle").text_content() == HOSTILE_KEY
    page.locator(POINTS).first.hover(force=True)
    page.locator(".hoverlayer .hovertext").wait_for(timeout=WAIT)
    assert_nothing_happened(page)
    if kind == "2d":
        page.locator(POINTS).first.click(force=True)
        page.get_by_text("Result summary").wait_for(timeout=WAIT)
        assert_nothing_happened(page)


def test_a_stored_note_that_calls_out(playground, visit):
    entry = make_entry(0, "5.1", "image-generation")
    page = visit(address_with(playground, result_uid=entry["uid"]))
    page.get_by_text("Result summary").wait_for(timeout=WAIT)
    assert page.get_by_text("![](http://tracker.example/note.png)", exact=False).count()
    assert_nothing_happened(page)


@pytest.mark.parametrize(
    "action", ["scripts", "howtorun", "challenges", "contributors", "reports", "reproduce", "install", "beta"]
)
def test_the_other_pages_open(visit, action):
    page = visit(f"?action={action}")
    page.get_by_text("Powered by MLCommons").wait_for(timeout=WAIT)
    assert page.get_by_text("Traceback").count() == 0
    assert page.get_by_text("CM error").count() == 0
    assert_nothing_happened(page)


def test_every_answer_forbids_what_no_page_needs(playground):
    port = urlsplit(playground.base).port
    for path in ("/", "/_stcore/health", "/static/nothing", "/media/nothing"):
        head = ask(port, f"127.0.0.1:{port}", path)
        assert "frame-ancestors 'none'" in head
        assert "unsafe-inline" not in head.partition("script-src")[2].partition(";")[0]
        assert "x-frame-options: DENY" in head


@pytest.mark.parametrize(
    "host", ["", "evil.example", "127.0.0.1", "127.0.0.1:1", "127.0.0.1.evil.example:{port}", "[::1]:{port}"]
)
def test_hosts_that_are_not_this_server(playground, host):
    port = urlsplit(playground.base).port
    assert ask(port, host.format(port=port), "/").startswith(("HTTP/1.1 403", "HTTP/1.1 400"))
    assert ask(port, f"localhost:{port}", "/").startswith("HTTP/1.1 200")


def ask(port: int, host: str, path: str) -> str:
    """The head of an answer of the server."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(f"GET {quote(path)} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    return answer.partition(b"\r\n\r\n")[0].decode()
