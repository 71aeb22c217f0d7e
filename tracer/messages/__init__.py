"""Messages by which services report how a request proceeds and how it ends: the data file, and its reading."""

from tracer.messages.catalogue import Catalogue, Report, Template, catalogue

__all__ = ["Catalogue", "Report", "Template", "catalogue"]
