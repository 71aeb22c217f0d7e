"""Charts of a step by day, as SVG: the median as a line, the band up to the 95th percentile."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from html import escape

from diagrams.fleet.units import duration
from diagrams.text import clean
from tracer.model.fleet import StepTrend

#: Sizes of a chart within a row, and of one with axes, with the margins for their texts.
_WIDTH, _HEIGHT = 180, 20
_LARGE_WIDTH, _LARGE_HEIGHT, _LEFT, _BOTTOM = 560, 120, 64, 16


@dataclass(frozen=True, slots=True)
class Period:
    """The days of all charts."""

    first: date
    last: date

    def share(self, day: date) -> float:
        """Return the position of a day between the first, 0, and the last, 1."""
        return (day - self.first).days / max((self.last - self.first).days, 1)


def small(step: StepTrend, period: Period) -> str:
    """Return a step's chart without axes."""
    if not step.days:
        return ""
    top = max(high for _, _, high in step.days) or 1
    label = f"daily median from {duration(step.days[0][1])} to {duration(step.days[-1][1])}"
    return (
        f'<svg width="{_WIDTH}" height="{_HEIGHT}" role="img" aria-label="{escape(label)}">'
        f"{_shapes(step.days, period, (2, 2, _WIDTH - 2, _HEIGHT - 2), top)}</svg>"
    )


def large(step: StepTrend, period: Period, releases: list[tuple[str, date]]) -> str:
    """Return a step's chart with axes, the day of its change and the first days of releases marked."""
    days = step.alone or step.days
    top = max((high for _, _, high in days), default=0) or 1
    left, right, bottom = _LEFT, _LARGE_WIDTH - 8, _LARGE_HEIGHT - _BOTTOM
    label = f"daily median of {step.name}, from {duration(days[0][1])} to {duration(days[-1][1])}"
    parts = [
        f'<svg class="chart" viewBox="0 0 {_LARGE_WIDTH} {_LARGE_HEIGHT}" role="img"',
        f' aria-label="{escape(clean(label))}">',
        f'<path class="axis" d="M{left} 14H{right}M{left} {bottom}H{right}"/>',
        f'<text x="{left - 6}" y="18" text-anchor="end">{duration(top)}</text>',
        f'<text x="{left - 6}" y="{bottom}" text-anchor="end">0</text>',
        f'<text x="{left}" y="{_LARGE_HEIGHT - 3}">{period.first}</text>',
        f'<text x="{right}" y="{_LARGE_HEIGHT - 3}" text-anchor="end">{period.last}</text>',
    ]
    for release, day in releases:
        x = left + (right - left) * period.share(day)
        parts.append(f'<path class="release" d="M{x:.1f} 14V{bottom}"/>')
        parts.append(f'<text x="{x:.1f}" y="10" text-anchor="middle">{escape(clean(release))}</text>')
    parts.append(_shapes(days, period, (left, 14, right, bottom), top))
    if step.since is not None:
        x = left + (right - left) * period.share(step.since)
        parts.append(f'<path class="mark" d="M{x:.1f} 14V{bottom}"/>')
    return "".join([*parts, "</svg>"])


def _shapes(
    days: tuple[tuple[date, float, float], ...], period: Period, box: tuple[float, float, float, float], top: float
) -> str:
    left, upper, right, lower = box

    def point(day: date, value: float) -> str:
        return f"{left + (right - left) * period.share(day):.0f},{lower - (lower - upper) * min(value / top, 1):.1f}"

    band = [point(day, high) for day, _, high in days] + [point(day, median) for day, median, _ in reversed(days)]
    line = [point(day, median) for day, median, _ in days]
    return f'<polygon class="band" points="{" ".join(band)}"/><polyline class="line" points="{" ".join(line)}"/>'
