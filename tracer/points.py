"""Call points: from the YAML that people write to the lists that hooks match against."""

from __future__ import annotations

from pathlib import Path

import yaml

from tracer.errors import TracerError

#: module glob, name globs, globs of names left out
Point = tuple[str, list[str], list[str]]

DEFAULT = Path(__file__).with_name("points.yaml")


def load(paths: list[Path]) -> list[Point]:
    """The points of the default file and of ``paths``, in that order; a TracerError says what is wrong where."""
    return [point for path in [DEFAULT, *paths] for point in compiled(path.name, _parsed(path))]


def _parsed(path: Path) -> object:
    try:
        return yaml.safe_load(path.read_text())
    except OSError as error:
        raise TracerError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise TracerError(f"{path}: not a text file") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise TracerError(f"{path}{line}: not YAML: {getattr(error, 'problem', error)}") from None


def compiled(file: str, data: object) -> list[Point]:
    """``{module glob: [name glob, "!name glob to leave out", …]}`` as points."""
    if data is None:
        return []
    if not isinstance(data, dict):
        raise TracerError(f"{file}: expected modules and, under each, a list of names")
    return [_point(file, module, names) for module, names in data.items()]


def _point(file: str, module: object, names: object) -> Point:
    if not isinstance(module, str) or not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise TracerError(f"{file}: under {module!r} expected a list of names such as API.create or API.*")
    wanted = [name for name in names if not name.startswith("!")]
    left_out = [name[1:] for name in names if name.startswith("!")]
    if not wanted:
        raise TracerError(f"{file}: under {module!r} every name is left out")
    return module, wanted, left_out
