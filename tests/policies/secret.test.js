// The resource policy of a secret: its owner reads the seed and nobody else, and nobody but the function changes it,
// whatever other policies allow.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ADMINISTRATOR,
  actionsOf,
  circumstances,
  failures,
  isKnown,
  ownerPolicy,
  role,
  root,
  unnoticed,
  user,
} from "./simulator.js";
import { ACCOUNT, render } from "./template.js";

const stack = render();
const MFA = { "aws:MultiFactorAuthPresent": "true" };
const NO_MFA = { "aws:MultiFactorAuthPresent": "false" };

/** Operations of Secrets Manager that the simulator's data does not have. */
const UNKNOWN = ["AssociateCrossAccountReplica", "DisassociateCrossAccountReplica"];

/** The operations that others than the function are left, and why. Every other one is denied to them. */
const LEFT_TO_OTHERS = {
  CreateSecret: "makes another secret: of this one's name there can be no second",
  DeleteSecret: "administrators may, and end an enrollment by it; the owner may not",
  GetSecretValue: "a read; denied to all but the owner by a statement of its own",
  BatchGetSecretValue: "a read that also asks for GetSecretValue of each secret",
  DescribeSecret: "a read of names, tags and times: operations see who is being looked after",
  GetResourcePolicy: "a read of the policy, which holds no secret",
  ListSecretVersionIds: "a read of versions' ids",
  ListSecrets: "a read of names, tags and times",
  GetRandomPassword: "makes random characters and touches no secret",
  ValidateResourcePolicy: "judges a text and changes nothing",
};

const OPERATIONS = [...(await actionsOf("secretsmanager")), ...UNKNOWN];
const CHANGES = OPERATIONS.filter((verb) => !(verb in LEFT_TO_OTHERS));
/** What the function does to its secrets itself. */
const ITS_OWN = [
  ...["PutResourcePolicy", "PutSecretValue", "UpdateSecretVersionStage"],
  ...["TagResource", "RestoreSecret", "DeleteSecret"],
];

test("every operation of Secrets Manager is the function's alone or left to others for a reason", () => {
  const { Action } = ownerPolicy(user("alice")).Statement.find(({ Sid }) => Sid === "OnlyTheFunctionChanges");
  assert.deepEqual(Action.toSorted(), CHANGES.map((verb) => `secretsmanager:${verb}`).sort());
  assert.equal(Action.length, 15);
  const gone = Object.keys(LEFT_TO_OTHERS).filter((verb) => !OPERATIONS.includes(verb));
  assert.deepEqual(gone, [], "no operations of Secrets Manager");
});

test("what the simulator does not know it cannot be asked", async () => {
  // These two stand in one statement with thirteen that it is asked about below. When its data has them, they are asked
  // about too: take them out of UNKNOWN.
  for (const verb of UNKNOWN) assert.equal(await isKnown(`secretsmanager:${verb}`), false, verb);
});

for (const owner of [user("alice", "/engineering/"), user("bob"), user("o+c=a,l@e.x-a_m", "/a/b/")]) {
  const ask = (who, wanted, principal, policies, verb, context) => ({
    who, wanted, principal, policies, action: `secretsmanager:${verb}`, resource: owner.secret, context,
  });
  const named = (arn) => role(`arn:aws:iam::${ACCOUNT}:role/${arn}`);
  const administrators = {
    "an administrator": user("admin"),
    "a role of administrators": named("Admin"),
    "another user of a like name": user(`${owner.name}-too`),
    // A deleted user's name can come back, and with it the ARN; the unique id cannot.
    "a user recreated under the owner's name": { ...owner, context: { ...owner.context, "aws:userid": "AIDAANOTHERUSER000001" } },
    "the root user": root(),
    "a user of the role's name": user("mfa-warden"),
    "a role whose name ends alike": named("x-mfa-warden"),
    "a role whose name begins alike": named("mfa-warden-x"),
    "a role under a path of the role's name": named("mfa-warden/x"),
  };
  const elsewhere = role("arn:aws:iam::210987654321:role/mfa-warden");
  const functions = {
    "the function": role(stack.arn("FunctionRole.Arn")),
    "the function, its role under a path": named("team/mfa-warden"),
    "the function, its role under a long path": named("team/b/mfa-warden"),
  };
  const known = CHANGES.filter((verb) => !UNKNOWN.includes(verb));
  const blocked = (verb) => verb === "PutResourcePolicy" && { "secretsmanager:BlockPublicPolicy": "true" };
  const fromTheFunction = (verb) => ({
    ...circumstances(stack, { action: `secretsmanager:${verb}`, resource: owner.secret }),
    ...blocked(verb),
  });
  const answer = (verb) => (ITS_OWN.includes(verb) ? "Allowed" : "ImplicitlyDenied");
  const expectations = [
    ...[{}, MFA, NO_MFA].flatMap((session) => [
      ask("the owner", "Allowed", owner, [], "GetSecretValue", session),
      ask("the owner", "Allowed", owner, [], "DescribeSecret", session),
    ]),
    ...Object.entries(administrators).flatMap(([who, principal]) => [
      ask(who, "ExplicitlyDenied", principal, [ADMINISTRATOR], "GetSecretValue"),
      ...known.map((verb) => ask(who, "ExplicitlyDenied", principal, [ADMINISTRATOR], verb, blocked(verb) || {})),
      // Its name and tags are no secret: operations see who is being looked after, and may end it.
      ask(who, "Allowed", principal, [ADMINISTRATOR], "DescribeSecret"),
      ask(who, "Allowed", principal, [ADMINISTRATOR], "DeleteSecret"),
    ]),
    ...[...known, "GetSecretValue"].map((verb) =>
      ask("another account's role of the same name", "ExplicitlyDenied", elsewhere, [ADMINISTRATOR], verb),
    ),
    ...[...known, "DeleteSecret"].flatMap((verb) => [
      ask("the owner", "ExplicitlyDenied", owner, [], verb),
      ask("an owner who is an administrator", "ExplicitlyDenied", owner, [ADMINISTRATOR], verb),
    ]),
    ...Object.entries(functions).flatMap(([who, principal]) => [
      ask(who, "ExplicitlyDenied", principal, [stack.role], "GetSecretValue"),
      ask(`${who}, without its own Deny`, "ExplicitlyDenied", principal, [ADMINISTRATOR], "GetSecretValue"),
      // It may do what it does, and of the rest its own role keeps it, not this policy.
      ...[...known, "DeleteSecret"].flatMap((verb) => [
        ask(who, answer(verb), principal, [stack.role], verb, fromTheFunction(verb)),
        ask(`${who}, allowed everything`, "Allowed", principal, [ADMINISTRATOR], verb, fromTheFunction(verb)),
      ]),
    ]),
    ask("a stranger", "Denied", user("stranger"), [], "DescribeSecret"),
    ask("a stranger", "Denied", user("stranger"), [], "GetSecretValue"),
  ];
  const complete = (_, resourcePolicy = ownerPolicy(owner)) => ({ resourcePolicy });

  test(`the secret of ${owner.name} is read by its owner alone and changed by the function alone`, async (t) => {
    t.diagnostic(`${expectations.length} questions`);
    assert.deepEqual(await failures(expectations, complete), []);
  });

  test(`nothing in the policy of ${owner.name}'s secret is superfluous`, async (t) => {
    const { missed, changes } = await unnoticed(ownerPolicy(owner), expectations, complete);
    t.diagnostic(`${changes} changes, each noticed but of what the simulator does not know`);
    assert.deepEqual(missed, UNKNOWN.map((verb) => `OnlyTheFunctionChanges without secretsmanager:${verb}`));
  });
}
