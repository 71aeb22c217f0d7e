"""The gallery is what this code draws from the recordings that are kept, and README shows what is in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from examples.gallery import drawing, page
from examples.gallery.plan import HERE, PICTURES, SCREENSHOTS, STORED, Picture

README = HERE.parent.parent / "README.md"
FILES = [STORED.name, *(one.file for one in PICTURES), *(one.file for one in SCREENSHOTS), "README.md"]


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
