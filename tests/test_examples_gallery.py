"""The gallery is what this code draws from the recordings that are kept, and README shows what is in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from examples.gallery import drawing, page
from examples.gallery.plan import HERE, KEPT, PICTURES, RECORDINGS, SCREENSHOTS, Picture

README = HERE.parent.parent / "README.md"
FILES = [KEPT.name, *(one.file for one in PICTURES), *(one.file for one in SCREENSHOTS), "README.md"]


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gallery")
    drawing.ingest(folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("picture", [one for one in PICTURES if not one.foreign], ids=lambda one: one.file)
def test_it_is_what_is_drawn_today(traces: Path, picture: Picture) -> None:
    made = drawing.draw(picture, traces)
    assert made.read_bytes() == (HERE / picture.file).read_bytes(), "python -m examples.gallery draws it anew"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("trace", "boots", "heading", "least"),
    [(RECORDINGS[0].trace, "vm1", "# boot vm1", 40), (KEPT.name, "vm1 vm2 vm3", "# boot: 3 boots", 15)],
)
def test_readme_shows_what_is_drawn(traces: Path, trace: str, boots: str, heading: str, least: int) -> None:
    """Line by line, left out being only what … stands for."""
    drawing.run(f"bootseq draw {trace} {boots} --detail brief -o brief.txt", traces)
    said = (traces / "brief.txt").read_text().splitlines()
    block = re.search(rf"```text\n({heading}.*?)```", README.read_text(), re.S)
    assert block
    shown = [line for line in block[1].splitlines() if line != "…"]
    assert len(shown) > least
    assert [line for line in shown if line not in said] == []


def test_its_page_is_that_of_the_plan() -> None:
    assert (HERE / "README.md").read_text() == page.page()


def test_it_holds_what_the_plan_says_and_is_small() -> None:
    sizes = {file.name: file.stat().st_size for file in HERE.iterdir() if file.suffix not in ("", ".py")}
    assert set(sizes) == set(FILES)
    assert max(sizes.values()) < 300_000
    assert sum(sizes.values()) < 2_000_000
    assert all(sizes[one.file] <= 200_000 for one in SCREENSHOTS)


@pytest.mark.parametrize("text", [README, HERE / "README.md"], ids=["README", "gallery"])
def test_what_is_linked_is_there(text: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", text.read_text())
    assert links
    assert [link for link in links if not (text.parent / link).exists()] == []


def test_a_command_that_fails_is_told(tmp_path: Path) -> None:
    with pytest.raises(drawing.GalleryError, match=r"bootseq draw none\.jsonl -o x\.svg: exit code 2: .*none\.jsonl"):
        drawing.run("bootseq draw none.jsonl -o x.svg", tmp_path)
