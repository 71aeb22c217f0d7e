"""First code in an interpreter that ``bootseq run`` started: load the hooks under a private name, then step aside.

Nothing here may stop the host: whatever fails is said in one line on stderr, and the host goes on untraced.
"""

import os
import sys


def _load_hooks() -> None:
    import importlib.util
    import json

    capture, patches = os.environ["BOOTSEQ_CAPTURE"], os.environ["BOOTSEQ_PATCHES"]
    with open(os.path.join(capture, "capture.json"), encoding="utf-8") as file:
        options = json.load(file)
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
    """The one we stand before on the path, which the host expects to have run."""
    import importlib.machinery
    import importlib.util

    here = os.path.dirname(os.path.abspath(__file__))
    others = [folder for folder in sys.path if os.path.abspath(folder) != here]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", others)
    if spec is not None and spec.loader is not None:
        sys.modules["sitecustomize"] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)


if "BOOTSEQ_CAPTURE" in os.environ:
    try:
        _load_hooks()
    except Exception as error:
        sys.modules.pop("_bootseq", None)
        said = f"{type(error).__name__}: {error}".replace("\n", " ")
        sys.stderr.write(f"bootseq: process {os.getpid()} runs without hooks: {said}\n")
_run_next_sitecustomize()
