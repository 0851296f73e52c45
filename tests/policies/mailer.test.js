// The mailer: it gets the messages of one domain, mails each to its recipient, and its role lets it mail from one
// address, within that address's domain, and do nothing else.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
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

/** Runs the code in the template on one message for each recipient. What it has SES send, or the kind of its error. */
function run(recipients) {
  const harness = fileURLToPath(new URL("run_mailer.py", import.meta.url));
  const python = spawnSync(process.env.MFA_WARDEN_PYTHON ?? "python3", ["-I", harness], {
    input: JSON.stringify({ code: stack.mailerCode, mail_from: FROM, recipients }),
    encoding: "utf8",
  });
  assert.equal(python.status, 0, python.stderr ?? python.error);
  return JSON.parse(python.stdout);
}

test("it mails one address, as the function writes it", async () => {
  const addresses = ["alice@example.com", "Alice.B+aws@example.com", "o'neil@example.com", "a/b=c@example.com"];
  const sent = run(addresses);
  const mail = (to) => ({
    FromEmailAddress: FROM,
    Destination: { ToAddresses: [to] },
    Content: { Simple: { Subject: { Data: "Set up MFA" }, Body: { Text: { Data: "Hello,", Charset: "UTF-8" } } } },
  });
  assert.deepEqual(sent, addresses.map(mail));
  const questions = sent.map(({ Destination }) => ({
    wanted: "Allowed",
    action: "ses:SendEmail",
    resource: identity("example.com"),
    context: { "ses:FromAddress": FROM, "ses:Recipients": Destination.ToAddresses },
  }));
  assert.deepEqual(await failures(questions, complete), []);
});

test("it mails nothing that is not one address", () => {
  const others = [
    "alice",
    "@example.com",
    "alice@",
    "alice@b@example.com",
    "alice@example.com,bob@example.com",
    "alice@example.com;bob@example.com",
    "alice@example.com bob@example.com",
    " alice@example.com",
    "alice@example.com\n",
    "Alice <alice@example.com>",
    '"alice"@example.com',
  ];
  assert.deepEqual(run(others), others.map(() => "ValueError"));
});
