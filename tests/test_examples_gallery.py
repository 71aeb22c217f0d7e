"""The gallery: drawn by the present code from the committed recordings, and linked in the README."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from examples.gallery import drawing, page
from examples.gallery.plan import HERE, PICTURES, SCREENSHOTS, STORED, Picture

README = HERE.parent.parent / "README.md"
FILES = [STORED.name, *(picture.file for picture in PICTURES), *(picture.file for picture in SCREENSHOTS), "README.md"]


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gallery")
    drawing.ingest(folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    "picture", [picture for picture in PICTURES if not picture.foreign], ids=lambda picture: picture.file
)
def test_a_picture_is_current(traces: Path, picture: Picture) -> None:
    drawn = drawing.draw(picture, traces)
    assert drawn.read_bytes() == (HERE / picture.file).read_bytes(), "python -m examples.gallery redraws it"


def test_the_page_is_current() -> None:
    assert (HERE / "README.md").read_text() == page.page()


def test_the_gallery_contains_the_planned_files_and_is_small() -> None:
    sizes = {file.name: file.stat().st_size for file in HERE.iterdir() if file.suffix not in ("", ".py")}
    assert set(sizes) == set(FILES)
    assert max(sizes.values()) < 300_000
    assert sum(sizes.values()) < 2_000_000
    assert all(sizes[picture.file] <= 220_000 for picture in SCREENSHOTS)


@pytest.mark.parametrize("text", [README, HERE / "README.md"], ids=["README", "gallery"])
def test_links_resolve(text: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", text.read_text())
    assert links
    assert [link for link in links if not (text.parent / link).exists()] == []


def test_a_failing_command_is_reported(tmp_path: Path) -> None:
    with pytest.raises(drawing.GalleryError, match=r"bootseq draw none\.jsonl -o x\.svg: exit code 2: .*none\.jsonl"):
        drawing.run("bootseq draw none.jsonl -o x.svg", tmp_path)
