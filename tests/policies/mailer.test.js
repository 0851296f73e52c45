// The role of the mailer: it mails from one address, within that address's domain, and does nothing else.

import assert from "node:assert/strict";
import { test } from "node:test";
import { failures, role, unnoticed } from "./simulator.js";
import { ACCOUNT, REGION, render } from "./template.js";

const FROM = "security@example.com";
const stack = render({ MailFrom: FROM });
const principal = role(`arn:aws:iam::${ACCOUNT}:role/mfa-warden-mailer`);
const complete = (_, policy = stack.mailer) => ({ principal, policies: [policy] });

const identity = (name, account = ACCOUNT) => `arn:aws:ses:${REGION}:${account}:identity/${name}`;
const mail = (wanted, from, to, resource = identity("example.com")) => ({
  wanted,
  action: "ses:SendEmail",
  resource,
  context: { "ses:FromAddress": from, "ses:Recipients": to },
});
const logs = stack.arn("MailerLogs.Arn").replace(/\*$/, "log-stream:2026/06/15/[$LATEST]0a1b");
const expectations = [
  mail("Allowed", FROM, ["alice@example.com"]),
  mail("Allowed", FROM, ["alice@example.com"], identity(FROM)),
  mail("Denied", FROM, ["alice@partner.example"]),
  mail("Denied", FROM, ["alice@example.com", "mallory@partner.example"]),
  mail("Denied", FROM, ["alice@notexample.com"]),
  mail("Denied", "ceo@example.com", ["alice@example.com"]),
  mail("Denied", FROM, ["alice@example.com"], identity("example.com", "210987654321")),
  { wanted: "Allowed", action: "sqs:SendMessage", resource: stack.arn("DeadLetterQueue.Arn") },
  { wanted: "Denied", action: "sqs:SendMessage", resource: `arn:aws:sqs:${REGION}:${ACCOUNT}:other` },
  { wanted: "Allowed", action: "logs:CreateLogStream", resource: logs },
  { wanted: "Allowed", action: "logs:PutLogEvents", resource: logs },
  { wanted: "Denied", action: "logs:PutLogEvents", resource: logs.replace("-mailer", "") },
  { wanted: "Denied", action: "sns:Publish", resource: stack.arn("OwnerTopic") },
  { wanted: "Denied", action: "secretsmanager:ListSecrets" },
];

test("it mails from its address, within its domain, and no more", async () => {
  assert.deepEqual(await failures(expectations, complete), []);
});

test("no statement of its role could go or widen unnoticed", async () => {
  const { missed, changes } = await unnoticed(stack.mailer, expectations, complete);
  assert.deepEqual(missed, []);
  assert.ok(changes > 8, `${changes} changes`);
});

test("it gets the messages of recipients in that domain, so that others count as not reached", () => {
  assert.deepEqual(stack.mailed, { recipient: [{ suffix: "@example.com" }] });
});
