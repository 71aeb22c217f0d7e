"""The page of a boot in a real Chromium: it opens, folds, searches, jumps, and runs nothing from the cloud."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator
from html import unescape
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from diagrams import render, report
from tests.bench.bench_diagrams import wide_boot
from tests.support import browser, comparisons
from tests.support.browser import Shown
from tests.support.builders import boot, call, log, rpc, small_boot, sql
from tests.test_diagrams_hostile import everything, poisoned
from tracer import trace_file
from tracer.cli import main
from tracer.model import Request

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(browser.chromium() is None, reason="no Chromium: make packages installs it"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # Playwright's use of asyncio
]

Open = Callable[..., Shown]


@pytest.fixture(scope="module")
def running() -> Iterator[Browser]:
    with browser.browser() as chromium:
        yield chromium


@pytest.fixture
def opened(running: Browser, tmp_path: Path) -> Iterator[Open]:
    """Yield a function that opens the page of a boot, and check that the pages logged no error."""
    pages: list[Shown] = []

    def open_(request: Request, detail: str = "calls", fragment: str = "") -> Shown:
        file = tmp_path / "boot.html"
        file.write_bytes(render(request, "html", detail).encode(errors="backslashreplace"))
        pages.append(browser.show(running, file, fragment))
        return pages[-1]

    yield open_
    for shown in pages:
        shown.page.close()
        assert shown.complaints == []


def total(request: Request) -> int:
    return sum(1 for _ in request.walk())


LEGS = Path(__file__).parent / "data" / "legs"
GALLERY = Path(__file__).parent.parent / "examples" / "gallery"


@pytest.mark.parametrize("width", [1400, 700])
def test_services_of_a_project_have_heads_that_can_be_told_apart(opened: Open, width: int) -> None:
    """Cut at one line, network-agent and network-ovn would read the same."""
    (request, *_) = trace_file.read(LEGS / "snapshot.trace.jsonl.gz").boots
    page = opened(request).page
    page.set_viewport_size({"width": width, "height": 900})
    page.wait_for_function("document.querySelectorAll('.heading b').length > 10")
    cut = page.eval_on_selector_all(
        ".heading b",
        "heads => heads.filter(head => head.scrollWidth > head.clientWidth || head.scrollHeight > head.clientHeight)"
        ".map(head => head.textContent)",
    )
    boxes = page.eval_on_selector_all(".heading b", "heads => heads.map(head => head.getBoundingClientRect().toJSON())")
    assert cut == []
    assert all(left["right"] <= right["left"] for left, right in pairwise(boxes))


class TestRows:
    def test_at_every_level_rows_account_for_every_step(self, opened: Open) -> None:
        request = small_boot()
        shown = opened(request)
        for key in "12345":
            shown.page.keyboard.press(key)
            assert shown.steps_shown() == total(request)
        # At the last level all but the receiving sides, which share their senders' arrows, have rows of their own.
        assert len(shown.rows()) > total(request) * 0.7

    def test_a_level_shows_its_kinds_of_steps(self, opened: Open) -> None:
        head = call(
            "API",
            "nova.a:f",
            call("API", "nova.a:g", sql("API", "SELECT", "x"), log("API", "hello")),
            rpc("API", "conductor", "go"),
        )
        shown = opened(boot(head))
        rows = []
        for key in "2345":
            shown.page.keyboard.press(key)
            rows.append(shown.rows())
        assert rows == [
            ["1", "1-2"],
            ["1", "1-1", "1-2"],
            ["1", "1-1", "1-1/1", "1-2"],
            ["1", "1-1", "1-1/1", "1-1/2", "1-2"],
        ]

    def test_folding_hides_and_counts(self, opened: Open) -> None:
        request = small_boot()
        shown = opened(request)
        before = shown.rows()
        shown.page.locator(".row .fold").first.click()
        assert len(shown.rows()) < len(before)
        assert shown.steps_shown() == total(request)
        shown.page.locator(".row .fold").first.click()
        assert shown.rows() == before

    def test_a_group_opens_and_closes(self, opened: Open) -> None:
        shown = opened(boot(call("API", "nova.a:f", *(call("API", "nova.a:g") for _ in range(7)))))
        assert shown.rows() == ["1", "1-1"]
        shown.page.locator(".times").click()
        assert shown.rows() == ["1", *(f"1-{n}" for n in range(1, 8))]
        shown.page.locator(".row .address", has_text="1-3").click()
        shown.page.locator("#scroller").focus()
        shown.page.keyboard.press("ArrowLeft")
        assert shown.rows() == ["1", "1-1"]

    def test_hidden_steps_are_expanded_under_their_row(self, opened: Open) -> None:
        shown = opened(boot(call("API", "nova.a:f", sql("API", "SELECT", "x"), sql("API", "SELECT", "y"))))
        shown.page.locator(".inside").click()
        assert shown.rows() == ["1", "1/1", "1/2"]

    def test_filters_count_hidden_steps(self, opened: Open) -> None:
        request = small_boot()
        shown = opened(request)
        before = len(shown.rows())
        shown.page.locator("#filter summary").click()
        for name in ("placement", "libvirt"):
            shown.page.locator("#filter label", has_text=name).first.click()
        assert len(shown.rows()) < before
        assert shown.steps_shown() == total(request)


def test_every_level_accounts_for_the_whole_real_boot(opened: Open, tmp_path: Path) -> None:
    """Rows of the committed Nova 34 capture, and the steps folded into them, are the recorded steps."""
    with tarfile.open(Path(__file__).parent / "data" / "nova34-boot.tar.gz") as archive:
        archive.extractall(tmp_path / "capture", filter="data")
    trace = tmp_path / "boot.jsonl.gz"
    assert CliRunner().invoke(main, ["ingest", "-o", str(trace), str(tmp_path / "capture")]).exit_code == 0
    (request,) = trace_file.read(trace).boots
    shown = opened(request)
    rows = []
    for key in "12345":
        shown.page.keyboard.press(key)
        rows.append(len(shown.rows()))
        assert shown.steps_shown() == total(request)
    assert rows == sorted(rows)
    assert rows[0] < 40 < 500 < rows[-1]


class TestNavigation:
    def test_the_chosen_row_stays_on_screen_when_the_level_makes_the_page_longer(self, opened: Open) -> None:
        request = wide_boot(2_000)
        last = request.chapters[0].children[-1].address
        shown = opened(request, "brief", f"#{last}")
        for key in "5353":
            shown.page.keyboard.press(key)
            assert last in shown.chosen()
            assert shown.page.locator(".row.chosen").bounding_box()["y"] < 900  # type: ignore[index]

    @pytest.mark.parametrize("detail", ["brief", "calls", "full"])
    def test_every_address_leads_to_its_step(self, opened: Open, detail: str) -> None:
        request = small_boot()
        shown = opened(request, detail)
        for step in request.walk():
            shown.ask("hash => { location.hash = hash }", f"#{step.address}")
            shown.page.wait_for_function("address => bootseq.panelAddress() === address", arg=step.address)
            assert step.address in shown.page.locator("#panel").inner_text()

    def test_a_link_opens_at_a_step_that_the_level_hides(self, opened: Open) -> None:
        request = small_boot()
        note = next(step for step in request.walk() if step.kind == "sql")
        shown = opened(request, "brief", f"#{note.address}")
        assert note.address in shown.chosen()
        assert shown.steps_shown() == total(request)

    def test_an_invalid_address(self, opened: Open) -> None:
        shown = opened(small_boot(), fragment="#%ff9-9-9")
        assert "No step" in shown.page.locator("#status").inner_text()

    def test_search_finds_by_name_table_request_and_address(self, opened: Open) -> None:
        head = call(
            "API",
            "nova.a:f",
            call("API", "nova.a:g", sql("API", "SELECT", "quotas", statement="SELECT <1> FROM\n  quotas WHERE x")),
            request_id="req-77",
        )
        shown = opened(boot(head))
        for query, address in {
            "QUOTAS": "1-1/1",
            "select <1>": "1-1/1",
            "<1> from quotas  where": "1-1/1",
            "req-77": "1",
            "g()": "1-1",
            "1-1": "1-1",
        }.items():
            shown.page.locator("#search input").fill(query)
            shown.page.keyboard.press("Enter")
            assert shown.ask("bootseq.address(bootseq.view.chosen)") == address

    def test_search_wraps_in_both_directions(self, opened: Open) -> None:
        shown = opened(boot(call("API", "nova.a:f", *(call("API", f"nova.a:part{n}") for n in range(3)))))
        shown.page.locator("#search input").fill("part")
        visited = []
        for key in ("Enter", "Enter", "Enter", "Enter", "Shift+Enter"):
            shown.page.keyboard.press(key)
            visited.append(shown.ask("bootseq.address(bootseq.view.chosen)"))
        assert visited == ["1-1", "1-2", "1-3", "1-1", "1-3"]
        assert shown.page.locator("#search output").inner_text() == "3 / 3"

    def test_keys_move_through_the_tree(self, opened: Open) -> None:
        shown = opened(boot(call("API", "nova.a:f", call("API", "nova.a:g"), call("API", "nova.a:h"))))
        shown.page.locator("#scroller").focus()
        visited = []
        for key in ("ArrowDown", "ArrowRight", "ArrowDown", "ArrowLeft", "End", "Home"):
            shown.page.keyboard.press(key)
            visited.append(shown.ask("bootseq.address(bootseq.view.chosen)"))
        assert visited == ["1", "1-1", "1-2", "1", "1-2", "1"]
        assert shown.page.locator("#scroller").get_attribute("aria-activedescendant") == "r0"


class TestPanel:
    def test_it_shows_statement_parameters_and_error(self, opened: Open) -> None:
        statement = "SELECT a, b FROM t WHERE a = 'x FROM y' AND b = 2"
        head = call(
            "API",
            "nova.a:f",
            sql("API", "SELECT", "t", statement=statement, parameters=[2**60, "ü"]),
            error="Boom: no\nsecond",
        )
        shown = opened(boot(head), fragment="#1/1")
        text = shown.page.locator("#panel").inner_text()
        assert "SELECT a,\n       b\nFROM t\nWHERE a = 'x FROM y'\n  AND b = 2" in text
        assert str(2**60) in text
        assert "ü" in text
        shown.ask("location.hash = '#1'")
        shown.page.wait_for_selector("pre.error")
        assert "Boom: no\nsecond" in shown.page.locator("pre.error").inner_text()


class TestPolicy:
    def test_it_works_under_an_equally_strict_server_policy(self, running: Browser) -> None:
        """The policy allows only its own style and script, by digest; the page requests nothing else."""
        text = render(small_boot(), "html")
        policy = unescape(text.split('http-equiv="Content-Security-Policy" content="')[1].split('"')[0])
        page = running.new_page()
        requests: list[str] = []
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: requests.append(message.text))
        headers = {"Content-Security-Policy": policy, "Content-Type": "text/html"}
        page.route("http://wiki.invalid/boot.html", lambda route: route.fulfill(body=text, headers=headers))
        page.goto("http://wiki.invalid/boot.html#1-1-1")
        page.wait_for_selector(".row.chosen")
        page.wait_for_timeout(300)
        page.close()
        assert requests == ["http://wiki.invalid/boot.html"]

    @pytest.mark.parametrize("what", ["script", "style"])
    def test_another_script_or_style_is_refused(self, running: Browser, tmp_path: Path, what: str) -> None:
        file = tmp_path / "boot.html"
        file.write_text(render(small_boot(), "html").replace(f"</{what}>", f" </{what}>", 1 if what == "style" else 2))
        shown = browser.show(running, file)
        assert any("Content Security Policy" in complaint for complaint in shown.complaints)
        shown.page.close()

    def test_without_scripts_it_explains_what_to_do(self, running: Browser, tmp_path: Path) -> None:
        file = tmp_path / "boot.html"
        file.write_text(render(small_boot(), "html"))
        shown = browser.show(running, file, java_script_enabled=False)
        assert "download the file and open it in a browser" in shown.page.locator("#waiting").inner_text()
        shown.page.close()


class TestHostile:
    @pytest.mark.parametrize("text", [everything, "</script><script>alert(1)</script>", '"];drop', "x" * 10_000])
    def test_nothing_of_a_boot_runs(self, opened: Open, text: str) -> None:
        request = poisoned(text)
        shown = opened(request, "full")
        assert shown.steps_shown() == total(request)
        assert shown.page.locator("script").count() == 4
        for key in ("Home", "ArrowDown", "ArrowDown", "t", "c", "?"):
            shown.page.keyboard.press(key)
        assert shown.page.locator("#panel img, #panel script, #rows img, #rows script").count() == 0

    def test_the_page_is_not_wider_than_the_window(self, opened: Open) -> None:
        shown = opened(poisoned("w" * 10_000), "full")
        assert shown.ask("document.documentElement.scrollWidth <= innerWidth")


def test_fifty_thousand_messages(opened: Open) -> None:
    request = wide_boot(50_000)
    shown = opened(request, "full")
    assert shown.steps_shown() == total(request)
    shown.ask("document.getElementById('scroller').scrollTop = 1e9")
    shown.page.wait_for_selector(f"#r{shown.ask('bootseq.view.rows.length') - 1}")
    assert shown.page.locator(".row").count() < 150
    last = list(request.walk())[-1].address
    shown.ask("bootseq.reveal(bootseq.stepAt('1-2000-3'))")
    assert "1-2000-3" in shown.chosen()
    shown.ask("address => bootseq.reveal(bootseq.stepAt(address))", last)
    assert shown.ask("bootseq.address(bootseq.view.chosen)") in last


class TestStory:
    def test_a_real_boot_opens_as_one_screen_of_rows(self, opened: Open) -> None:
        request = trace_file.read(GALLERY / "boots.trace.jsonl.gz").boots[0]
        shown = opened(request, "story")
        assert 10 < shown.ask("bootseq.view.rows.length") <= 40
        assert shown.steps_shown() == total(request)
        assert shown.page.locator(".row.answer").count() == 0

    def test_both_ends_of_a_request_lead_to_its_row(self, opened: Open) -> None:
        request = boot(call("API", "nova.a:f", rpc("API", "conductor", "build")))
        client = request.chapters[0].children[0]
        server = client.children[0]
        shown = opened(request, "story", f"#{server.address}")
        assert client.address in shown.chosen()
        assert shown.ask("bootseq.panelAddress()") == server.address

    def test_the_address_remembers_the_level(self, opened: Open) -> None:
        shown = opened(small_boot(), "story", "#2-1")
        shown.page.wait_for_selector(".row.chosen")
        shown.page.keyboard.press("4")
        shown.page.wait_for_url("**#2-1&level=sql")
        again = opened(small_boot(), "story", "#2-1&level=sql")
        again.page.wait_for_selector(".row.chosen")
        assert again.ask("bootseq.view.level") == 3

    def test_an_error_handled_on_the_way_is_marked_and_not_red(self, opened: Open) -> None:
        attempt = call("compute", "nova.a:claim", call("compute", "nova.a:lock", error="Conflict: retried"))
        shown = opened(boot(call("compute", "nova.a:f", attempt), outcome="active"), "calls")
        assert shown.page.locator(".row.failed").count() == 0
        assert shown.page.locator(".row.handled").count() == 1
        assert "handled" in shown.page.locator(".row.handled").inner_text()


SMALL = [(1400, 900), (700, 900), (390, 800)]


class TestScreens:
    @pytest.mark.parametrize(("width", "height"), SMALL)
    def test_nothing_is_wider_than_the_screen_and_no_text_leaves_its_box(
        self, opened: Open, width: int, height: int
    ) -> None:
        (request, *_) = trace_file.read(GALLERY / "boots.trace.jsonl.gz").boots
        page = opened(request, "story").page
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_function("width => document.getElementById('scroller').clientWidth <= width", arg=width)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        outside = page.evaluate(
            """() => [...document.querySelectorAll(".lanes .label")].filter((label) => {
              const text = label.getBoundingClientRect(), cell = label.closest("svg").getBoundingClientRect();
              return text.right > cell.right + 1 || text.left < cell.left - 1;
            }).map((label) => label.textContent)"""
        )
        assert outside == []
        if width < 800:
            assert page.locator(".lanes").count() == 0
            page.locator("#drawer").click()
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            page.keyboard.press("Escape")
            assert page.locator("#tools").is_hidden()
            page.keyboard.press("o")
            assert page.locator(".lanes").count() > 0

    @pytest.mark.parametrize(("width", "height"), SMALL)
    def test_a_comparison_fits_the_screen(self, running: Browser, tmp_path: Path, width: int, height: int) -> None:
        file = tmp_path / "report.html"
        file.write_text(report(comparisons.small(), "html"))
        shown = browser.show(running, file)
        shown.page.set_viewport_size({"width": width, "height": height})
        assert shown.ask("document.documentElement.scrollWidth") <= width
        shown.page.close()

    def test_escape_closes_what_is_open_one_after_the_other(self, opened: Open) -> None:
        page = opened(small_boot(), "story", "#1-1").page
        page.locator("#filter summary").click()
        page.keyboard.press("Escape")
        assert page.locator("#filter").get_attribute("open") is None
        assert page.locator("#panel").is_visible()
        page.keyboard.press("Escape")
        assert page.locator("#panel").is_hidden()
