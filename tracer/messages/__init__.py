"""Messages by which services report how a request proceeds and how it ends: the data file, and its reading."""

from tracer.messages.catalogue import Catalogue, Report, Template, catalogue
from tracer.messages.lines import report_of, reports_of

__all__ = ["Catalogue", "Report", "Template", "catalogue", "report_of", "reports_of"]
