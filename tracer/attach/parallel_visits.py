"""Visits to several processes at once: what fails for one is its own result, and ends nothing for the others."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from tracer.attach.eligibility import ProcessReport, report_of
from tracer.attach.injection import ptrace
from tracer.attach.injection.ptrace import BusyError, RefusedError
from tracer.attach.processes import Process
from tracer.callbacks import ignore

#: At once. Most of the time of each visit is waiting.
_AT_ONCE = 8
#: A stopped process must not wait while other threads of ours are at work.
_SWITCH = 0.0005

Visit = Callable[[], "ProcessReport | None"]


def visit_all(
    visits: Iterable[tuple[Process, Visit]], on_report: Callable[[ProcessReport], object] = ignore
) -> Iterator[ProcessReport]:
    """The results in order, each given to ``on_report`` first; a visit that gives None is not worth a result."""
    sys.setswitchinterval(_SWITCH)
    with ThreadPoolExecutor(_AT_ONCE, initializer=ptrace.raise_priority) as pool:
        for future in [pool.submit(outcome, process, visit) for process, visit in visits]:
            result = future.result()
            if result is not None:
                on_report(result)
                yield result


def outcome(process: Process, visit: Visit) -> ProcessReport | None:
    """What the visit gives, or why it could not be made."""
    try:
        return visit()
    except BusyError as error:
        return report_of(process, "cannot", str(error), "the same command again")
    except RefusedError as error:
        return report_of(process, "cannot", str(error))
    except OSError as error:
        return report_of(process, "cannot", f"{error.filename or 'it'}: {error.strerror or error}")
    except Exception as error:  # noqa: BLE001 - nothing that a process does may keep us from the next one
        return report_of(process, "cannot", f"{type(error).__name__}: {error}")
