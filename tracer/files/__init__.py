"""The only package that opens, creates, replaces and removes files: by descriptors, and never on a path others control.

- ``read``: regular files, bounded and without blocking; streams that the caller names.
- ``write``: files that are written completely or not at all.
- ``folder``: an opened folder and its entries; private folders.
- ``walk``: a path resolved step by step; ``trust``: the owners of the steps; ``remove``: trees.

Every refusal is an OSError whose ``strerror`` is the reason, like the system's own errors.
"""
