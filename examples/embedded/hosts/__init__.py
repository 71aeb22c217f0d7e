"""The embedded cloud on several hosts: network, mount, pid and uts namespaces each with an sshd."""

from examples.embedded.hosts.cloud import HostsCloud

__all__ = ["HostsCloud"]
