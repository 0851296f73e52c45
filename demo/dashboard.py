"""Draws the dashboard of template.yaml with sample data, for people who have not deployed it yet.

Titles, places, metrics, expressions, periods, statistics and colors come from the template. The numbers are not from a
real account: they come from a small simulation of the first 30 days in an account of 240 users.
"""

import argparse
import json
import math
import random
import re
import sys
from collections import defaultdict
from html import escape
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = ROOT / "template.yaml"
PICTURE = ROOT / ".github" / "dashboard.svg"

DAYS = 30
HOURS_BETWEEN_SWEEPS = 4
MAX_PROVISIONS = 20

COLUMN, ROW, MARGIN, GAP, HEADER = 41, 33, 14, 8, 58
STYLE = """
  text { font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; fill: #16191f }
  .page { fill: #f2f3f3 }
  .card { fill: #ffffff; stroke: #d5dbdb }
  .heading { font-size: 19px; font-weight: 700 }
  .title { font-size: 13.5px; font-weight: 700 }
  .small { font-size: 11.5px }
  .muted { fill: #545b64 }
  .number { font-size: 25px; font-weight: 700 }
  .grid { stroke: #e3e6e8 }
  .axis { stroke: #aab7b8 }
  .ok { fill: #1d8102 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .page { fill: #0d1117 }
    .card { fill: #161b22; stroke: #30363d }
    .muted { fill: #9aa5b1 }
    .grid { stroke: #262c34 }
    .axis { stroke: #484f58 }
    .ok { fill: #3fb950 }
  }
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="draw nothing; fail if the picture is not up to date")
    arguments = parser.parse_args()
    picture = draw(body(TEMPLATE.read_text()), *simulate(random.Random(7)))
    if not arguments.check:
        PICTURE.write_text(picture)
    elif not PICTURE.exists() or PICTURE.read_text() != picture:
        sys.exit(f"{PICTURE.relative_to(ROOT)} is not what template.yaml says. Run demo/dashboard.py.")


# ---------------------------------------------------------------- the dashboard, as the template has it


class Loader(yaml.SafeLoader):
    """Reads a template; CloudFormation's functions become pairs of their name and argument."""


def function(loader, name, node):
    kind = {yaml.ScalarNode: loader.construct_scalar, yaml.SequenceNode: loader.construct_sequence}
    construct = kind.get(type(node), loader.construct_mapping)
    return (name, construct(node, deep=True) if construct != loader.construct_scalar else construct(node))


Loader.add_multi_constructor("!", function)


def body(text):
    """The dashboard's body under the template's default parameters."""
    template = yaml.load(text, Loader)
    values = {name: parameter.get("Default") for name, parameter in template["Parameters"].items()}

    def plain(value):
        name, argument = value if isinstance(value, tuple) else ("", value)
        if name == "If":  # by default, all optional parts are there
            return plain(argument[1])
        if name == "Sub":
            pattern, variables = argument if isinstance(argument, list) else (argument, {})
            known = values | {key: plain(variable) for key, variable in variables.items()}
            return re.sub(r"\$\{([^}]+)\}", lambda match: str(known.get(match[1], match[1])), pattern)
        return value

    return json.loads(plain(template["Resources"]["UsersDashboard"]["Properties"]["DashboardBody"]))


# ---------------------------------------------------------------- sample data


class User:
    def __init__(self, patience):
        self.patience = patience  # hours from the invitation until the user enrolls
        self.seed = None  # when the current seed was made
        self.since = None  # when the first seed was made
        self.told = None  # when the last notice went out
        self.quarantined = False


def simulate(rng):
    """What 30 days of sweeps would have written: hours and values of each metric, and some lines of the log."""
    data = defaultdict(list)
    log = []

    def patience(mean_days):
        return -math.log(1 - rng.random()) * mean_days * 24

    waiting = [User(patience(4.5)) for _ in range(64)]
    # Some never read their mail, and enroll only when nothing else works any more.
    for user in waiting[:6]:
        user.patience = (17 + 9 * rng.random()) * 24
    compliant, exempt, not_applicable = 142, 9, 25
    for hour in range(0, DAYS * 24, HOURS_BETWEEN_SWEEPS):
        day = hour / 24
        hiccup = hour == 9 * 24 + 8
        counts = dict.fromkeys(("Provisions", "Notices", "Closed", "Failed", "Deferred", "Unknown", "Warnings"), 0)
        # Between sweeps, events do the same for single users: a newcomer now and then, and enrollments as they happen.
        checks = dict.fromkeys(("Provisions", "Notices", "Closed"), 0)
        if rng.random() < 0.06:
            newcomer = User(patience(2))
            newcomer.seed = newcomer.since = newcomer.told = hour - 2
            waiting.append(newcomer)
            checks["Provisions"] += 1
            checks["Notices"] += 1
        for user in [user for user in waiting if user.since is not None and hour - user.since >= user.patience]:
            waiting.remove(user)
            compliant += 1
            by = checks if rng.random() < 0.85 else counts
            by["Closed"] += 1
            by["Notices"] += 1
        rng.shuffle(waiting)
        for number, user in enumerate(waiting):
            if hiccup and number < 4:
                counts["Failed" if number < 3 else "Unknown"] += 1
                name = ["r.silva", "h.ito", "b.keller", "m.dubois"][number]
                attempted = "tag the secret `mfa-warden/AIDA…`"
                if number == 3:
                    attempted = f"list the MFA devices of `{name}`"
                log.append((hour, name, f"failed to {attempted}: Throttling: Rate exceeded"))
            elif user.seed is None and counts["Provisions"] == MAX_PROVISIONS:
                counts["Deferred"] += 1
            elif user.seed is None:
                user.seed = user.since = user.told = hour
                counts["Provisions"] += 1
                counts["Notices"] += 1
            elif hour - user.since >= 14 * 24 and not user.quarantined:
                user.quarantined, user.told = True, hour
                counts["Notices"] += 1
            elif hour - user.told >= 3 * 24:
                user.told = hour
                counts["Notices"] += 1
        open_ = [user for user in waiting if user.seed is not None]
        needed = compliant + len(waiting)
        calls = 9 + 4 * len(waiting) + 7 * counts["Provisions"] + 2 * counts["Notices"] + 5 * counts["Closed"]
        sweep = counts | {
            "Users": needed + exempt + not_applicable,
            "Compliant": compliant,
            "NonCompliant": len(waiting) - counts["Unknown"],
            "Exempt": exempt,
            "NotApplicable": not_applicable,
            "Coverage": 100 * compliant / needed,
            "OpenEnrollments": len(open_),
            "Overdue": sum(hour - user.since >= 14 * 24 for user in open_),
            "Quarantined": sum(user.quarantined for user in open_),
            "Unreachable": max(0, 7 - int(day)) if open_ else 0,
            "OldestSeedAge": max(((hour - user.seed) * 3600 for user in open_), default=0),
            "Warnings": int(hiccup),
            "AwsCalls": calls,
            "Duration": 1900 + 14 * calls + 400 * rng.random(),
        }
        for name, value in sweep.items():
            data["mfa-warden", name, "sweep"].append((hour, value))
        for name, value in checks.items():
            if value:
                data["mfa-warden", name, "check"].append((hour, value))
        data["AWS/Lambda", "Errors", "Function"].append((hour, 3 if hour == 20 * 24 else 0))
        data["AWS/Lambda", "Throttles", "Function"].append((hour, int(rng.random() < 0.02)))
        dead = int(20 * 24 <= hour < 20 * 24 + 12)
        data["AWS/SQS", "ApproximateNumberOfMessagesVisible", "DeadLetterQueue.QueueName"].append((hour, dead))
    return data, sorted(log, reverse=True)


# ---------------------------------------------------------------- what CloudWatch makes of both


def series(properties, data):
    """The shown lines of a widget: options and points by the hour."""
    found, before = [], []
    for metric in properties["metrics"]:
        options = metric[-1] if isinstance(metric[-1], dict) else {}
        names = [part for part in metric if isinstance(part, str)]
        points = {}
        if names:
            before = [before[index] if part == "." else part for index, part in enumerate(names)]
            statistic = options.get("stat", properties["stat"])
            points = aggregated(data[before[0], before[1], before[-1]], properties["period"] // 3600, statistic)
        found.append((options, points))
    by_id = {options["id"]: points for options, points in found if "id" in options}
    for options, points in found:
        points.update(evaluated(options.get("expression"), by_id))
    return [(options, sorted(points.items())) for options, points in found if options.get("visible", True)]


def aggregated(points, hours, statistic):
    buckets = defaultdict(list)
    for hour, value in points:
        buckets[hour // hours * hours].append(value)
    return {hour: {"Minimum": min, "Maximum": max, "Sum": sum}[statistic](values) for hour, values in buckets.items()}


def evaluated(expression, by_id):
    """Metric math, as far as the dashboard uses it."""
    if expression is None:
        return {}
    if summed := re.fullmatch(r"SUM\(\[(\w+), (\w+)\]\)", expression):
        first, second = by_id[summed[1]], by_id[summed[2]]
        return {hour: first.get(hour, 0) + second.get(hour, 0) for hour in first.keys() | second.keys()}
    if quotient := re.fullmatch(r"(\w+) / (\d+)", expression):
        return {hour: value / int(quotient[2]) for hour, value in by_id[quotient[1]].items()}
    raise ValueError(f"dashboard.py does not know {expression!r}")


# ---------------------------------------------------------------- drawing


def draw(dashboard, data, log):
    rows = max(widget["y"] + widget["height"] for widget in dashboard["widgets"])
    width, height = 2 * MARGIN + 24 * COLUMN, HEADER + rows * ROW + MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
        "<title>The CloudWatch dashboard of mfa-warden with sample data</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="page" width="{width}" height="{height}" rx="10"/>',
        text(MARGIN + 4, 26, "mfa-warden", "heading"),
        text(
            MARGIN + 4,
            45,
            "Sample data, not from a real account: a simulated rollout of 30 days, 240 users, "
            f"MaxProvisions={MAX_PROVISIONS}, AfterGrace=quarantine. Drawn from template.yaml.",
            "small muted",
        ),
    ]
    for widget in dashboard["widgets"]:
        x, y = MARGIN + widget["x"] * COLUMN, HEADER + widget["y"] * ROW
        w, h = widget["width"] * COLUMN - GAP, widget["height"] * ROW - GAP
        properties = widget["properties"]
        parts += [
            f'<g transform="translate({x + GAP / 2:.0f} {y})">',
            f'<rect class="card" width="{w}" height="{h}" rx="6"/>',
            text(12, 22, properties["title"], "title"),
        ]
        if widget["type"] == "alarm":
            parts += alarms(properties, w, h)
        elif widget["type"] == "log":
            parts += table(log, h)
        elif properties["view"] == "singleValue":
            parts += numbers(series(properties, data), w, h)
        else:
            parts += graph(properties, series(properties, data), w, h)
        parts.append("</g>")
    return "\n".join([*parts, "</svg>", ""])


def text(x, y, words, style, anchor="start"):
    anchored = f' text-anchor="{anchor}"' if anchor != "start" else ""
    return f'<text x="{x:.0f}" y="{y:.0f}" class="{style}"{anchored}>{escape(words)}</text>'


def alarms(properties, w, h):
    parts = []
    for number, arn in enumerate(properties["alarms"]):
        x, y = 14 + number % 2 * (w - 14) / 2, 48 + number // 2 * (h - 40) / 3
        parts += [
            f'<circle class="ok" cx="{x + 5:.0f}" cy="{y - 4:.0f}" r="5"/>',
            text(x + 16, y, arn.removesuffix(".Arn").removesuffix("Alarm"), "small"),
        ]
    return parts


def table(log, h):
    parts = [text(12, 47, "@timestamp", "small muted"), text(150, 47, "user", "small muted")]
    parts += [text(270, 47, "cause", "small muted")]
    for number, (hour, user, cause) in enumerate(log):
        y = 70 + number * 24
        if y < h - 8:
            time = f"day {hour // 24}, {hour % 24:02}:00"
            parts += [text(12, y, time, "small"), text(150, y, user, "small"), text(270, y, cause, "small")]
    return parts


def numbers(lines, w, h):
    parts = []
    for number, (options, points) in enumerate(lines):
        x = 12 + number * (w - 16) / len(lines)
        last = f"{points[-1][1]:.1f} %" if "overage" in options["label"] else f"{points[-1][1]:.0f}"
        parts += [
            text(x, h / 2 + 16, last, "number"),
            f'<rect x="{x:.0f}" y="{h - 30}" width="9" height="9" fill="{options["color"]}"/>',
            text(x + 14, h - 21, options["label"], "small muted"),
        ]
    return parts


def graph(properties, lines, w, h):
    left, right, top, bottom = 44, w - (40 if "right" in properties["yAxis"] else 14), 54, h - 44
    stacked = properties.get("stacked", False)
    marks = properties.get("annotations", {}).get("horizontal", [])
    parts, scales = [], {}
    for side in ("left", "right"):
        own = [points for options, points in lines if options.get("yAxis", "left") == side]
        if not own:
            continue
        axis = properties["yAxis"][side]
        highest = max(value for points in own for _, value in points)
        if stacked:
            highest = max(map(sum, zip(*([value for _, value in points] for points in own), strict=True)))
        highest = max(highest, *(mark["value"] for mark in marks)) if marks else highest
        step = nice(axis.get("max", highest) / 4)
        ceiling = axis.get("max", step * max(1, math.ceil(highest / step)))
        scales[side] = lambda value, ceiling=ceiling: bottom - (bottom - top) * value / ceiling
        place, anchor = (left - 6, "end") if side == "left" else (right + 6, "start")
        for tick in range(round(ceiling / step) + 1):
            y = scales[side](tick * step)
            if side == "left":
                parts.append(f'<path class="{"grid" if tick else "axis"}" d="M{left} {y:.1f}H{right}"/>')
            parts.append(text(place, y + 4, f"{tick * step:,.10g}", "small muted", anchor))
        edge, anchor = (12, "start") if side == "left" else (w - 12, "end")
        parts.append(text(edge, 41, axis.get("label", ""), "small muted", anchor))

    def across(hour):
        return left + (right - left) * hour / (DAYS * 24)

    for day in range(0, DAYS + 1, 5):
        anchor = {0: "start", DAYS: "end"}.get(day, "middle")
        parts.append(text(across(day * 24), bottom + 16, f"day {day}", "small muted", anchor))
    below = defaultdict(float)
    for options, points in lines:
        scale, color = scales[options.get("yAxis", "left")], options["color"]
        if stacked:
            under = [(across(hour), scale(below[hour])) for hour, _ in points]
            for hour, value in points:
                below[hour] += value
            over = [(across(hour), scale(below[hour])) for hour, _ in points]
            parts.append(f'<path fill="{color}" fill-opacity=".8" d="{path(over + under[::-1])}Z"/>')
        else:
            over = [(across(hour), scale(value)) for hour, value in points]
            parts.append(f'<path fill="none" stroke="{color}" stroke-width="2" d="{path(over)}"/>')
    for mark in marks:
        y = scales["left"](mark["value"])
        parts += [
            f'<path stroke="{mark["color"]}" stroke-width="1.5" stroke-dasharray="5 4" d="M{left} {y:.1f}H{right}"/>',
            text(right - 4, y - 5, f"{mark['label']}: {mark['value']}", "small muted", "end"),
        ]
    x = left
    for options, _ in lines:
        parts += [
            f'<rect x="{x:.0f}" y="{h - 20}" width="9" height="9" fill="{options["color"]}"/>',
            text(x + 13, h - 11, options["label"], "small"),
        ]
        x += 30 + 6 * len(options["label"])
    return parts


def nice(step):
    """The next of 1, 2 or 5 times a power of ten, and at least 1: most counts here are whole numbers."""
    power = 10 ** math.floor(math.log10(max(step, 1)))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= step)


def path(points):
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


if __name__ == "__main__":
    main()
