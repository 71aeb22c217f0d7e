"""The classes of changes, and the severities that a policy gives them."""

from __future__ import annotations

#: The meaning of each class by its name, in the order of reports.
CLASSES = {
    "outcome": "the boot ended otherwise",
    "removed": "a step happens no more",
    "added": "a new step happens",
    "repeated": "a step happens more or less often",
    "retried": "a step is done again after it failed",
    "mode": "a call became a cast, or the other way round",
    "service": "a step is done by another service",
    "moved": "a step happens under another step",
    "reordered": "a step happens earlier or later under the same step",
    "renamed": "the same work under another name",
    "tables": "a statement reads or writes other tables",
    "statement": "another statement on the same tables",
    "version": "another version of an RPC method or of an object in its arguments, another microversion",
    "arguments": "other arguments of a request, a message or a command, another topic, another way of handing off",
    "status": "a request is answered with another status",
    "error": "a step fails, or fails no more, or fails otherwise",
    "unfinished": "a step does not end, or ends that did not",
    "state": "an instance gets other states",
    "slower": "a step takes longer than it ever did in the baseline",
    "stalled": "a step takes 30 times as long as it ever did, and over a second more",
    "varies": "something that happens in some boots only, on one side only",
    "said": "a warning or an error of the log says something else",
    "logged": "more or fewer log lines",
    # Only of a hand-written outline, which is the old side; most of the other classes occur there too.
    "missing": "a written step does not happen",
    "unmet": "a step that is written under a condition does not happen",
    "unseen": "a written step of which nothing recorded can tell: a function call, where no hooks were in",
    "unwritten": "a step happens that is not written",
}

#: The severities of a change, the worst first.
SEVERITIES = ("fail", "warn", "note", "ignore")
