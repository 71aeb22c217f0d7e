"""A real all-in-one OpenStack cloud on this machine, installed, started and stopped by commands."""
