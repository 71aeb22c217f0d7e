"""The gallery's page: each picture under its title, with its command."""

from examples.gallery import drawing
from examples.gallery.plan import PICTURES, RECORDINGS, SCREENSHOTS, Picture, Screenshot

_HEAD = """\
# Gallery

Real boots, drawn by the commands beside the pictures. `python -m examples.gallery` draws all of it, and writes this
page, from recordings in this folder and in [tests/data](../../tests/data); nothing here is edited by hand. A test
checks that the same recordings give the same files; only the screenshots and Graphviz's picture may differ by a pixel
on another machine.

"""


def page() -> str:
    """Return the page as Markdown."""
    recordings = "".join(f"- `{recording.command}`: {recording.what}\n" for recording in RECORDINGS)
    parts = [*map(_screenshot, SCREENSHOTS), *map(_picture, PICTURES)]
    return f"{_HEAD}The recordings:\n\n{recordings}\n" + "\n".join(parts)


def _screenshot(shot: Screenshot) -> str:
    return _section(shot.title, shot.text, (drawing.page_command(shot),), f"![{shot.title}]({shot.file})")


def _picture(picture: Picture) -> str:
    link = f"[{picture.file}]({picture.file})"
    shown = f"!{link}" if picture.file.endswith((".svg", ".png")) else link
    return _section(picture.title, picture.text, picture.commands, shown)


def _section(title: str, text: str, commands: tuple[str, ...], shown: str) -> str:
    lines = "".join(f"$ {line}\n" for line in commands)
    return f"## {title}\n\n{text}\n\n```console\n{lines}```\n\n{shown}\n"
