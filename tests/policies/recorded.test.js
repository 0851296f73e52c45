// Every call that the function made in its other tests is one that its role allows: `make test` records them.

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { circumstances, failures, role, secret } from "./simulator.js";
import { ACCOUNT, REGION, render } from "./template.js";

const folder = process.env.MFA_WARDEN_CALLS;

const user = ({ UserName }) => [`arn:aws:iam::${ACCOUNT}:user/${UserName}`, `arn:aws:iam::${ACCOUNT}:user/a/b/${UserName}`];
const device = (name) => [`arn:aws:iam::${ACCOUNT}:mfa${name}`];
const inSecret = ({ SecretId, Name }) => {
  const id = SecretId ?? Name;
  // An ARN ends in six characters that the service chose.
  return [id.startsWith("arn:") ? id.replace(/-[A-Za-z0-9]{6}$/, secret("").slice(-7)) : secret(id)];
};
const anywhere = () => ["*"];

// How a call's parameters are seen by IAM: its resources, and the condition keys that it carries (Service Authorization
// Reference).
const SEEN = {
  "cloudtrail:DescribeTrails": [anywhere],
  "iam:ListUsers": [anywhere],
  "iam:ListVirtualMFADevices": [anywhere],
  "iam:GenerateCredentialReport": [anywhere],
  "iam:GetCredentialReport": [anywhere],
  "iam:GetAccountSummary": [anywhere],
  "iam:GetUser": [user],
  "iam:GetLoginProfile": [user],
  "iam:ListMFADevices": [user],
  "iam:ListAccessKeys": [user],
  "iam:ListAttachedUserPolicies": [user],
  "iam:ListEntitiesForPolicy": [({ PolicyArn }) => [PolicyArn]],
  "iam:AttachUserPolicy": [user, ({ PolicyArn }) => ({ "iam:PolicyARN": PolicyArn })],
  "iam:DetachUserPolicy": [user, ({ PolicyArn }) => ({ "iam:PolicyARN": PolicyArn })],
  "iam:SimulatePrincipalPolicy": [({ PolicySourceArn }) => [PolicySourceArn]],
  "iam:CreateVirtualMFADevice": [({ Path = "/", VirtualMFADeviceName }) => device(Path + VirtualMFADeviceName)],
  "iam:DeleteVirtualMFADevice": [({ SerialNumber }) => [SerialNumber]],
  "secretsmanager:ListSecrets": [anywhere],
  "secretsmanager:CreateSecret": [inSecret, tagged],
  "secretsmanager:TagResource": [inSecret, tagged],
  "secretsmanager:DescribeSecret": [inSecret],
  "secretsmanager:PutResourcePolicy": [
    inSecret,
    ({ BlockPublicPolicy }) => ({ "secretsmanager:BlockPublicPolicy": String(BlockPublicPolicy ?? false) }),
  ],
  "secretsmanager:PutSecretValue": [inSecret],
  "secretsmanager:UpdateSecretVersionStage": [inSecret, ({ VersionStage }) => ({ "secretsmanager:VersionStage": VersionStage })],
  "secretsmanager:RestoreSecret": [inSecret],
  "secretsmanager:DeleteSecret": [
    inSecret,
    ({ ForceDeleteWithoutRecovery }) => ({
      "secretsmanager:ForceDeleteWithoutRecovery": String(ForceDeleteWithoutRecovery ?? false),
    }),
  ],
  "sns:ListSubscriptionsByTopic": [({ TopicArn }) => [TopicArn]],
  "sns:GetSubscriptionAttributes": [({ SubscriptionArn }) => [SubscriptionArn.replace(/:[^:]+$/, "")]],
  "sns:Subscribe": [({ TopicArn }) => [TopicArn], ({ Protocol }) => ({ "sns:Protocol": Protocol })],
  "sns:ListTagsForResource": [({ ResourceArn }) => [ResourceArn]],
  "sns:TagResource": [({ ResourceArn }) => [ResourceArn], ({ TagKeys }) => ({ "aws:TagKeys": TagKeys })],
  "sns:Publish": [({ TopicArn }) => [TopicArn]],
};

/** The record has the keys of tags; the one value that IAM is asked about is the user's id. */
function tagged({ TagKeys = [] }) {
  const value = (key) => (key === "mfa-warden:user-id" ? "AIDAEXAMPLEALICE00001" : "x");
  return Object.fromEntries(TagKeys.map((key) => [`aws:RequestTag/${key}`, value(key)]));
}

/** The actions that IAM is asked about for one call: with tags, CreateSecret takes TagResource too. */
function asked(action, { TagKeys = [] }) {
  const tags = action === "secretsmanager:CreateSecret" && TagKeys.length > 0;
  return tags ? [action, "secretsmanager:TagResource"] : [action];
}

/** The calls as IAM in one account would see them, each once. */
function recorded() {
  const stack = render();
  const lines = readdirSync(folder).flatMap((file) => readFileSync(join(folder, file), "utf8").trim().split("\n"));
  const known = new Map();
  for (const line of lines) {
    const { action, parameters } = JSON.parse(
      line
        // Each test has an account of its own, and users that differ in a number only.
        .replace(/:\d{12}:/g, `:${ACCOUNT}:`)
        .replace(/user-\d+/g, "user-1")
        .replace(/\.[0-9a-f]{8}"/g, '.0a1b2c3d"')
        .replace(/AIDA[A-Z0-9]+/g, "AIDAEXAMPLEALICE00001")
        // Moto's unique ids do not begin as AWS's do.
        .replace(/mfa-warden\/[a-z0-9]{20}(?=["-])/g, "mfa-warden/AIDAEXAMPLEALICE00001")
        .replace(`arn:aws:sns:${REGION}:${ACCOUNT}:owners`, stack.environment.OWNER_TOPIC_ARN)
        .replace(`arn:aws:sns:${REGION}:${ACCOUNT}:ops`, stack.environment.OPS_TOPIC_ARN),
    );
    assert.ok(SEEN[action], `the function makes a call that this test does not know: ${action}`);
    const [resources, context = () => ({})] = SEEN[action];
    for (const resource of resources(parameters)) {
      for (const needed of asked(action, parameters)) {
        const question = { wanted: "Allowed", action: needed, resource, context: context(parameters) };
        known.set(JSON.stringify(question), question);
      }
    }
  }
  return [...known.values()];
}

test("every call that the tests recorded is allowed", { skip: !folder && "make test records them" }, async (t) => {
  assert.ok(existsSync(folder), `${folder} is missing: the tests recorded nothing`);
  const calls = recorded();
  const actions = new Set(calls.map(({ action }) => action));
  t.diagnostic(`${calls.length} calls of ${actions.size} actions`);
  // Access keys are read in one scope, and owners subscribed where so set.
  const stack = render({ MfaScope: "credentials", SubscribeOwners: "true" });
  const complete = (question) => ({
    principal: role(stack.arn("FunctionRole.Arn")),
    policies: [stack.role],
    // Each call as it is really made: from the function, on a secret that bears its tag.
    context: { ...circumstances(stack, question), ...question.context },
  });
  assert.deepEqual(await failures(calls, complete), []);
  assert.deepEqual([...actions].sort(), Object.keys(SEEN).sort(), "a call is never recorded: it is not tested");
});
