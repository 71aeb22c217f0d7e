"""First code in an interpreter that ``bootseq run`` started: load the hooks under a private name, then step aside.

Nothing here may stop the host: whatever fails is said in one line on stderr, and the host goes on untraced.
"""

import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))


def _load_hooks() -> None:
    import importlib.util
    import json

    capture, patches = os.environ["BOOTSEQ_CAPTURE"], os.environ["BOOTSEQ_PATCHES"]
    with open(os.path.join(capture, "capture.json"), encoding="utf-8") as file:
        options = json.load(file)
    options["bootstrap"] = _HERE
    options["asks"] = _asks(os.path.join(capture, "asks.json"))
    spec = importlib.util.spec_from_file_location(
        "_bootseq", os.path.join(patches, "__init__.py"), submodule_search_locations=[patches]
    )
    assert spec is not None
    assert spec.loader is not None
    hooks = importlib.util.module_from_spec(spec)
    sys.modules["_bootseq"] = hooks
    spec.loader.exec_module(hooks)
    hooks.install(capture, options)


def _asks(path: str) -> list:  # type: ignore[type-arg]
    """The ask points that were set since this machine started; those for some services only come with ``attach``."""
    import json

    try:
        with open(path, encoding="utf-8") as file, open("/proc/sys/kernel/random/boot_id", encoding="ascii") as machine:
            kept = json.load(file)
            known = kept["machine"] == machine.read().strip()
        return [each for each in kept["points"] if known and not each["pids"] and not each["services"]]
    except FileNotFoundError:
        return []


def _run_next_sitecustomize() -> None:
    """The one we come before on the path, which the host expects to have run; it may itself run the next one."""
    import importlib.machinery
    import importlib.util

    others = [folder for folder in sys.path if os.path.abspath(folder) not in _running()]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", others)
    if spec is not None and spec.loader is not None:
        sys.modules["sitecustomize"] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)


def _running() -> set:  # type: ignore[type-arg]
    """The folders of those that run now, in whichever order they have called each other: none is run again."""
    folders, frame = set(), sys._getframe()
    while frame is not None:
        name = frame.f_code.co_filename
        if os.path.basename(name) == "sitecustomize.py":
            folders.add(os.path.dirname(os.path.abspath(name)))
        frame = frame.f_back  # type: ignore[assignment]
    return folders


if "BOOTSEQ_CAPTURE" in os.environ and "_bootseq" not in sys.modules:
    try:
        _load_hooks()
    except Exception as error:
        sys.modules.pop("_bootseq", None)
        said = f"{type(error).__name__}: {error}".replace("\n", " ")
        sys.stderr.write(f"bootseq: process {os.getpid()} runs without hooks: {said}\n")
try:
    _run_next_sitecustomize()
finally:
    if "_bootseq" in sys.modules:  # the next one may have gone before us on the path of the programs that are started
        sys.modules["_bootseq"].execs.put_first(os.environ, _HERE)
