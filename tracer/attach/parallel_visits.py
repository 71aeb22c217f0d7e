"""Visits to several processes at once: the failure of one is its own report, and does not affect the others."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from tracer.attach.eligibility import ProcessReport, report_of
from tracer.attach.injection import ptrace
from tracer.attach.injection.ptrace import BusyError, RefusedError
from tracer.attach.processes import Process
from tracer.callbacks import ignore

#: Visits at a time. Most of the time of each is waiting.
_CONCURRENT = 8
#: Seconds: a stopped process must not wait for long while other threads of ours run.
_SWITCH = 0.0005

Visit = Callable[[], "ProcessReport | None"]


def visit_all(
    visits: Iterable[tuple[Process, Visit]], on_report: Callable[[ProcessReport], object] = ignore
) -> Iterator[ProcessReport]:
    """Yield the reports in order, each passed to ``on_report`` first; visits that return None are left out."""
    sys.setswitchinterval(_SWITCH)
    with ThreadPoolExecutor(_CONCURRENT, initializer=ptrace.raise_priority) as pool:
        for future in [pool.submit(outcome, process, visit) for process, visit in visits]:
            result = future.result()
            if result is not None:
                on_report(result)
                yield result


def outcome(process: Process, visit: Visit) -> ProcessReport | None:
    """Return what the visit returns, or a report of why it failed."""
    try:
        return visit()
    except BusyError as error:
        return report_of(process, "cannot", str(error), "the same command again")
    except RefusedError as error:
        return report_of(process, "cannot", str(error))
    except OSError as error:
        return report_of(process, "cannot", f"{error.filename or 'it'}: {error.strerror or error}")
    except Exception as error:  # noqa: BLE001 - no process may prevent the visits to the others
        return report_of(process, "cannot", f"{type(error).__name__}: {error}")
