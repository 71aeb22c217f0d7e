"""A thread of another process put before others for as long as it is held: what makes a stop long is that it waits.

On a busy machine a thread that we have asked to stop, or sent to make our calls, would wait for its turn like any
other, for tens of milliseconds. So a thread of ours with a real-time priority waits for a lock that, as the kernel is
told, the other one holds (a futex with priority inheritance, whose owner is named by a number in our memory): the
kernel then lends it our priority. Nothing of it is changed, so nothing need be put back: the loan ends with our
waiting, be it that we are killed.
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
#: Ours goes before the one we lend, or a thread that computes would keep us off the only processor.
OURS, LENT = 2, 1
#: Seconds: for how long at most; and how long the loan may take to begin.
_AT_MOST, _BEGIN = 0.1, 0.1
_LOOK = 10e-6

_libc = ctypes.CDLL(None, use_errno=True)


class _Time(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_int64), ("nanoseconds", ctypes.c_int64))


def put_first(priority: int, tid: int = 0) -> bool:
    """Have a thread of ours go before all that has no real-time priority; False where we may not."""
    try:
        os.sched_setscheduler(tid, os.SCHED_FIFO, os.sched_param(priority))
    except OSError:
        return False
    return True


class Lent:
    """Thread ``tid`` goes first from ``__enter__`` to ``__exit__``, where we may do that, but not for long.

    To be used in a thread that has been put first: the one that lends begins with the priority of who starts it.
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
            self._give_back()

    def _wait(self) -> None:
        self._lender = threading.get_native_id()
        if put_first(LENT):
            end = time.time() + _AT_MOST
            until = _Time(int(end), int(end % 1 * 1e9))
            _libc.syscall(_FUTEX, ctypes.byref(self._lock), _LOCK_PI, 0, ctypes.byref(until), None, 0)
        self._over = True

    def _give_back(self) -> None:
        """The lender waits on, but has nothing more to lend."""
        try:
            os.sched_setscheduler(self._lender, os.SCHED_OTHER, os.sched_param(0))
        except ProcessLookupError:
            return
