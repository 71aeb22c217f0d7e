"""The suites: their tests, how these are run, and the slice of each that is closest to the hooked functions."""

from __future__ import annotations

from dataclasses import dataclass, field


class SuitesError(Exception):
    """An error that ends the command with exit code 2."""


@dataclass(frozen=True)
class Suite:
    """A suite; ``sdist`` names the archive with the tests, which otherwise are in the installed package or in Python.

    ``flaky`` has tests (globs) that also differ between plain runs, ``without`` those of unittest that cannot run
    on two sides at once, each with the reason. ``seconds`` bounds one side's run of the whole, on two busy cores.
    """

    name: str
    driver: str
    whole: tuple[str, ...]
    slice: tuple[str, ...] = ()
    sdist: str = ""
    environment: str = "nova"
    options: tuple[str, ...] = ()
    variables: dict[str, str] = field(default_factory=dict)
    flaky: dict[str, str] = field(default_factory=dict)
    without: dict[str, str] = field(default_factory=dict)
    seconds: int = 900


_THREADS = {"OSLO_SERVICE_SKIP_EVENTLET": "1"}
_NATIVE = {"OS_NOVA_DISABLE_EVENTLET_PATCHING": "1"}
# Slices of Nova's and SQLAlchemy's own tests: those that pass through hooked functions. All of them take hours.
_NOVA_UNIT = (
    "nova.tests.unit.compute.test_compute.ComputeVolumeTestCase",
    "nova.tests.unit.compute.test_compute.EvacuateHostTestCase",
    "nova.tests.unit.conductor.test_conductor",
    "nova.tests.unit.db.main.test_api.InstanceTestCase",
    "nova.tests.unit.objects.test_instance",
    "nova.tests.unit.scheduler.client",
    "nova.tests.unit.scheduler.test_host_manager",
    "nova.tests.unit.scheduler.test_manager",
    "nova.tests.unit.scheduler.test_request_filter",
    "nova.tests.unit.test_context",
    "nova.tests.unit.test_rpc",
    "nova.tests.unit.test_utils",
    "nova.tests.unit.virt.libvirt.test_guest",
    "nova.tests.unit.virt.libvirt.test_host",
    "nova.tests.unit.virt.test_virt_drivers",
)
_NOVA_FUNCTIONAL = (
    "nova.tests.functional.compute.test_instance_list",
    "nova.tests.functional.db.test_instance",
    "nova.tests.functional.db.test_instance_mapping",
    "nova.tests.functional.test_instance_actions",
    "nova.tests.functional.test_server_group.ServerGroupTestV21",
    "nova.tests.functional.test_servers.ServersTest",
    "nova.tests.functional.test_servers.ServerTestV269",
)
_SQLALCHEMY = (
    "test/base", "test/engine", "test/dialect/test_sqlite.py", "test/sql/test_query.py", "test/sql/test_resultset.py",
    "test/sql/test_insert_exec.py", "test/sql/test_returning.py", "test/orm/test_session.py",
    "test/orm/test_transaction.py", "test/orm/test_unitofwork.py", "test/orm/test_unitofworkv2.py",
    "test/orm/test_events.py", "test/ext/asyncio",
)  # fmt: skip

SUITES = (
    Suite(
        "python-threading", "unittest", ("test.test_threading",),
        ("test.test_threading.ThreadTests", "test.test_threading.ExceptHookTests"), environment="python",
    ),
    Suite(
        "python-futures", "unittest", ("test.test_concurrent_futures",),
        # In later Pythons each class has a module.
        ("test.test_concurrent_futures.ThreadPoolExecutorTest", "test.test_concurrent_futures.FutureTests",
         "test.test_concurrent_futures.test_thread_pool", "test.test_concurrent_futures.test_future"),
        environment="python", seconds=1800,
    ),
    Suite(
        "python-logging", "unittest", ("test.test_logging",),
        ("test.test_logging.LoggerTest", "test.test_logging.ModuleLevelMiscTest", "test.test_logging.QueueHandlerTest",
         "test.test_logging.HandlerTest", "test.test_logging.ConfigDictTest"), environment="python",
    ),
    Suite(
        "python-subprocess", "unittest", ("test.test_subprocess",),
        ("test.test_subprocess.RunFuncTestCase", "test.test_subprocess.ContextManagerTests",
         "test.test_subprocess.POSIXProcessTestCase.test_pass_fds_redirected",
         "test.test_subprocess.POSIXProcessTestCase.test_close_fds"), environment="python",
    ),
    Suite(
        "python-socket", "unittest", ("test.test_socket",), ("test.test_socket.GeneralModuleTests",),
        environment="python", without={"*.ThreadedVSOCKSocketStreamTest.*": "it uses the same port on both sides"},
    ),
    Suite(
        "sqlalchemy", "pytest", _SQLALCHEMY,
        ("test/engine/test_transaction.py", "test/engine/test_logging.py"), sdist="sqlalchemy",
        # Without a name a database in memory; the limit of failures is the suite's own.
        options=("--maxfail=100000", "--tb=short"), seconds=3600,
    ),
    Suite(
        "oslo.db", "unittest", ("oslo_db.tests",),
        ("oslo_db.tests.sqlalchemy.test_exc_filters", "oslo_db.tests.sqlalchemy.test_sqlalchemy"), variables=_THREADS,
    ),
    Suite(
        "oslo.messaging", "unittest", ("oslo_messaging.tests",),
        ("oslo_messaging.tests.rpc.test_client", "oslo_messaging.tests.rpc.test_dispatcher"), variables=_THREADS,
    ),
    Suite(
        "oslo.service", "unittest",
        ("oslo_service.tests.test_loopingcall", "oslo_service.tests.test_periodic", "oslo_service.tests.test_service",
         "oslo_service.tests.test_threadgroup", "oslo_service.tests.test_wsgi", "oslo_service.tests.test_sslutils",
         "oslo_service.tests.test_systemd", "oslo_service.tests.test_eventlet_backdoor"),
        ("oslo_service.tests.test_loopingcall", "oslo_service.tests.test_threadgroup"),
    ),
    Suite(
        "oslo.service-threading", "unittest",
        ("oslo_service.tests.backend.threading", "oslo_service.tests.backend.tests", "oslo_service.tests.functional",
         "oslo_service.tests.test_multiprocessing", "oslo_service.tests.test_spawn_context_integration"),
        ("oslo_service.tests.backend.threading",), variables=_THREADS,
    ),
    Suite("oslo.log", "unittest", ("oslo_log.tests",), ("oslo_log.tests.unit.test_log",)),
    Suite(
        "oslo.concurrency", "unittest", ("oslo_concurrency.tests",),
        ("oslo_concurrency.tests.unit.test_processutils.UtilsTest",
         "oslo_concurrency.tests.unit.test_processutils.TryCmdTestCase",
         "oslo_concurrency.tests.unit.test_processutils.ProcessExecutionErrorTest",
         "oslo_concurrency.tests.unit.test_processutils.ProcessExecutionErrorLoggingTest"),
        without={"*.test_lockutils_eventlet.*": "without eventlet's patches it waits for ever, plain too"},
    ),
    Suite(
        "oslo.concurrency-eventlet", "unittest", ("oslo_concurrency.tests",),
        ("oslo_concurrency.tests.unit.test_lockutils_eventlet",), variables={"TEST_EVENTLET": "1"},
    ),
    Suite("oslo.privsep", "unittest", ("oslo_privsep.tests",), ("oslo_privsep.tests.unit",)),
    Suite("futurist", "unittest", ("futurist.tests",),
          ("futurist.tests.test_executors.TestRejection", "futurist.tests.test_executors.TestDynamicThreadPool",
           "futurist.tests.test_waiters")),
    Suite(
        "keystoneauth1", "unittest", ("keystoneauth1.tests.unit",),
        ("keystoneauth1.tests.unit.test_session", "keystoneauth1.tests.unit.test_discovery"),
    ),
    Suite(
        "eventlet", "pytest", ("tests",),
        ("tests/greenthread_test.py", "tests/api_test.py"),
        sdist="eventlet", seconds=1800,
    ),
    Suite(
        "requests", "pytest", ("tests",), ("tests/test_requests.py::TestRequests", "tests/test_hooks.py"),
        sdist="requests", environment="requests",
    ),
    Suite(
        "urllib3", "pytest", ("test",), ("test/test_connectionpool.py", "test/test_poolmanager.py"), sdist="urllib3",
        options=("-m", "not requires_network and not integration"), seconds=1800,
    ),
    Suite(
        "nova-unit", "unittest", _NOVA_UNIT,
        ("nova.tests.unit.test_rpc", "nova.tests.unit.virt.libvirt.test_guest.GuestTestCase"),
        variables=_NATIVE, seconds=3600,
    ),
    Suite(
        "nova-unit-eventlet", "unittest", ("nova.tests.unit.test_utils", "nova.tests.unit.test_rpc",
        "nova.tests.unit.compute.test_compute_mgr"), variables={"OS_NOVA_DISABLE_EVENTLET_PATCHING": "0"},
    ),
    Suite(
        "nova-functional", "unittest", _NOVA_FUNCTIONAL,
        ("nova.tests.functional.test_instance_actions.InstanceActionsTest",), sdist="nova",
        variables=_NATIVE, seconds=3600,
    ),
)  # fmt: skip


def find(names: list[str]) -> list[Suite]:
    """Return the named suites, or all; SuitesError for an unknown name."""
    known = {suite.name: suite for suite in SUITES}
    missing = [name for name in names if name not in known]
    if missing:
        raise SuitesError(f"no suite {missing[0]}: there are {', '.join(known)}")
    return [known[name] for name in names] or list(SUITES)
