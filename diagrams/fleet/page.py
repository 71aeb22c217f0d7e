"""The report on a fleet as one page that fetches nothing: changed steps, the answers, the tree of all steps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache

from diagrams.fleet import charts
from diagrams.fleet.charts import Period
from diagrams.fleet.units import cell, duration, is_number, ratio
from diagrams.templating import digest, templates
from diagrams.text import clean, shorten
from tracer.model.fleet import Answer, Cell, Column, FleetReport, StepTrend

_NAME = 160
#: Deeper steps are indented no further.
_DEPTH = 24
_TITLES = {"failures": "Failures", "hosts": "Hosts", "odd": "Odd boots", "laws": "Counts"}


@dataclass(frozen=True, slots=True)
class _Cell:
    """A cell of a table, or its head."""

    text: str
    number: bool
    link: str = ""

    @property
    def title(self) -> str:
        """The text of a head."""
        return self.text


def page(report: FleetReport, title: str) -> str:
    """Return the report as HTML."""
    period = _period(report)
    changed, *others = report.answers
    steps = [_row(step, period) for step in report.steps if step.days]
    depths = range(_DEPTH + 1)
    style = templates().get_template("fleet/fleet.css").render(depths=depths)
    script = _script()
    return templates().get_template("fleet/fleet.html").render(
        title=clean(title), facts=[(name, clean(text)) for name, text in report.facts], style=style, script=script,
        style_digest=digest(style), script_digest=digest(script), period=f"{period.first} to {period.last}",
        changed_text=[clean(sentence) for sentence in changed.sentences], cards=_cards(report, period),
        answers=[_answer(answer) for answer in others], steps=steps,
    )  # fmt: skip


def _period(report: FleetReport) -> Period:
    days = [day for step in report.steps for day, _, _ in (step.days[:1] + step.days[-1:])]
    if not days:
        return Period(date(1970, 1, 1), date(1970, 1, 1))
    return Period(min(days), max(days))


def _cards(report: FleetReport, period: Period) -> list[dict[str, object]]:
    """Return the changed steps, the largest change first."""
    changed = [step for step in report.steps if step.ratio is not None and step.days]
    names = {step.key: step.name for step in report.steps}
    inside = {
        row[-1]: row[2] for table in report.answers[0].tables for row in table.rows
    }  # fmt: skip
    return [
        {
            "worse": (step.ratio or 1) > 1, "ratio": ratio(step.ratio or 1), "since": step.since,
            "times": f"in {step.boots:,} boots; chart: its own time, without what is inside",
            "service": clean(step.service), "name": shorten(names[step.key], _NAME),
            "inside": f"in {shorten(str(above), _NAME)}" if (above := inside.get(str(step.key))) else "",
            "chart": charts.large(step, period, report.releases),
        }
        for step in sorted(changed, key=lambda step: (-abs((step.ratio or 1) - 1), step.key))
    ]  # fmt: skip


def _answer(answer: Answer) -> dict[str, object]:
    tables = [
        {
            "title": clean(table.title),
            "columns": [_Cell(column.title, is_number(column)) for column in table.columns if column.unit != "key"],
            "rows": [_cells(table.columns, row) for row in table.rows],
        }
        for table in answer.tables if table.rows
    ]  # fmt: skip
    title = _TITLES.get(answer.question, clean(answer.question))
    return {"title": title, "sentences": [clean(sentence) for sentence in answer.sentences], "tables": tables}


def _cells(columns: tuple[Column, ...], row: tuple[Cell, ...]) -> list[_Cell]:
    return [
        _Cell(cell(value, column.unit), is_number(column), _link(str(value)) if column.unit == "link" and value else "")
        for column, value in zip(columns, row, strict=True)
        if column.unit != "key"
    ]


def _link(path: str) -> str:
    """Return a path as a link that leads to a file, whatever its name looks like."""
    return clean(path if path.startswith(("/", "https://", "http://")) else f"./{path}")


def _row(step: StepTrend, period: Period) -> dict[str, object]:
    look = "" if step.ratio is None else ' class="worse"' if step.ratio > 1 else ' class="better"'
    return {
        "look": look, "depth": min(step.depth, _DEPTH), "service": clean(step.service),
        "name": shorten(step.name, _NAME), "boots": f"{step.boots:,}", "median": duration(step.median),
        "high": duration(step.high), "change": ratio(step.ratio) if step.ratio is not None else "",
        "chart": charts.small(step, period),
    }  # fmt: skip


@cache
def _script() -> str:
    environment = templates()
    assert environment.loader
    return environment.loader.get_source(environment, "fleet/fleet.js")[0]
