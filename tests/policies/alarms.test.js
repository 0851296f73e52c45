// The alarms: CloudWatch takes them, operations hear of them, and none is raised for ever by what a setting does.

import assert from "node:assert/strict";
import { test } from "node:test";
import { render } from "./template.js";

// How far back CloudWatch looks at most, in seconds.
const WEEK = 7 * 24 * 3600;
const DAY = 24 * 3600; // in periods of less than an hour

const PARAMETERS = {
  "the defaults": {},
  "a dry run": { DryRun: "true" },
  "logs without metrics": { LogLevel: "ERROR" },
  "a schedule rarer than once a week": { NoSweepAlarmHours: "0" },
  "no alarms": { Alarms: "false" },
  "a week without a sweep": { NoSweepAlarmHours: "168", OldestSeedAlarmDays: "370" },
};

for (const [name, parameters] of Object.entries(PARAMETERS)) {
  test(`${name}: every alarm tells operations and is one that CloudWatch takes`, () => {
    const stack = render(parameters);
    for (const [id, alarm] of Object.entries(stack.alarms)) {
      assert.deepEqual(alarm.AlarmActions, [stack.arn("OpsTopic")], id);
      assert.deepEqual(alarm.OKActions, [stack.arn("OpsTopic")], id);
      assert.ok(alarm.AlarmDescription.length <= 1024, id);
      assert.ok(alarm.Period * alarm.EvaluationPeriods <= (alarm.Period < 3600 ? DAY : WEEK), id);
    }
  });
}

test("an alarm on missing sweeps is made only where sweeps write metrics", () => {
  const made = Object.entries(PARAMETERS).map(([name, parameters]) => [name, "NoSweepAlarm" in render(parameters).alarms]);
  assert.deepEqual(Object.fromEntries(made), {
    "the defaults": true,
    "a dry run": false,
    "logs without metrics": false,
    "a schedule rarer than once a week": false,
    "no alarms": false,
    "a week without a sweep": true,
  });
});

test("the oldest seed's alarm counts seconds, its parameter days", () => {
  for (const days of [1, 35, 370]) {
    const { Threshold } = render({ OldestSeedAlarmDays: days }).alarms.OldestSeedAlarm;
    assert.equal(Threshold, days * 24 * 3600);
  }
});

test("with Alarms=false there is none, and the dashboard shows numbers where they were", () => {
  const { alarms, dashboard } = render({ Alarms: "false" });
  assert.deepEqual(alarms, {});
  assert.deepEqual(dashboard.widgets.filter(({ type }) => type === "alarm"), []);
  assert.equal(dashboard.widgets[0].width, 24);
  assert.equal(render().dashboard.widgets.filter(({ type }) => type === "alarm").length, 1);
});
