// The dashboard: it and the alarms ask for metrics that the function writes, and it shows each in a place of its own.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { render } from "./template.js";

const NAMESPACE = "mfa-warden";
/** A run that looks at one user knows nothing of the others. */
const OF_CHECKS = ["Provisions", "Notices", "Closed", "Failed", "Deferred", "Warnings", "OperationsSubscriptions", "AwsCalls", "Duration"];
/** What only the daily look knows. */
const OF_LOOKS = ["IamEventsDelivered", "OperationsSubscriptions"];
/** What else a line of metrics says: the embedded metric format's own words, units, and the dimension. */
const OF_THE_FORMAT = [
  ...["Timestamp", "CloudWatchMetrics", "Namespace", "Dimensions", "Metrics", "Name", "Unit"],
  ...["Count", "Percent", "Seconds", "Milliseconds", "Action", "INFO"],
];
// CloudWatch's own limits.
const COLUMNS = 24;
const FREE_METRICS = 50; // of a dashboard that is one of the three free ones

const PARAMETERS = {
  "every alarm": {},
  "no alarm on missing sweeps": { NoSweepAlarmHours: "0" },
  "no alarm": { Alarms: "false" },
};

/** The metrics that a widget asks for, with "." for "as in the metric before" resolved. */
function metrics({ properties }) {
  let before = [];
  return (properties.metrics ?? [])
    .map((metric) => metric.filter((part) => typeof part === "string"))
    .filter((metric) => metric.length > 0)
    .map((metric) => {
      before = metric.map((part, index) => (part === "." ? before[index] : part));
      const [namespace, name, ...dimensions] = before;
      return { namespace, name, dimensions };
    });
}

function asked({ dashboard, alarms }) {
  return [
    ...dashboard.widgets.flatMap(metrics),
    ...Object.values(alarms).map(({ Namespace, MetricName, Dimensions }) => ({
      namespace: Namespace,
      name: MetricName,
      dimensions: Dimensions.flatMap(({ Name, Value }) => [Name, Value]),
    })),
  ];
}

test("every metric asked for is one that the function writes, and none is written for nobody", () => {
  const source = new URL("../../src/reporting/metrics.rs", import.meta.url);
  const [code] = readFileSync(source, "utf8").split("#[cfg(test)]");
  const quoted = [...code.matchAll(/"([A-Z][A-Za-z]+)"/g)].map(([, name]) => name);
  const own = asked(render()).filter(({ namespace }) => namespace === NAMESPACE);
  const written = new Set(quoted.filter((name) => !OF_THE_FORMAT.includes(name)));
  assert.deepEqual([...new Set(own.map(({ name }) => name))].sort(), [...written].sort());
});

for (const [name, parameters] of Object.entries(PARAMETERS)) {
  const stack = render(parameters);

  test(`${name}: metrics of checks are those that checks know`, () => {
    const own = asked(stack).filter(({ namespace }) => namespace === NAMESPACE);
    assert.ok(own.length > 0);
    for (const { name, dimensions } of own) {
      const [dimension, action, ...more] = dimensions;
      assert.deepEqual([dimension, more], ["Action", []], name);
      assert.ok(["sweep", "check", "check_trails"].includes(action), name);
      if (action === "check") assert.ok(OF_CHECKS.includes(name), name);
      assert.equal(action === "check_trails", OF_LOOKS.includes(name), name);
    }
    const distinct = new Set(stack.dashboard.widgets.flatMap(metrics).map((metric) => JSON.stringify(metric)));
    assert.ok(distinct.size <= FREE_METRICS, `${distinct.size} metrics`);
  });

  test(`${name}: expressions and hidden metrics belong together`, () => {
    for (const { properties } of stack.dashboard.widgets.filter(({ type }) => type === "metric")) {
      const options = properties.metrics.map((metric) => metric.findLast((part) => typeof part === "object") ?? {});
      const used = options.flatMap(({ expression }) => expression?.match(/\b[a-z]\w*/g) ?? []).sort();
      const hidden = options.filter(({ visible }) => visible === false).map(({ id }) => id).sort();
      assert.deepEqual(used, hidden, properties.title);
      const shown = options.filter(({ visible }) => visible !== false);
      assert.ok(shown.every(({ label, color }) => label && /^#[0-9a-f]{6}$/.test(color)), properties.title);
    }
  });

  test(`${name}: every widget has a title and a place of its own`, () => {
    const taken = new Set();
    for (const { x, y, width, height, properties } of stack.dashboard.widgets) {
      assert.ok(properties.title);
      assert.ok(x + width <= COLUMNS, properties.title);
      for (let column = x; column < x + width; column++) {
        for (let row = y; row < y + height; row++) {
          assert.ok(!taken.has(`${column},${row}`), properties.title);
          taken.add(`${column},${row}`);
        }
      }
    }
    const rows = Math.max(...stack.dashboard.widgets.map(({ y, height }) => y + height));
    assert.equal(taken.size, COLUMNS * rows, "there is a hole");
  });

  test(`${name}: the dashboard shows those that there are`, () => {
    const shown = stack.dashboard.widgets.filter(({ type }) => type === "alarm").flatMap(({ properties }) => properties.alarms);
    assert.deepEqual(shown.toSorted(), Object.keys(stack.alarms).map((id) => stack.arn(`${id}.Arn`)).sort());
  });
}
