"""The lives of instances: what was done to each, when, by which request, and how that ended."""

from tracer.lifecycle.instances import Action, Instance, instances

__all__ = ["Action", "Instance", "instances"]
