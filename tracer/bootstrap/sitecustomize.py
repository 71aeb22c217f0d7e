"""First code in an interpreter that ``bootseq run`` started: load the hooks under a private name, then step aside.

Nothing here may stop the host: a failure is reported by a line on stderr, and the host continues untraced.
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
    """Return the ask points added since the machine's boot; those for some services only are left to ``attach``."""
    import json

    try:
        with open(path, encoding="utf-8") as file, open("/proc/sys/kernel/random/boot_id", encoding="ascii") as machine:
            registered = json.load(file)
            current = registered["machine"] == machine.read().strip()
        return [point for point in registered["points"] if current and not point["pids"] and not point["services"]]
    except FileNotFoundError:
        return []


def _run_next_sitecustomize() -> None:
    """Run the next one on the path, which the host expects to have run; that may itself run another one."""
    import importlib.machinery
    import importlib.util

    others = [folder for folder in sys.path if os.path.abspath(folder) not in _running()]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", others)
    if spec is not None and spec.loader is not None:
        sys.modules["sitecustomize"] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)


def _running() -> set:  # type: ignore[type-arg]
    """Return the folders of all that run now, which must not run again, whichever of them called the other."""
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
        reason = f"{type(error).__name__}: {error}".replace("\n", " ")
        sys.stderr.write(f"bootseq: process {os.getpid()} runs without hooks: {reason}\n")
try:
    _run_next_sitecustomize()
finally:
    if "_bootseq" in sys.modules:  # the next one may have moved before us on the path of programs that this one starts
        sys.modules["_bootseq"].execs.put_first(os.environ, _HERE)
