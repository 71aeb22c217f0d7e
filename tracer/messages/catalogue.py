"""The catalogue of messages: what a line of a log says about a request, by ``messages.yaml``."""

from __future__ import annotations

import pkgutil
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import yaml

from tracer.messages import exceptions, templates
from tracer.model.patterns import UUID

#: libyaml's reader takes a seventh of the time; PyYAML's wheels have it, some builds do not.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
#: What a message can say; ``messages.yaml`` explains each.
SAYS = frozenset(
    """
    begins ends fails chosen excluded refused answered rescheduled active error deleted
    """.split()  # noqa: SIM905 - a list of words
)
PHASES = (
    "scheduling", "claim", "network", "block devices", "image", "spawn", "build", "delete", "resize", "migration",
    "live migration", "rebuild", "reboot", "attach", "detach", "interface", "rescue", "snapshot", "shelve", "quota",
    "port",
)  # fmt: skip
_INSTANCE = re.compile(rf"\s*\[instance: (?P<instance>{UUID})\] ?")
_HOST = re.compile(r"(?:WeighedHost \[host: )?\(?(?P<name>[^\s,;:()\]]+)")
#: A field whose text is the whole reason, not the rest of a sentence.
_GIVES_REASON = re.compile(r"[:.] \{reason\}")
#: Nothing that matters is further in: a message may hold a traceback of any length.
_MAX_LINE = 4000


@dataclass(frozen=True, slots=True)
class Template:
    """An entry of the data file; ``releases`` are the first and the last that have it, ``last`` "" to this day."""

    text: str
    says: str
    phase: str
    by: str
    first: str
    last: str

    @property
    def pattern(self) -> re.Pattern[str]:
        """The expression that a whole message matches; compiled when it is first needed."""
        return templates.compile_template(self.text)


@dataclass(frozen=True, slots=True)
class Report:
    """The content of a log line: the instance that it names, "" if none, and its values.

    ``text`` is the message without the instance and the traceback. ``error`` is the exception that was logged, and
    ``cause`` the first of the chain that led to it: ``Name: text``, or a text alone; "" where the message has none.
    """

    template: Template
    instance: str = ""
    text: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    error: str = ""
    cause: str = ""

    @property
    def says(self) -> str:
        """The word of ``SAYS`` for it."""
        return self.template.says

    @property
    def phase(self) -> str:
        """The phase that it is about, "" where it may be any."""
        return self.template.phase

    @property
    def host(self) -> str:
        """The host or node that the message names, "" where it names none."""
        match = _HOST.match(self.values.get("host") or self.values.get("node") or "")
        return match["name"] if match else ""

    @property
    def seconds(self) -> float | None:
        """The time that the phase took, as the message has it."""
        seconds = self.values.get("seconds")
        return float(seconds) if seconds else None


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The entries of a data file, by the first word of their texts."""

    releases: Mapping[str, str]
    templates: tuple[Template, ...]
    exceptions: tuple[Template, ...]
    _by_word: Mapping[str, list[Template]]

    def read(self, message: str, logger: str = "") -> Report | None:
        """Return what a logged message says, None where the catalogue does not have it."""
        prefix = _INSTANCE.match(message)
        text = message[prefix.end() :] if prefix else message.lstrip()
        line, summary = exceptions.split_summary(exceptions.opening(text)[:_MAX_LINE].rstrip())
        chain = exceptions.chain(text) or ([summary] if summary else [])
        word = line.partition(" ")[0].rstrip(".:…")
        for template in (*self._by_word.get(word, ()), *self._by_word.get("", ())):
            # Searching for a word is faster than an expression that begins with a value.
            if (logger and not logger.startswith(template.by)) or templates.longest(template.text) not in line:
                continue
            if match := template.pattern.match(line):
                return self._report(template, match, chain, prefix["instance"] if prefix else "")
        return None

    def name_error(self, text: str) -> str:
        """Return ``Name: text`` for an exception of which only the text was logged, the text where it is unknown."""
        text = text.strip()
        for template in self.exceptions:
            if template.pattern.match(exceptions.opening(text)):
                return f"{template.says}: {text}"
        return text

    def _report(self, template: Template, match: re.Match[str], chain: list[str], instance: str) -> Report:
        values = {name: value.strip() for name, value in match.groupdict().items() if value}
        raised = exceptions.plain(values.pop("raised", ""))
        chain = chain or exceptions.listed(values.get("reason", "")) or [raised]
        if not chain[0] and template.says not in ("begins", "ends"):
            chain = [self._named(template, match.string, values.get("reason", ""))]
        return Report(
            template, values.pop("instance", "") or instance, match.string, values, error=chain[-1], cause=chain[0],
        )  # fmt: skip

    def _named(self, template: Template, line: str, reason: str) -> str:
        """Return the exception of a message without a traceback: the message itself, or the reason in it."""
        own = self.name_error(line)
        if own != line:
            return own
        named = self.name_error(reason)
        return named if named != reason or _GIVES_REASON.search(template.text) else ""


@cache
def catalogue() -> Catalogue:
    """Return the catalogue that ships with bootseq."""
    return compile_catalogue(pkgutil.get_data("tracer.messages", "messages.yaml") or b"")


def compile_catalogue(text: bytes) -> Catalogue:
    """Compile the text of a data file; ValueError names the entry that is wrong."""
    data = yaml.load(text, Loader=_LOADER)  # noqa: S506 - both are safe
    releases: dict[str, str] = data["releases"]
    compiled = tuple(_template(entry, entry["says"], releases) for entry in data["messages"])
    for template in compiled:
        if template.says not in SAYS or template.phase not in ("", *PHASES):
            raise ValueError(f"{template.text}: says {template.says}, phase {template.phase}")
    by_word: dict[str, list[Template]] = defaultdict(list)
    for template in compiled:
        by_word[templates.first_word(template.text)].append(template)
    raised = tuple(_template(entry, entry["name"], releases) for entry in data["exceptions"])
    return Catalogue(releases, compiled, raised, by_word)


def _template(entry: dict[str, Any], says: str, releases: Mapping[str, str]) -> Template:
    first, _, last = entry["releases"].partition("..")
    if {first, last or first} - releases.keys():
        raise ValueError(f"{entry['text']}: releases {entry['releases']}")
    return Template(entry["text"], says, entry.get("phase", ""), entry.get("by", "nova"), first, last)
