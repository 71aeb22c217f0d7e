"""The one place that opens, makes, replaces and removes files: by descriptors, and only what nobody else prepared.

- ``reading``: regular files, bounded, without waiting; streams that the caller names.
- ``writing``: files that are written whole or not at all.
- ``folder``: an opened folder and what is in it; private folders.
- ``walking``: the way to a path, step by step; ``trust``: whose the steps are; ``removing``: trees.

Every refusal is an OSError whose ``strerror`` is the reason, as the system's own are.
"""
