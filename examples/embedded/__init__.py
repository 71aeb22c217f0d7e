"""A real Nova without root, message broker, database server or hypervisor, for tests and for trying bootseq."""

from examples.embedded.boot import Boot as Boot
from examples.embedded.boot import PendingBoot as PendingBoot
from examples.embedded.cloud import EmbeddedCloud as EmbeddedCloud
from examples.embedded.errors import EmbeddedError as EmbeddedError
from examples.embedded.one_process import boot_in_one_process as boot_in_one_process
