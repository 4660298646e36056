"""The page to explore: the server lets in whom it should, survives the rest, and the page takes every move by hand."""

import json
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from model.designs.catalogue import DEFAULT_PROPERTIES, built_in_designs, built_in_properties, load
from model.engines import explicit
from model.errors import UsageError
from model.explorer.server import Server, numbers
from model.explorer.session import Session, askable
from model.instance.problem import Problem
from reports.lost import ended
from tests.support.browser import NARROW, WIDE, Sheet, chromium
from tests.support.command import clearorder
from tests.support.nightly import rest_nightly
from tests.support.paths import ROOT
from tests.support.results import RACE


def session(name="top-layer", pages=1, clients=2, **more):
    design = load(name)
    rules = askable(design, [built_in_properties()[n] for n in DEFAULT_PROPERTIES])
    return Session(design, rules, pages, {"Client": clients}, **more)


@contextmanager
def serving(asked):
    """A server in this process, stopped at the end."""
    server = Server(asked)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def top_layer():
    with serving(session()) as server:
        yield server


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


def get(server, path, headers=None, method="GET"):
    """(status, body) of a request to a path below the token."""
    request = urllib.request.Request(server.url + path, headers=headers or {}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode()


def raw(server, request):
    """The whole answer to these bytes, as text."""
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=20) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        parts = []
        while part := connection.recv(65_536):
            parts.append(part)
    return b"".join(parts).decode("utf-8", "replace")


# ---------------------------------------------------------------- what a session knows


@pytest.mark.parametrize("name", built_in_designs())
def test_the_nearest_bad_state_is_as_far_as_the_reference_says(name):
    """For each property, from the start, on 1 page and 2 clients; nowhere where it is proved."""
    asked = session(name)
    for rule in asked.rules:
        verdict = explicit.search(Problem.on(asked.instance, rule))
        found = asked.counterexample(rule.name)["moves"]
        assert (verdict.depth if verdict.word == "refuted" else None) == (found and len(found))


@pytest.mark.parametrize("name", rest_nightly(built_in_designs(), ("naive", "per-slot-cache").__contains__))
def test_every_position_of_a_random_walk_can_be_shown(name):
    """40 moves by a fixed seed; what is offered is what the interpreter allows."""
    asked, moves, chance = session(name, pages=2), [], random.Random(4)
    for _ in range(40):
        found = asked.position(moves)
        state = asked.walk(moves).states[-1]
        offered = [o["move"] for o in found["enabled"]]
        assert [m.number for m in asked.instance.moves if asked.instance.enabled(m, state)] == sorted(offered)
        moves.append(chance.choice(offered))
    assert all(line["code"] for line in found["history"])


def test_a_search_that_reaches_its_limit_says_so():
    """Nothing is claimed of what was not looked at."""
    found = session("per-slot-cache", limit=100).nearest([])
    assert (None, []) == (found["moves"], found["history"])
    assert found["text"].startswith("None of the nearest 100 states violates any property that is asked;")


def test_where_no_bad_state_can_be_reached_the_page_says_so():
    """The cache at one page and two clients: 6,741 states."""
    text = session("per-slot-cache").nearest([])["text"]
    assert "No state that violates any property that is asked can be reached from here." == text


def test_a_link_names_the_design_the_rules_and_the_sizes():
    """Another size, another mark."""
    assert session().digest != session(clients=1).digest != session("naive", clients=1).digest


def test_too_many_pages_are_refused():
    """Every choice of pages is a button."""
    with pytest.raises(UsageError, match="every choice of pages is a button; with more than 4 pages"):
        session(pages=5)


@pytest.mark.parametrize("text", ["a", "1.", ".1", "1,2", "-1", "1 2", "٣", "1234567", "1\n"])
def test_moves_that_are_no_numbers_are_refused(text):
    """Numbers with dots between them, nothing else."""
    with pytest.raises(ValueError, match="moves are numbers with dots between them"):
        numbers(text)


# ---------------------------------------------------------------- who is let in


def test_only_this_machine_can_reach_the_server(top_layer):
    """It is bound to the loopback address, and every address begins with a token that cannot be guessed."""
    assert "127.0.0.1" == top_layer.socket.getsockname()[0]
    assert len(top_layer.token) >= 24


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({"Host": "evil.example"}, "only 127.0.0.1"),
        ({"Host": "127.0.0.1"}, "only 127.0.0.1"),
        ({"Host": "127.0.0.1.evil.example:80"}, "only 127.0.0.1"),
        ({"Origin": "http://evil.example"}, "another origin"),
        ({"Origin": "null"}, "another origin"),
        ({"Sec-Fetch-Site": "cross-site"}, "another site"),
        ({"Sec-Fetch-Site": "same-site"}, "another site"),
    ],
)
def test_requests_that_another_site_caused_are_refused(top_layer, headers, why):
    """DNS rebinding comes with another host, cross-site requests with another origin or site."""
    status, body = get(top_layer, "api/position?moves=", headers)
    assert 403 == status
    assert why in json.loads(body)["error"]


def test_its_own_page_is_let_in(top_layer):
    """As Chromium sends it."""
    own = {"Origin": top_layer.url[: top_layer.url.index("/", 8)], "Sec-Fetch-Site": "same-origin"}
    assert 200 == get(top_layer, "api/position?moves=0.3", own)[0]


@pytest.mark.parametrize(
    ("path", "status", "why"),
    [
        ("api/position", 400, "the parameters are: moves; each once"),
        ("api/position?moves=1&moves=2", 400, "the parameters are: moves; each once"),
        ("api/position?moves=&x=1", 400, "the parameters are: moves; each once"),
        ("api/position?moves=x", 400, "moves are numbers with dots between them, such as 0.5.12"),
        ("api/position?moves=99", 400, "move 1 has the number 99, and the moves here go from 0 to 10"),
        ("api/position?moves=5", 400, "move 1, clear.cleared(want={0}), is not possible there"),
        ("api/position?moves=" + ".".join(["0"] * 401), 400, "a run has at most 400 moves here, not 401"),
        ("api/counterexample?property=none", 400, "the property 'none' is not asked here"),
        ("api/secrets", 404, "there is nothing at this address"),
        ("../api/position?moves=", 403, "the address lacks the token that this run has printed"),
        ("?" + "x" * 9000, 414, "an address has at most 8000 characters here"),
    ],
)
def test_what_is_refused_is_told_why(top_layer, path, status, why):
    """A JSON object with the reason."""
    url = f"/{path[3:]}" if path.startswith("../") else f"/{top_layer.token}/{path}"
    answer = raw(top_layer, f"GET {url} HTTP/1.1\r\nHost: 127.0.0.1:{top_layer.server_port}\r\n\r\n".encode())
    head, _, body = answer.partition("\r\n\r\n")
    assert (str(status), {"error": why}) == (head.split()[1], json.loads(body))


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "CONNECT", "get"])
def test_nothing_can_be_changed_so_no_other_method_is_allowed(top_layer, method):
    """405, and what is allowed."""
    status, body = get(top_layer, "api/position?moves=", method=method)
    assert (405, {"error": "method not allowed"}) == (status, json.loads(body))


def malformed(server, count):
    """Broken requests by a fixed seed: noise, cut and bent requests, too much of everything."""
    chance = random.Random(1)
    good = f"GET /{server.token}/api/position?moves=0.3 HTTP/1.1\r\nHost: 127.0.0.1:{server.server_port}\r\n"
    kinds = [
        lambda: chance.randbytes(chance.randint(1, 400)) + b"\r\n\r\n",
        lambda: (
            good.replace("position?moves=", "position?moves=%" + chance.choice(["", "zz", "ff", "00"])).encode()
            + b"\r\n"
        ),
        lambda: good.replace("0.3", chance.choice(["..", "1e9", "[]", "{}", "0.3;", "0.3%0a"])).encode() + b"\r\n",
        lambda: good.replace("GET", chance.choice(["GOT", "P\0ST", "GET GET", "{}"])).encode() + b"\r\n",
        lambda: good.replace("HTTP/1.1", chance.choice(["HTTP/9.9", "HTTP/1.x", "HTP", "HTTP/2.0"])).encode() + b"\r\n",
        lambda: good.replace("Host", chance.choice(["Hots", "Host: a\r\nHost", ": Host"])).encode() + b"\r\n",
        lambda: good.encode() + b"X: y\r\n" * 200 + b"\r\n",
        lambda: good.encode() + b"X: " + b"y" * 70_000 + b"\r\n\r\n",
        lambda: b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n",
        lambda: b"GET http://[ HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % server.server_port,
        lambda: b"GET /\r\n\r\n",
        lambda: b"POST " + good.encode()[4:] + b"Content-Length: 100000\r\n\r\n" + chance.randbytes(5000),
    ]
    return [kinds[i % len(kinds)]() for i in range(count)]


def test_a_thousand_malformed_requests_are_refused_one_by_one_and_it_still_serves():
    """Each is answered by 4xx and a JSON object; then the same server answers a good one."""
    reports = []
    with serving(session()) as server:
        server.report = reports.append
        for request in malformed(server, 1000):
            answer = raw(server, request)
            head, _, body = answer.partition("\r\n\r\n")
            assert re.match(r"HTTP/1\.\d 4\d\d ", head), (request[:200], head[:200])
            assert ["error"] == list(json.loads(body))
        status, body = get(server, "api/position?moves=0.3")
        assert (200, [0, 3]) == (status, json.loads(body)["moves"])
    assert [] == reports


def test_a_reader_who_says_nothing_keeps_nobody_waiting(top_layer):
    """Open and silent connections are each a thread of their own, and end by themselves after ten seconds."""
    silent = [socket.create_connection(("127.0.0.1", top_layer.server_port)) for _ in range(40)]
    try:
        assert 200 == get(top_layer, "api/position?moves=")[0]
    finally:
        for connection in silent:
            connection.close()


# ---------------------------------------------------------------- the command


@contextmanager
def command(*arguments):
    """`clearorder explore` as a process of its own and the address that it prints."""
    process = subprocess.Popen(
        [sys.executable, "-m", "model", "explore", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process, process.stdout.readline().strip()
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_ctrl_c_stops_the_server_with_exit_code_130():
    """One line on stderr, no traceback."""
    with command("top-layer", "--moves", "0.3") as (process, url):
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/[\w-]{24}/#run=live&design=[0-9a-f]{12}-1\.2\.1&moves=0\.3", url)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
    assert (130, "", "error: stopped.\n") == (process.returncode, out, err)


BAD_USE = {
    "top-lager": "there is no design 'top-lager'; did you mean 'top-layer'?",
    "top-layer --pages 5": "every choice of pages is a button",
    "top-layer --moves x": "--moves x: moves are numbers with dots between them, such as 0.5.12.",
    "top-layer --moves 5": "--moves 5: move 1, clear.cleared(want={0}), is not possible there.",
    "top-layer --size Slot=x": "--size Slot=x: write the sort and a number from 1, such as --size Slot=2.",
    "top-layer --size Slot=2": "top-layer has no Slot",
    "top-layer --property every_step_fires": "explore properties that must always hold",
}


@pytest.mark.parametrize("words", BAD_USE)
def test_bad_use_exits_2_with_a_message(words):
    """Nothing is served."""
    done = clearorder("explore", *words.split())
    assert (2, "") == (done.returncode, done.stdout)
    assert BAD_USE[words] in done.stderr


def test_a_port_that_is_taken_is_told(top_layer):
    """And how to get another."""
    with pytest.raises(UsageError, match=f"cannot listen on 127.0.0.1:{top_layer.server_port}: .*--port 0"):
        Server(session(), top_layer.server_port)


# ---------------------------------------------------------------- the page


def after(page, count):
    """Wait until so many moves have been taken."""
    page.wait_for_function("n => document.querySelectorAll('[data-history] button').length === n", arg=count)


def take(page, text):
    """Click the first possible move with this text."""
    page.locator("[data-enabled] button").filter(has_text=text).first.click()


def test_the_race_is_taken_by_clicking_undone_and_replayed_from_its_link(browser, top_layer):
    """Ten clicks to the lost write; the promise breaks at the eighth; back to the start; the link leads there again."""
    with Sheet(browser, top_layer.url) as sheet:
        page = sheet.page
        seen = []
        for count, text in enumerate(RACE, 1):
            take(page, text)
            after(page, count)
            seen.append(page.locator("[data-marker=broken]").count())
        assert [0, 0, 0, 0, 0, 0, 0, 1, 1, 2] == seen
        alarms = page.locator("[data-marker=broken]").all_inner_texts()
        assert 2 == len(alarms)
        assert "no_lost_write is violated here" in alarms[0]
        assert "the clear at 8 removed it" in alarms[0]
        link, state = page.locator("[data-link]").input_value(), page.inner_html("[data-state]")
        for count in reversed(range(10)):
            page.locator("[data-do=undo]").click()
            after(page, count)
        assert "true" == page.locator("[data-do=undo]").get_attribute("aria-disabled")
        assert 0 == page.locator("[data-marker=broken]").count()
        assert [] == sheet.complaints
        assert all(url.startswith(top_layer.url) for url in sheet.requests)
    with Sheet(browser, link) as sheet:
        shown = sheet.page.locator("[data-history] button").all_inner_texts()
        assert RACE == [re.sub(r"^\d+ |\n.*", "", text, flags=re.DOTALL) for text in shown]
        assert state == sheet.page.inner_html("[data-state]")


def test_the_page_leads_along_a_counterexample_and_to_the_nearest_bad_state(browser, top_layer):
    """A jump into the middle of a counterexample, and from there to the nearest bad state; Back undoes."""
    with Sheet(browser, top_layer.url) as sheet:
        page = sheet.page
        page.locator("[data-do=counterexample][data-property=promise_kept]").click()
        page.locator("[data-track] button").nth(5).click()
        after(page, 6)
        page.locator("[data-do=nearest]").click()
        page.wait_for_function("() => document.body.innerText.includes('The nearest bad state is 2 moves away')")
        for count in (7, 8):
            page.locator("[data-do=along]").click()
            after(page, count)
        assert 1 == page.locator("[data-marker=broken][data-property=promise_kept]").count()
        page.go_back()
        after(page, 7)
        assert [] == sheet.complaints


def test_two_moves_that_read_the_same_say_what_they_choose():
    """The guest's stop is one for each client that may be watched."""
    texts = [option["text"] for option in session().position([])["enabled"]]
    assert ["the guest: stop (client MIGRATION)", "the guest: stop (client VGA)"] == texts[-2:]
    assert len(texts) == len(set(texts))


def test_a_page_that_is_lost_for_good_is_said_to_be():
    """From the move that breaks the promise on, of MIGRATION and not of VGA, and drawn in the bitmap."""
    asked, moves, dead = session(), [], []
    for text in RACE:
        moves.append(next(o["move"] for o in asked.position(moves)["enabled"] if o["text"].startswith(text)))
        dead.append(asked.position(moves)["dead"])
    assert [[]] * 7 == dead[:7]
    said = "Page 0 is lost to MIGRATION for good: no run brings it, unless the guest writes it again."
    assert [[said]] * 3 == dead[7:]
    html = asked.position(moves)["html"]
    assert 1 == html.count('<span class="gone">lost</span>')
    assert "unread[MIGRATION]: pages {0}, lost for good" in html


def test_the_end_of_everything_is_said_to_be():
    """No move at all; moves that leave the state as it is; moves that change something."""
    still, moving = SimpleNamespace(successors=lambda s: [(0, s)]), SimpleNamespace(successors=lambda s: [(0, s + 1)])
    assert ["Nothing can happen any more: no thread has a move."] == ended(SimpleNamespace(successors=lambda s: []), 1)
    assert ["Nothing changes any more: every move that is possible leaves the state as it is."] == ended(still, 1)
    assert [] == ended(moving, 1)


def test_ctrl_z_undoes_the_link_skips_and_a_stopped_server_is_told(browser):
    """The address keeps the position when the link to the moves is followed."""
    with serving(session()) as server, Sheet(browser, server.url) as sheet:
        page = sheet.page
        take(page, RACE[0])
        after(page, 1)
        take(page, RACE[1])
        after(page, 2)
        page.keyboard.press("Control+z")
        after(page, 1)
        address = page.url
        page.locator("a.skip").focus()
        page.keyboard.press("Enter")
        assert "moves" == page.evaluate("document.activeElement.id")
        assert address == page.url
        assert [] == sheet.complaints
        page.route("**/api/**", lambda route: route.abort())
        take(page, RACE[1])
        page.wait_for_function("() => document.body.innerText.includes('the server of this page has stopped')")


def test_the_explorer_is_worked_by_keyboard_alone(browser, top_layer):
    """Enter on the first possible move: the next first move has the keyboard again."""
    with Sheet(browser, top_layer.url) as sheet:
        page = sheet.page
        for _ in range(40):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.dataset.do") == "take":
                break
        for count in range(1, 4):
            page.keyboard.press("Enter")
            after(page, count)
            page.wait_for_function("() => document.activeElement.dataset.do === 'take'")


@pytest.mark.parametrize(("size", "scheme"), [(WIDE, "dark"), (NARROW, "light")], ids=["1280 dark", "390 light"])
def test_the_explorer_is_readable_at_both_widths(browser, size, scheme):
    """Three pages, a cache, a held lock: nothing overhangs, nothing is cut off, nothing serious for axe-core."""
    with serving(session("per-slot-cache", pages=3)) as server:
        asked, moves = server.session, []
        for text in ("write page 0", "MIGRATION: sync.reported"):
            moves.append(next(o["move"] for o in asked.position(moves)["enabled"] if text in o["text"]))
        link = f"{server.url}#run=live&design={asked.digest}&moves={'.'.join(map(str, moves))}"
        with Sheet(browser, link, size, scheme) as sheet:
            after(sheet.page, 2)
            assert "slots_lock: held by MIGRATION" in sheet.page.inner_text("[data-lane=shared]")
            assert (0, [], []) == (sheet.overhang(), sheet.clipped("[data-strip], .lane, button"), sheet.serious())
            assert 8 == sheet.page.locator("[data-strip]").count()
            assert [] == sheet.complaints


@pytest.mark.parametrize(
    ("fragment", "said"),
    [
        ("run=live&design=other&moves=0", "This link was made for another design or another size"),
        ("run=live&design=DIGEST&moves=5", "is not possible there"),
        ("run=live&design=DIGEST&moves=%3Cscript%3E", "Not possible"),
    ],
)
def test_a_link_that_does_not_fit_is_told_and_the_start_is_shown(browser, top_layer, fragment, said):
    """Made for another design, or by hand."""
    with Sheet(browser, f"{top_layer.url}#{fragment.replace('DIGEST', top_layer.session.digest)}") as sheet:
        assert said in sheet.page.inner_text("[data-said]")
        assert 0 == sheet.page.locator("[data-history] button").count()
