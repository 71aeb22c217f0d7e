"""Patterns of OpenStack's ids and log lines that several rooms recognise, as text to build regular expressions from."""

from __future__ import annotations

#: A uuid as OpenStack prints it: lower case, with dashes.
UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
#: A request id: ``req-`` and a uuid, or a bare uuid as older services have it.
REQUEST_ID = rf"(?:req-)?{UUID}"

#: Nova's mark of a log line about an instance; its group is the uuid.
INSTANCE_BRACKET = rf"\[instance: ({UUID})\]"

#: Levels of log records that report a problem, as hooks and parsed lines name them.
WARNING_LEVELS = frozenset({"WARNING", "ERROR", "CRITICAL"})
#: The same with names that only lines of old logs have: ``WARN``, and ``TRACE`` for a line of a traceback.
LOG_FILE_WARNING_LEVELS = WARNING_LEVELS | {"WARN", "TRACE"}

#: Method names by which a service reports every few seconds that it is alive.
SERVICE_REPORTS = r"Service\.(save|get_by_|create)|report_state"
#: Loggers of work that a service does on a timer.
PERIODIC_LOGGERS = ("loopingcall", "periodic_task")
