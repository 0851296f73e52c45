// The service control policy in SECURITY.md: it denies what it says, and nothing that the function and owners need.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { runSimulation } from "@cloud-copilot/iam-simulate";
import { ADMINISTRATOR, circumstances, failures, ownerPolicy, role, secret, unnoticed, user } from "./simulator.js";
import { ACCOUNT, REGION, render } from "./template.js";

const text = readFileSync(new URL("../../SECURITY.md", import.meta.url), "utf8");
const [, block] = text.match(/```json\n([\s\S]*?)```/);
const scp = JSON.parse(block);

const stack = render();
const ALICE = user("alice", "/engineering/");
const DEVICE = `arn:aws:iam::${ACCOUNT}:mfa/mfa-warden/alice.0a1b2c3d`;
const ROLES = ["mfa-warden", "x/mfa-warden"].map((name) => `arn:aws:iam::${ACCOUNT}:role/${name}`);
const FUNCTIONS = ["mfa-warden", "mfa-warden-mailer"].map((name) => `arn:aws:lambda:${REGION}:${ACCOUNT}:function:${name}`);
const [, MAILER] = FUNCTIONS;

const theFunction = role(stack.arn("FunctionRole.Arn"));
const deployment = role(`arn:aws:iam::${ACCOUNT}:role/YOUR-DEPLOYMENT-ROLE`);
const administrators = [
  user("admin"),
  user("mfa-warden"),
  ...["Admin", "x-mfa-warden", "mfa-warden-mailer", "x/mfa-warden", "x/YOUR-DEPLOYMENT-ROLE"].map((name) =>
    role(`arn:aws:iam::${ACCOUNT}:role/${name}`),
  ),
];

const actionsOf = (sid) => scp.Statement.find(({ Sid }) => Sid === sid).Action;
// The simulator does not know these two: see secret.test.js.
const UNKNOWN = ["secretsmanager:AssociateCrossAccountReplica", "secretsmanager:DisassociateCrossAccountReplica"];
const onSecrets = actionsOf("SecretsAreTheFunctions").filter((action) => !UNKNOWN.includes(action));
const onDevices = actionsOf("PreparedDevicesAreTheFunctions");
const onRoles = actionsOf("TheRoleIsTheDeployments");
const onFunctions = actionsOf("TheFunctionsAreTheDeployments");

const each = (actions, resources) => actions.flatMap((action) => resources.map((resource) => [action, resource]));
const guarded = [
  ...each(onSecrets, [ALICE.secret, secret("mfa-warden/smtp-relay"), secret("mfa-warden/x", "eu-west-1")]),
  ...each(onDevices, [DEVICE]),
  ...each(onRoles, ROLES),
  ...each(onFunctions, FUNCTIONS),
];
const elsewhere = [
  ...each(onSecrets, [secret("production/db"), secret("mfa-wardens/x")]),
  ...each(onDevices, [`arn:aws:iam::${ACCOUNT}:mfa/alice`]),
  ...each(onRoles, [`arn:aws:iam::${ACCOUNT}:role/Admin`, `arn:aws:iam::${ACCOUNT}:role/x-mfa-warden`]),
  ...each(onFunctions, [`arn:aws:lambda:${REGION}:${ACCOUNT}:function:other`]),
];

// Secrets that nobody made yet have no policy; those that are there deny most of this anyway.
const ask = (wanted, principal, policies, calls) =>
  calls.map(([action, resource, context, more]) => ({
    ...{ who: principal.arn, wanted, principal, action, resource, context, holds: policies },
    ...more,
  }));
const ours = (action) => [
  action,
  action.startsWith("iam:") ? DEVICE : ALICE.secret,
  {
    ...circumstances(stack, { action, resource: action.startsWith("iam:") ? DEVICE : ALICE.secret }),
    ...(action.endsWith("CreateSecret") && { "aws:RequestTag/mfa-warden:user-id": ALICE.id }),
    ...(action.endsWith("PutResourcePolicy") && { "secretsmanager:BlockPublicPolicy": "true" }),
  },
];
const expectations = [
  ...administrators.flatMap((principal) => [
    ...ask("ExplicitlyDenied", principal, [ADMINISTRATOR], guarded),
    ...ask("ExplicitlyDenied", principal, [ADMINISTRATOR], [["lambda:InvokeFunction", MAILER]]),
    ...ask("Allowed", principal, [ADMINISTRATOR], elsewhere),
    ...ask("Allowed", principal, [ADMINISTRATOR], [
      ["secretsmanager:DescribeSecret", ALICE.secret],
      ["lambda:InvokeFunction", FUNCTIONS[0]],
      ["lambda:PutFunctionConcurrency", FUNCTIONS[0]],
      ["iam:GetRole", ROLES[0]],
      ["iam:DeactivateMFADevice", ALICE.arn],
    ]),
  ]),
  ...ask("Allowed", deployment, [ADMINISTRATOR], guarded),
  ...ask("ExplicitlyDenied", deployment, [ADMINISTRATOR], [["lambda:InvokeFunction", MAILER]]),
  ...ask(
    "Allowed",
    theFunction,
    [stack.role],
    [
      ...["CreateSecret", "TagResource", "PutResourcePolicy", "PutSecretValue", "UpdateSecretVersionStage"],
      ...["RestoreSecret", "DeleteSecret"],
    ].map((verb) => ours(`secretsmanager:${verb}`)),
  ),
  ...ask("Allowed", theFunction, [stack.role], onDevices.map(ours)),
  ...ask("Allowed", theFunction, [ADMINISTRATOR], [...each(onSecrets, [ALICE.secret]), ...each(onDevices, [DEVICE])]),
  ...ask("ExplicitlyDenied", theFunction, [ADMINISTRATOR], [...each(onRoles, ROLES), ...each(onFunctions, FUNCTIONS)]),
  ...ask("Allowed", ALICE, [stack.enrollment], [
    ["secretsmanager:GetSecretValue", ALICE.secret, {}, { resourcePolicy: ownerPolicy(ALICE) }],
    ["iam:EnableMFADevice", ALICE.arn],
    ["iam:CreateVirtualMFADevice", `arn:aws:iam::${ACCOUNT}:mfa/alice`],
  ]),
];

// A service control policy that only denies, denies what the same policy of the user's own would.
const complete = ({ holds }, document = scp) => ({ policies: [...holds, document] });

test("the service control policy denies what it says and leaves the function, owners and all else alone", async (t) => {
  t.diagnostic(`${expectations.length} questions`);
  assert.deepEqual(await failures(expectations, complete), []);
});

test("nothing in it is superfluous", async (t) => {
  const { missed, changes } = await unnoticed(scp, expectations, complete);
  t.diagnostic(`${changes} changes, each noticed but of what the simulator does not know`);
  assert.deepEqual(missed, UNKNOWN.map((action) => `SecretsAreTheFunctions without ${action}`));
});

test("it is one where service control policies stand, beside AWS's own", async () => {
  const full = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] };
  const policies = [full, scp].map((policy, number) => ({ name: `policy ${number}`, policy }));
  const decide = async (resource) => {
    const { arn: principal, context: contextVariables } = user("admin");
    const request = { principal, action: "secretsmanager:CreateSecret", contextVariables };
    const simulation = {
      request: { ...request, resource: { resource, accountId: ACCOUNT } },
      identityPolicies: [{ name: "administrator", policy: ADMINISTRATOR }],
      serviceControlPolicies: [{ orgIdentifier: "r-root", policies }],
      resourceControlPolicies: [],
    };
    return (await runSimulation(simulation, {})).overallResult;
  };
  assert.equal(await decide(ALICE.secret), "ExplicitlyDenied");
  assert.equal(await decide(secret("production/db")), "Allowed");
});

test("it holds all that the secrets' own policy denies to others, and making and deleting besides", () => {
  const { Action } = ownerPolicy(ALICE).Statement.find(({ Sid }) => Sid === "OnlyTheFunctionChanges");
  const more = ["secretsmanager:CreateSecret", "secretsmanager:DeleteSecret"];
  assert.deepEqual(actionsOf("SecretsAreTheFunctions").toSorted(), [...Action, ...more].sort());
});

test("it is short enough for an organization, as it stands", () => {
  assert.ok(block.length < 5120, `${block.length} characters`);
});
