"""Resolution: a version or a source tree of Nova → everything to install, with a Python that it supports."""
