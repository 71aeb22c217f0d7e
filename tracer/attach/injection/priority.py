"""A loan of priority to a thread of another process while it is stopped: long stops come from waiting for a processor.

On a busy machine a thread that we have requested to stop, or to make our calls, would wait for its turn like any other,
for tens of milliseconds. So a thread of ours with a real-time priority waits for a lock that the other one seems to
hold (a futex with priority inheritance, whose owner is a number in our memory): the kernel then lends it our priority.
The thread itself is not changed, so nothing has to be restored: the loan ends with our wait, even if we are killed.
"""

from __future__ import annotations

import ctypes
import os
import threading
import time
from types import TracebackType

_FUTEX = 202
#: Not the private kind, whose owner must be one of our own threads.
_LOCK_PI = 6
_HAS_WAITERS = 1 << 31
#: Ours is higher than the one we lend, or a thread that computes would keep us off the only processor.
OURS, LENT = 2, 1
#: Seconds of a loan, and until it begins, at most.
_AT_MOST, _BEGIN = 0.1, 0.1
_LOOK = 10e-6

_libc = ctypes.CDLL(None, use_errno=True)


class _Time(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_int64), ("nanoseconds", ctypes.c_int64))


def put_first(priority: int, tid: int = 0) -> bool:
    """Give a thread of ours priority over all without a real-time priority; False where that is not allowed."""
    try:
        os.sched_setscheduler(tid, os.SCHED_FIFO, os.sched_param(priority))
    except OSError:
        return False
    return True


class Lent:
    """A loan to the thread ``tid`` from ``__enter__`` to ``__exit__``, if allowed, but not for long.

    To be used in a thread that has been put first: the lending thread begins with the priority of its starter.
    """

    def __init__(self, tid: int) -> None:
        self._lock = ctypes.c_uint32(tid)
        self._lender = 0
        self._over = False

    def __enter__(self) -> Lent:
        threading.Thread(target=self._wait, daemon=True).start()
        deadline = time.monotonic() + _BEGIN
        while not self._lock.value & _HAS_WAITERS and not self._over and time.monotonic() < deadline:
            time.sleep(_LOOK)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self._lender and not self._over:
            self._end_loan()

    def _wait(self) -> None:
        self._lender = threading.get_native_id()
        if put_first(LENT):
            end = time.time() + _AT_MOST
            until = _Time(int(end), int(end % 1 * 1e9))
            _libc.syscall(_FUTEX, ctypes.byref(self._lock), _LOCK_PI, 0, ctypes.byref(until), None, 0)
        self._over = True

    def _end_loan(self) -> None:
        """Lower the priority of the lender, which waits on."""
        try:
            os.sched_setscheduler(self._lender, os.SCHED_OTHER, os.sched_param(0))
        except ProcessLookupError:
            return
