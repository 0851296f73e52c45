// The two topics and their keys: who can speak with the function's voice, to owners and to operations.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ADMINISTRATOR, circumstances, failures, role, root, service, unnoticed, user } from "./simulator.js";
import { ACCOUNT, REGION, render } from "./template.js";

const stack = render();
const OTHER_ACCOUNT = "210987654321";
const TLS = { "aws:SecureTransport": "true" };
const PLAIN = { "aws:SecureTransport": "false" };

const warden = role(stack.arn("FunctionRole.Arn"));
const alarm = `arn:aws:cloudwatch:${REGION}:${ACCOUNT}:alarm:mfa-warden-FailuresAlarm-0A1B2C3D4E5F`;
const cloudwatch = service("cloudwatch.amazonaws.com", alarm);
/** The same service and a source that is no alarm of this account and region, or that it does not name. */
const others = [
  service("cloudwatch.amazonaws.com", alarm.replace(ACCOUNT, OTHER_ACCOUNT)),
  service("cloudwatch.amazonaws.com", alarm.replace(REGION, "eu-west-1")),
  service("cloudwatch.amazonaws.com", `arn:aws:cloudwatch::${ACCOUNT}:dashboard/mfa-warden`),
  service("cloudwatch.amazonaws.com"),
  // Neither of the two keys is enough alone.
  { ...cloudwatch, context: { ...cloudwatch.context, "aws:SourceAccount": OTHER_ACCOUNT } },
  { ...cloudwatch, context: { ...cloudwatch.context, "aws:SourceArn": alarm.replace(ACCOUNT, OTHER_ACCOUNT) } },
  service("events.amazonaws.com", `arn:aws:events:${REGION}:${ACCOUNT}:rule/x`),
  service("events.amazonaws.com", alarm),
];
/** Who may do everything by policies of their own. None of them is a service, so none sends an aws:SourceArn. */
const administrators = [
  user("admin"),
  user("mfa-warden"),
  role(`arn:aws:iam::${ACCOUNT}:role/Admin`),
  role(`arn:aws:iam::${ACCOUNT}:role/x/mfa-warden`),
  role(`arn:aws:iam::${ACCOUNT}:role/mfa-warden-mailer`),
  role(stack.arn("FunctionRole.Arn").replace(ACCOUNT, OTHER_ACCOUNT)),
  root(),
];

function ask(wanted, principal, action, resource, context, policies = []) {
  return { who: principal.arn, wanted, principal, policies, action, resource, context };
}

for (const [name, policy] of [
  ["OwnerTopic", stack.ownerTopic],
  ["OpsTopic", stack.opsTopic],
]) {
  const topic = stack.arn(name);
  const speakers = name === "OpsTopic" ? "the function and this account's alarms" : "the function";
  const publish = (wanted, principal, context, policies) =>
    ask(wanted, principal, "sns:Publish", topic, context, policies);
  const from = circumstances(stack, { action: "sns:Publish" });
  const questions = [
    publish("Allowed", warden, { ...TLS, ...from }, [stack.role]),
    publish("ExplicitlyDenied", warden, { ...PLAIN, ...from }, [stack.role]),
    publish("ExplicitlyDenied", warden, TLS, [stack.role]),
    ...administrators.map((principal) => publish("ExplicitlyDenied", principal, TLS, [ADMINISTRATOR])),
    ...others.map((principal) => publish("Denied", principal, TLS)),
    ...(name === "OpsTopic"
      ? [publish("Allowed", cloudwatch, TLS), publish("ExplicitlyDenied", cloudwatch, PLAIN)]
      : [publish("ExplicitlyDenied", cloudwatch, TLS)]),
    // Who listens is left to IAM.
    ask("Allowed", administrators[0], "sns:Subscribe", topic, {}, [ADMINISTRATOR]),
    ask("Denied", user("stranger"), "sns:Subscribe", topic, {}),
  ];
  const complete = (_, resourcePolicy = policy) => ({ resourcePolicy });

  test(`${name}: nobody speaks there but ${speakers}`, async () => {
    assert.deepEqual(await failures(questions, complete), []);
  });

  test(`${name}: nothing in its policy is superfluous`, async (t) => {
    const { missed, changes } = await unnoticed(policy, questions, complete);
    t.diagnostic(`${changes} changes, each noticed`);
    assert.deepEqual(missed, []);
  });
}

for (const [name, topic, policy] of [
  ["TopicKey", "OwnerTopic", stack.topicKey],
  ["OpsTopicKey", "OpsTopic", stack.opsTopicKey],
]) {
  const key = stack.arn(`${name}.Arn`);
  const users = topic === "OpsTopic" ? "the function and this account's alarms" : "the function";
  const use = (wanted, principal, policies, context) =>
    ["kms:GenerateDataKey", "kms:Decrypt"].map((action) => ask(wanted, principal, action, key, context, policies));
  const questions = [
    ...use("Allowed", warden, [stack.role], { "kms:ViaService": `sns.${REGION}.amazonaws.com` }),
    ...use("Denied", warden, [stack.role]),
    ...use(topic === "OpsTopic" ? "Allowed" : "Denied", cloudwatch),
    ...others.flatMap((principal) => use("Denied", principal)),
    ...use("Denied", user("stranger")),
    // Administrators keep a key that they could otherwise never delete.
    ask("Allowed", administrators[0], "kms:ScheduleKeyDeletion", key, {}, [ADMINISTRATOR]),
    ...use("Denied", role(`arn:aws:iam::${OTHER_ACCOUNT}:role/Admin`), [ADMINISTRATOR]),
  ];
  const complete = (_, resourcePolicy = policy) => ({ resourcePolicy });

  test(`${name}: encrypts the messages of ${topic} for nobody but ${users}`, async () => {
    assert.equal(stack.keyOf(topic), stack.arn(name));
    assert.deepEqual(await failures(questions, complete), []);
  });

  test(`${name}: nothing in its policy is superfluous`, async (t) => {
    const { missed, changes } = await unnoticed(policy, questions, complete);
    t.diagnostic(`${changes} changes, each noticed`);
    assert.deepEqual(missed, []);
  });
}
