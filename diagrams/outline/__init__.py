"""The numbered outline as text: of a boot, and of several merged."""
