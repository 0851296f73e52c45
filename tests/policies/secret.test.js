// The resource policy of a secret: its owner reads the seed, and nobody else, whatever other policies allow.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ADMINISTRATOR, failures, ownerPolicy, role, unnoticed, user } from "./simulator.js";
import { ACCOUNT, render } from "./template.js";

const stack = render();
const MFA = { "aws:MultiFactorAuthPresent": "true" };
const NO_MFA = { "aws:MultiFactorAuthPresent": "false" };

for (const owner of [user("alice", "/engineering/"), user("bob"), user("o+c=a,l@e.x-a_m", "/a/b/")]) {
  const ask = (who, wanted, principal, policies, verb, context) => ({
    who, wanted, principal, policies, action: `secretsmanager:${verb}`, resource: owner.secret, context,
  });
  const administrators = {
    "an administrator": user("admin"),
    "a role of administrators": role(`arn:aws:iam::${ACCOUNT}:role/Admin`),
    "another user of a like name": user(`${owner.name}-too`),
    // A deleted user's name can come back, and with it the ARN; the unique id cannot.
    "a user recreated under the owner's name": { ...owner, context: { ...owner.context, "aws:userid": "AIDAANOTHERUSER000001" } },
    "the root user": { arn: `arn:aws:iam::${ACCOUNT}:root`, context: { "aws:userid": ACCOUNT } },
  };
  const warden = role(stack.arn("FunctionRole.Arn"));
  const expectations = [
    ...[{}, MFA, NO_MFA].flatMap((session) => [
      ask("the owner", "Allowed", owner, [], "GetSecretValue", session),
      ask("the owner", "Allowed", owner, [], "DescribeSecret", session),
    ]),
    ...["PutSecretValue", "UpdateSecret", "DeleteSecret", "PutResourcePolicy", "DeleteResourcePolicy"].map((verb) =>
      ask("the owner", "Denied", owner, [], verb),
    ),
    ...Object.entries(administrators).map(([who, principal]) =>
      ask(who, "ExplicitlyDenied", principal, [ADMINISTRATOR], "GetSecretValue"),
    ),
    ask("the function", "ExplicitlyDenied", warden, [stack.role], "GetSecretValue"),
    ask("the function's role without its own Deny", "ExplicitlyDenied", warden, [ADMINISTRATOR], "GetSecretValue"),
    ...["ReplicateSecretToRegions", "RotateSecret"].flatMap((verb) => [
      ask("an administrator", "ExplicitlyDenied", administrators["an administrator"], [ADMINISTRATOR], verb),
      ask("an owner who is an administrator", "ExplicitlyDenied", owner, [ADMINISTRATOR], verb),
    ]),
    // Its name and tags are no secret: operations see who is being looked after.
    ask("an administrator", "Allowed", administrators["an administrator"], [ADMINISTRATOR], "DescribeSecret"),
    ask("a stranger", "Denied", user("stranger"), [], "DescribeSecret"),
    ask("a stranger", "Denied", user("stranger"), [], "GetSecretValue"),
  ];
  const complete = (_, resourcePolicy = ownerPolicy(owner)) => ({ resourcePolicy });

  test(`the secret of ${owner.name} is read by its owner and nobody else`, async () => {
    assert.deepEqual(await failures(expectations, complete), []);
  });

  test(`nothing in the policy of ${owner.name}'s secret is superfluous`, async (t) => {
    const { missed, changes } = await unnoticed(ownerPolicy(owner), expectations, complete);
    t.diagnostic(`${changes} changes, each noticed`);
    assert.deepEqual(missed, []);
  });
}
