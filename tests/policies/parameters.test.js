// The parameters: what they may hold, which of them contradict each other, and where each goes.

import assert from "node:assert/strict";
import { test } from "node:test";
import { render } from "./template.js";

const { parameters, parameterGroups, environment } = render();

test("quarantine without a policy is refused", () => {
  assert.deepEqual(render({ AfterGrace: "quarantine" }).brokenRules, []);
  assert.equal(render({ AfterGrace: "quarantine", QuarantinePolicyArn: "" }).brokenRules.length, 1);
});

test("a seed that does not outlive the warning is refused with a quarantine, as far as a rule can see it", () => {
  const broken = (more) => render({ AfterGrace: "quarantine", ...more }).brokenRules;
  for (const other of ["GracePeriod", "RemindEvery"]) {
    const [words, ...rest] = broken({ OfferTtl: "5d", [other]: "5d" });
    assert.deepEqual(rest, []);
    assert.match(words, new RegExp(`OfferTtl.*${other}`));
    assert.deepEqual(render({ OfferTtl: "5d", [other]: "5d" }).brokenRules, []);
  }
  assert.equal(broken({ OfferTtl: "5d", GracePeriod: "5d", RemindEvery: "5d" }).length, 2);
  // Durations cannot be compared here: the function refuses these at its start.
  assert.deepEqual(broken({ OfferTtl: "5d", GracePeriod: "120h" }), []);
  assert.deepEqual(broken({ OfferTtl: "5d", GracePeriod: "6d" }), []);
});

test("one policy for enrolling and for the quarantine is refused", () => {
  const both = (arn) => render({ EnrollmentPolicyArn: arn, QuarantinePolicyArn: arn }).brokenRules;
  assert.equal(both("arn:aws:iam::123456789012:policy/team/own").length, 1);
  assert.deepEqual(both("stack"), []);
  assert.deepEqual(both(""), []);
});

test("every role has the boundary and the path that an organization demands, and by default neither", () => {
  const PermissionsBoundary = "arn:aws:iam::123456789012:policy/boundaries/workload";
  const { roles, environment } = render({ PermissionsBoundaryArn: PermissionsBoundary, RolePath: "/security/" });
  assert.deepEqual(Object.keys(roles).sort(), ["FunctionRole", "MailerRole", "ScheduleRole"]);
  for (const [id, role] of Object.entries(roles)) {
    assert.deepEqual(role, { Path: "/security/", PermissionsBoundary }, id);
  }
  // The secrets' policies let this role in, with its path and without.
  assert.equal(environment.FUNCTION_ROLE_ARN, "arn:aws:iam::123456789012:role/security/mfa-warden");
  for (const role of Object.values(render().roles)) assert.deepEqual(role, {});
});

const VALUES = {
  PermissionsBoundaryArn: [
    ["", "arn:aws:iam::123456789012:policy/boundary", "arn:aws-cn:iam::aws:policy/PowerUserAccess"],
    ["boundary", "arn:aws:iam::123456789012:role/x", "arn:aws:iam::1:policy/x"],
  ],
  RolePath: [
    ["", "/", "/security/", "/a/b/"],
    ["security", "/security", "security/", "//x"],
  ],
  MaxQuarantines: [
    [0, 10, 5000],
    [-1, 5001, "ten"],
  ],
  QuarantineHours: [
    [
      "",
      "Mon-Thu 09:00-16:00 Europe/Berlin",
      "Mon 00:00-24:00",
      "Mon,Wed,Fri-Sun 09:30-16:45 America/Argentina/Buenos_Aires",
      "Sat-Mon 09:00-16:00 Etc/GMT+3",
    ],
    [
      "always",
      "Mon-Thu",
      "09:00-16:00",
      "Mon-Thu 9-16",
      "Mon-Thu 09:00-24:30",
      "Mon-Thu 25:00-26:00",
      "Monday 09:00-16:00",
      "Mon-Tue-Wed 09:00-16:00",
      "Mon, Tue 09:00-16:00",
      "Mon-Thu 09:00-16:00 Europe/Berlin UTC",
    ],
  ],
  Pilot: [
    ["", "/", "/team-a/", "/a/b/", "team=payments", "Team of 2=a = b"],
    ["team-a", "/team-a", "team-a/", "/te am/", "//", "=payments", "team=", "team"],
  ],
  AllowCloudShell: [
    ["true", "false"],
    ["", "yes"],
  ],
  // Domains have no case, and filters and conditions do: they are compared in lower case.
  MailFrom: [
    ["", "security@example.com", "Sec.Team+aws@mail-1.example.com"],
    ["security", "security@Example.com", "a@example.com, b@example.com"],
  ],
};

for (const [name, [accepted, refused]] of Object.entries(VALUES)) {
  test(`${name} takes what it may hold and nothing else`, () => {
    for (const value of accepted) assert.doesNotThrow(() => render({ [name]: value }), `${value}`);
    for (const value of refused) assert.throws(() => render({ [name]: value }), /may not be/, `${value}`);
  });
}

test("what slows the function down reaches it, and is off by default but for the number of quarantines", () => {
  const reaching = ({ environment: { MAX_QUARANTINES, QUARANTINE_HOURS, PILOT } }) => ({
    ...{ MaxQuarantines: MAX_QUARANTINES, QuarantineHours: QUARANTINE_HOURS, Pilot: PILOT },
  });
  assert.deepEqual(reaching(render()), { MaxQuarantines: "10", QuarantineHours: "", Pilot: "" });
  const set = { MaxQuarantines: "3", QuarantineHours: "Mon-Thu 09:00-16:00 Europe/Berlin", Pilot: "team=payments" };
  assert.deepEqual(reaching(render(set)), set);
});

test("every setting has a parameter of the same name, but for what the stack knows itself", () => {
  const camel = (name) => name.toLowerCase().replace(/(^|_)([a-z])/g, (_, __, letter) => letter.toUpperCase());
  const unnamed = Object.keys(environment).filter((name) => !(camel(name) in parameters));
  assert.deepEqual(unnamed.sort(), ["FUNCTION_ROLE_ARN", "OPS_TOPIC_ARN", "OWNER_TOPIC_ARN"]);
});

test("every parameter says what it is for, what it may hold, and stands in one group", () => {
  const grouped = parameterGroups.flatMap(({ Parameters }) => Parameters);
  assert.deepEqual(grouped.toSorted(), Object.keys(parameters).sort());
  for (const [name, parameter] of Object.entries(parameters)) {
    assert.ok(parameter.Description.length > 20 && parameter.Description.length <= 4000, name);
    assert.ok("Default" in parameter, name);
    assert.ok("AllowedPattern" in parameter === "ConstraintDescription" in parameter, name);
    assert.ok(parameter.AllowedPattern || parameter.AllowedValues || "MaxValue" in parameter, name);
  }
});
