"""Charts as static SVG, without a browser: the same data as the page's interactive figures."""

import math
from html import escape

from ssmttm.numbers import minus, power_of_ten, significant
from ssmttm.report.figures.chart import Band, Chart, Level, Numbers, Series

WIDTH, HEIGHT = 620, 380
LEFT, RIGHT, TOP, BOTTOM = 66, 16, 44, 52
LEGEND_ROW = 17

COLORS = ("#1f6fb4", "#c4501b", "#14805e", "#8a4fb0", "#8a6414", "#b0346e", "#4c7a99", "#6b6b6b")
GRAY = "#5d646d"
_DASHES = {"solid": "", "dash": "7 4", "dot": "2 3", "dashdot": "7 3 2 3"}
_FONT = "font-family='system-ui, Liberation Sans, Arial, sans-serif'"


class Scale:
    """A linear or logarithmic axis from `low` to `high` onto pixels `start` to `end`."""

    def __init__(self, values: list[float], log: bool, start: float, end: float, pad: float = 0.05) -> None:
        self.log = log and min(values) > 0
        places = [math.log10(v) for v in values] if self.log else values
        low, high = min(places), max(places)
        room = pad * (high - low) or 0.05 * abs(high) or 1.0
        self.low, self.high, self.start, self.end = low - room, high + room, start, end

    def __call__(self, value: float) -> float:
        """The pixel of `value`."""
        at = math.log10(value) if self.log else value
        return self.start + (at - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self) -> list[tuple[float, str]]:
        """Round positions with their texts."""
        if self.log:
            return self._log_ticks()
        span = self.high - self.low
        step = 10 ** math.floor(math.log10(span / 4))
        step *= next(f for f in (1, 2, 2.5, 5, 10) if span / (step * f) <= 6)
        first = math.ceil(self.low / step)
        values = [step * i for i in range(first, math.floor(self.high / step) + 1)]
        return [(v, tick_text(0.0 if abs(v) < step / 1e6 else v)) for v in values]

    def _log_ticks(self) -> list[tuple[float, str]]:
        low, high = math.floor(self.low), math.ceil(self.high)
        factors = (1,) if self.high - self.low > 3 else (1, 3) if self.high - self.low > 1 else (1, 1.5, 2, 3, 5, 7)
        values = [f * 10.0**e for e in range(low, high + 1) for f in factors]
        return [(v, tick_text(v)) for v in values if self.low <= math.log10(v) <= self.high]


def tick_text(value: float) -> str:
    """A number as short as an axis needs it."""
    if value and (abs(value) >= 1e6 or abs(value) < 1e-3):
        return power_of_ten(value).replace(".00", "").replace("1×", "")
    return minus(f"{value:,.6g}") if abs(value) < 1e5 else significant(value)


def draw(chart: Chart) -> str:
    """The chart as one SVG document, legend below; raises ValueError if it has nothing to draw."""
    xs, ys = _extent(chart)
    if not xs:
        raise ValueError(f"{chart.title}: nothing to draw")
    named = [s for s in chart.series if s.points or s.name.startswith("fit")]
    columns = 2
    height = HEIGHT + LEGEND_ROW * math.ceil(len(named) / columns) + 6
    x = Scale(xs, chart.x.log, LEFT, WIDTH - RIGHT)
    y = Scale(ys, chart.y.log, HEIGHT - BOTTOM, TOP)
    parts = [_text(LEFT, 18, chart.title, size=14, weight=600), _text(LEFT, 34, chart.note, size=11)]
    parts += _frame(chart, x, y)
    parts += [_band(b, x, y) for b in chart.bands]
    parts += [_level(level, y) for level in chart.levels]
    parts += [_series(s, x, y) for s in chart.series]
    parts += [_legend(s, i, columns) for i, s in enumerate(named)]
    body = "\n".join(filter(None, parts))
    label = escape(f"{chart.title}. {chart.note}".strip(". "), quote=True)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
        f' role="img" aria-label="{label}">\n<rect width="100%" height="100%" fill="#ffffff"/>\n{body}\n</svg>\n'
    )


def _extent(chart: Chart) -> tuple[list[float], list[float]]:
    xs: Numbers = [v for part in (chart.series, chart.bands) for s in part for v in s.x]
    ys: Numbers = [v for s in chart.series for part in (s.y, s.low, s.high) for v in part or ()]
    ys += [v for band in chart.bands for part in (band.low, band.high) for v in part]
    ys += [level.y for level in chart.levels]
    return [v for v in xs if v is not None], [v for v in ys if v is not None]


def _color(number: int) -> str:
    return GRAY if number < 0 else COLORS[number % len(COLORS)]


def _text(
    x: float, y: float, text: str, size: float = 11, anchor: str = "start", weight: int = 400, more: str = ""
) -> str:
    if not text:
        return ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" {_FONT} font-size="{size}" font-weight="{weight}"'
        f' text-anchor="{anchor}" fill="#22262b"{more}>{escape(text)}</text>'
    )


def _frame(chart: Chart, x: Scale, y: Scale) -> list[str]:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    parts = [f'<path d="M{LEFT} {TOP}V{bottom}H{right}" fill="none" stroke="#9a9a94"/>']
    for value, text in chart.x.ticks or x.ticks():
        at = x(value)
        parts.append(f'<path d="M{at:.1f} {bottom}v4" stroke="#9a9a94"/>')
        parts.append(_text(at, bottom + 17, text, anchor="middle"))
    for value, text in y.ticks():
        at = y(value)
        parts.append(f'<path d="M{LEFT} {at:.1f}H{right}" stroke="#e8e5dd"/>')
        parts.append(_text(LEFT - 7, at + 4, text, anchor="end"))
    parts.append(_text((LEFT + right) / 2, HEIGHT - 14, chart.x.title, anchor="middle"))
    middle = (TOP + bottom) / 2
    turned = f' transform="rotate(-90 14 {middle:.1f})"'
    return [*parts, _text(14, middle, chart.y.title, anchor="middle", more=turned)]


def _path(points: list[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{px:.1f} {py:.1f}" for px, py in points)


def _points(xs: Numbers, ys: Numbers, x: Scale, y: Scale) -> list[tuple[float, float]]:
    return [(x(a), y(b)) for a, b in zip(xs, ys, strict=True) if a is not None and b is not None]


def _band(band: Band, x: Scale, y: Scale) -> str:
    outline = _points(band.x, band.high, x, y) + _points(band.x, band.low, x, y)[::-1]
    return f'<path d="{_path(outline)}Z" fill="{_color(band.color)}" fill-opacity="0.12"/>'


def _level(level: Level, y: Scale) -> str:
    at = y(level.y)
    line = f'<path d="M{LEFT} {at:.1f}H{WIDTH - RIGHT}" stroke="{GRAY}" stroke-dasharray="4 4"/>'
    return line + _text(WIDTH - RIGHT - 4, at - 4, level.name, size=10, anchor="end")


def _series(s: Series, x: Scale, y: Scale) -> str:
    points, color = _points(s.x, s.y, x, y), _color(s.color)
    parts = []
    if s.lines and len(points) > 1:
        width = 1.8 if s.points else 1.3
        parts.append(f'<path d="{_path(points)}" fill="none" stroke="{color}" stroke-width="{width}"{_dash(s)}/>')
    for a, low, high in zip(s.x, s.low or (), s.high or (), strict=False):
        if a is not None and low is not None and high is not None:
            bar = f"M{x(a):.1f} {y(low):.1f}V{y(high):.1f}"
            parts.append(f'<path d="{bar}" stroke="{color}" stroke-opacity="0.6"/>')
    if s.points:
        parts += [_mark(s.symbol, px, py, color) for px, py in points]
    opacity = f' opacity="{s.opacity}"' if s.opacity < 1 else ""
    return f"<g{opacity}><title>{escape(s.name)}</title>{''.join(parts)}</g>"


def _dash(s: Series) -> str:
    return f' stroke-dasharray="{_DASHES[s.dash]}"' if _DASHES[s.dash] else ""


def _mark(symbol: str, x: float, y: float, color: str) -> str:
    shapes = {
        "square": f"M{x - 3.2:.1f} {y - 3.2:.1f}h6.4v6.4h-6.4Z",
        "diamond": f"M{x:.1f} {y - 4.4:.1f}l4.4 4.4l-4.4 4.4l-4.4 -4.4Z",
        "triangle": f"M{x:.1f} {y - 4.2:.1f}l4.2 7.4h-8.4Z",
    }
    if symbol in shapes:
        return f'<path d="{shapes[symbol]}" fill="{color}"/>'
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.4" fill="{color}"/>'


def _legend(s: Series, number: int, columns: int) -> str:
    left = LEFT + (number % columns) * (WIDTH - LEFT - RIGHT) / columns
    top = HEIGHT + 4 + LEGEND_ROW * (number // columns)
    color = _color(s.color)
    line = f'<path d="M{left:.1f} {top}h24" stroke="{color}" stroke-width="1.8"{_dash(s)}/>' if s.lines else ""
    mark = _mark(s.symbol, left + 12, top, color) if s.points else ""
    return line + mark + _text(left + 30, top + 4, s.name)
