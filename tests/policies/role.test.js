// The role of the function: it may do what the function does, and not one thing more.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import {
  ADMINISTRATOR,
  circumstances,
  failures,
  ownerPolicy,
  policy,
  role,
  secret,
  service,
  unnoticed,
  user,
} from "./simulator.js";
import { ACCOUNT, REGION, render } from "./template.js";

const KEY = `arn:aws:kms:${REGION}:${ACCOUNT}:key/own`;
const OTHER_KEY = `arn:aws:kms:${REGION}:${ACCOUNT}:key/other`;
const OWN_ENROLLMENT = `arn:aws:iam::${ACCOUNT}:policy/team/let-them-enroll`;
const OWN_QUARANTINE = `arn:aws:iam::${ACCOUNT}:policy/team/lock-them-up`;
const ADMINISTRATOR_ACCESS = "arn:aws:iam::aws:policy/AdministratorAccess";

const ALICE = user("alice", "/engineering/");
const USERS = [user("bob"), ALICE, user("o+c=a,l@e.x-a_m", "/a/b/")];
const SECRET = ALICE.secret;
const DEVICES = USERS.map(({ name }) => `arn:aws:iam::${ACCOUNT}:mfa/mfa-warden/${name}.0a1b2c3d`);
const NOT_OURS = secret("mfa-warden/smtp-relay");
const TAGGED = (id) => ({ "aws:RequestTag/mfa-warden:user-id": id });
const BEARING = (id) => ({ "aws:ResourceTag/mfa-warden:user-id": id });
const BLOCKED = { "secretsmanager:BlockPublicPolicy": "true" };
const OTHER_FUNCTION = `arn:aws:lambda:${REGION}:${ACCOUNT}:function:other`;
const VIA_SECRETS_MANAGER = { "kms:ViaService": `secretsmanager.${REGION}.amazonaws.com` };
const VIA_SNS = { "kms:ViaService": `sns.${REGION}.amazonaws.com` };

/** Every call that the function makes or has made for it, under these parameters. */
function calls({ environment, arn }) {
  const attachable = [environment.ENROLLMENT_POLICY_ARN, environment.QUARANTINE_POLICY_ARN].filter(Boolean);
  const onUsers = [
    "iam:GetUser",
    "iam:GetLoginProfile",
    "iam:ListMFADevices",
    "iam:ListAttachedUserPolicies",
    ...(environment.MFA_SCOPE === "credentials" ? ["iam:ListAccessKeys"] : []),
    ...(environment.PREFLIGHT === "true" ? ["iam:SimulatePrincipalPolicy"] : []),
  ];
  return [
    ["iam:ListUsers"],
    ["iam:ListVirtualMFADevices"],
    ["iam:GenerateCredentialReport"],
    ["iam:GetCredentialReport"],
    ["iam:GetAccountSummary"],
    ...USERS.flatMap(({ arn }) => onUsers.map((action) => [action, arn])),
    ...attachable.map((policy) => ["iam:ListEntitiesForPolicy", policy]),
    ...attachable.flatMap((policy) =>
      USERS.flatMap(({ arn }) => [
        ["iam:AttachUserPolicy", arn, { "iam:PolicyARN": policy }],
        ["iam:DetachUserPolicy", arn, { "iam:PolicyARN": policy }],
      ]),
    ),
    ...DEVICES.flatMap((device) => [
      ["iam:CreateVirtualMFADevice", device],
      ["iam:DeleteVirtualMFADevice", device],
    ]),
    ["secretsmanager:ListSecrets"],
    // With tags, CreateSecret asks for TagResource too.
    ["secretsmanager:CreateSecret", SECRET, TAGGED(ALICE.id)],
    ["secretsmanager:TagResource", SECRET, TAGGED(ALICE.id)],
    ["secretsmanager:TagResource", SECRET, { "aws:RequestTag/mfa-warden:notices": "1" }],
    ["secretsmanager:DescribeSecret", SECRET],
    // What is not its own it must see, to leave it alone.
    ["secretsmanager:DescribeSecret", SECRET, BEARING(undefined)],
    ["secretsmanager:DescribeSecret", NOT_OURS, BEARING(undefined)],
    ["secretsmanager:PutResourcePolicy", SECRET, BLOCKED],
    ["secretsmanager:PutSecretValue", SECRET],
    ["secretsmanager:UpdateSecretVersionStage", SECRET, { "secretsmanager:VersionStage": "AWSCURRENT" }],
    ["secretsmanager:RestoreSecret", SECRET],
    ["secretsmanager:DeleteSecret", SECRET, { "secretsmanager:ForceDeleteWithoutRecovery": "true" }],
    ["cloudtrail:DescribeTrails", "*"],
    ["cloudtrail:GetTrailStatus", "arn:aws:cloudtrail:eu-west-1:999999999999:trail/organization"],
    ["sns:Publish", environment.OWNER_TOPIC_ARN],
    ["sns:Publish", environment.OPS_TOPIC_ARN],
    ["sns:ListSubscriptionsByTopic", environment.OWNER_TOPIC_ARN],
    ["sns:ListSubscriptionsByTopic", environment.OPS_TOPIC_ARN],
    ["sns:GetSubscriptionAttributes", environment.OWNER_TOPIC_ARN],
    ["sns:ListTagsForResource", environment.OPS_TOPIC_ARN],
    ["sns:TagResource", environment.OPS_TOPIC_ARN, { "aws:TagKeys": ["mfa-warden:told", "mfa-warden:closed-7", "mfa-warden:asked-3", "mfa-warden:iam-events"] }],
    ...(environment.SUBSCRIBE_OWNERS === "true"
      ? [["sns:Subscribe", environment.OWNER_TOPIC_ARN, { "sns:Protocol": "email" }]]
      : []),
    // What AWS does under the function's role. PutSecretValue asks for a data key and proves it; so does Publish.
    ...(environment.SECRET_KMS_KEY_ID ? dataKey(environment.SECRET_KMS_KEY_ID, VIA_SECRETS_MANAGER) : []),
    // Partitions have names of their own for their services.
    ...(environment.SECRET_KMS_KEY_ID
      ? dataKey(environment.SECRET_KMS_KEY_ID, { "kms:ViaService": `secretsmanager.${REGION}.amazonaws.com.cn` })
      : []),
    ...dataKey(arn("TopicKey.Arn"), VIA_SNS),
    ...dataKey(arn("OpsTopicKey.Arn"), VIA_SNS),
    ["sqs:SendMessage", arn("DeadLetterQueue.Arn")],
    ["logs:CreateLogStream", arn("FunctionLogs.Arn").replace(/\*$/, "log-stream:2026/06/15/[$LATEST]0a1b")],
    ["logs:PutLogEvents", arn("FunctionLogs.Arn").replace(/\*$/, "log-stream:2026/06/15/[$LATEST]0a1b")],
  ].map((call) => question("Allowed", call));
}

function dataKey(key, via) {
  return [
    ["kms:GenerateDataKey", key, via],
    ["kms:Decrypt", key, via],
  ];
}

/** Each write on a secret, but for the making of it. */
function writes(secret, context) {
  return [
    ["secretsmanager:TagResource", secret, context],
    ["secretsmanager:PutSecretValue", secret, context],
    ["secretsmanager:UpdateSecretVersionStage", secret, context],
    ["secretsmanager:PutResourcePolicy", secret, { ...BLOCKED, ...context }],
    ["secretsmanager:RestoreSecret", secret, context],
    ["secretsmanager:DeleteSecret", secret, context],
  ];
}

/** Each call that hurts, and that nothing but the function may make under its role. */
function hurting({ environment, arn }) {
  return [
    ["iam:AttachUserPolicy", ALICE.arn, { "iam:PolicyARN": arn("EnrollmentPolicy") }],
    ["iam:DetachUserPolicy", ALICE.arn, { "iam:PolicyARN": arn("QuarantinePolicy") }],
    ["iam:CreateVirtualMFADevice", DEVICES[0]],
    ["iam:DeleteVirtualMFADevice", DEVICES[0]],
    ["secretsmanager:CreateSecret", SECRET, TAGGED(ALICE.id)],
    ...writes(SECRET),
    ["sns:Publish", environment.OWNER_TOPIC_ARN],
    ["sns:Publish", environment.OPS_TOPIC_ARN],
    ["sns:Subscribe", environment.OWNER_TOPIC_ARN, { "sns:Protocol": "email" }],
    ["sns:TagResource", environment.OPS_TOPIC_ARN, { "aws:TagKeys": ["mfa-warden:told"] }],
  ];
}

function question(wanted, [action, resource, context, more]) {
  return { wanted, action, resource, context, ...more };
}

/** What the function must never be able to do, under these parameters. */
function forbidden({ environment, arn }) {
  const attachable = [environment.ENROLLMENT_POLICY_ARN, environment.QUARANTINE_POLICY_ARN];
  const foreign = [
    ADMINISTRATOR_ACCESS,
    `arn:aws:iam::${ACCOUNT}:policy/mfa-warden`,
    // The stack's own policies, where others or none are set instead of them.
    ...["EnrollmentPolicy", "QuarantinePolicy"].map(arn).filter((policy) => !attachable.includes(policy)),
  ];
  const mfa = (name) => `arn:aws:iam::${ACCOUNT}:mfa/${name}`;
  const ours = `mfa-warden/${ALICE.id}`;
  const otherSecrets = [secret("production/db"), secret("mfa-wardens"), secret(`x/${ours}`), secret(ours, "eu-west-1")];
  const denied = [
    // Become the second factor, or take it away.
    ...["EnableMFADevice", "ResyncMFADevice", "DeactivateMFADevice"].map((name) => [`iam:${name}`, ALICE.arn]),
    // Touch a device that is not its own.
    ...["alice", "other/alice.0a1b2c3d", "mfa-wardens/alice.0a1b2c3d", "root-account-mfa-device"].flatMap((name) => [
      ["iam:CreateVirtualMFADevice", mfa(name)],
      ["iam:DeleteVirtualMFADevice", mfa(name)],
    ]),
    // Attach or detach any other policy, or change what its own two say.
    ...foreign.flatMap((policy) => [
      ["iam:AttachUserPolicy", ALICE.arn, { "iam:PolicyARN": policy }],
      ["iam:DetachUserPolicy", ALICE.arn, { "iam:PolicyARN": policy }],
      ["iam:ListEntitiesForPolicy", policy],
    ]),
    ["iam:AttachRolePolicy", arn("FunctionRole.Arn"), { "iam:PolicyARN": ADMINISTRATOR_ACCESS }],
    ["iam:AttachGroupPolicy", `arn:aws:iam::${ACCOUNT}:group/all`, { "iam:PolicyARN": arn("EnrollmentPolicy") }],
    ["iam:PutUserPolicy", ALICE.arn],
    ["iam:PutRolePolicy", arn("FunctionRole.Arn")],
    ["iam:CreatePolicyVersion", arn("EnrollmentPolicy")],
    ["iam:SetDefaultPolicyVersion", arn("QuarantinePolicy")],
    ["iam:DeletePolicy", arn("QuarantinePolicy")],
    // Make, change or use anyone's identity.
    ...["CreateUser", "DeleteUser", "UpdateUser", "TagUser", "UntagUser"].map((name) => [`iam:${name}`, ALICE.arn]),
    ...["CreateAccessKey", "UpdateAccessKey", "DeleteAccessKey"].map((name) => [`iam:${name}`, ALICE.arn]),
    ...["CreateLoginProfile", "UpdateLoginProfile", "DeleteLoginProfile"].map((name) => [`iam:${name}`, ALICE.arn]),
    ["iam:PassRole", arn("FunctionRole.Arn")],
    ["iam:UpdateAssumeRolePolicy", arn("FunctionRole.Arn")],
    ["sts:AssumeRole", `arn:aws:iam::${ACCOUNT}:role/Admin`],
    // Reach another secret, whatever its tags, or let others into its own.
    ...[...otherSecrets, NOT_OURS].flatMap((other) => [
      ["secretsmanager:CreateSecret", other, TAGGED(ALICE.id)],
      ...writes(other),
    ]),
    ...otherSecrets.map((other) => ["secretsmanager:DescribeSecret", other]),
    // Take a secret of its name for its own: it bears no tag, or one that is no user's id.
    ...[undefined, "", "mallory"].flatMap((id) => [
      ["secretsmanager:CreateSecret", SECRET, TAGGED(id)],
      ...writes(SECRET, BEARING(id)),
      ["secretsmanager:TagResource", SECRET, { ...BEARING(id), ...TAGGED(ALICE.id) }],
    ]),
    ["secretsmanager:PutResourcePolicy", SECRET],
    ["secretsmanager:PutResourcePolicy", SECRET, { "secretsmanager:BlockPublicPolicy": "false" }],
    ["secretsmanager:DeleteResourcePolicy", SECRET],
    ["secretsmanager:ReplicateSecretToRegions", SECRET],
    ["secretsmanager:RotateSecret", SECRET],
    ["secretsmanager:UpdateSecret", SECRET],
    ["secretsmanager:UntagResource", SECRET],
    // Use a key for anything but its secrets and messages.
    ...dataKey(KEY),
    ...dataKey(KEY, VIA_SNS),
    ...dataKey(KEY, { "kms:ViaService": "secretsmanager.eu-west-1.amazonaws.com" }),
    ...dataKey(OTHER_KEY, VIA_SECRETS_MANAGER),
    ...dataKey(OTHER_KEY, VIA_SNS),
    ...["TopicKey.Arn", "OpsTopicKey.Arn"].map(arn).flatMap((key) => [
      ...dataKey(key),
      ...dataKey(key, VIA_SECRETS_MANAGER),
    ]),
    ["kms:CreateGrant", KEY],
    ["kms:PutKeyPolicy", KEY],
    // Speak elsewhere, listen, or change what it is.
    ["sns:Publish", `arn:aws:sns:${REGION}:${ACCOUNT}:other`],
    ["sns:ListSubscriptionsByTopic", `arn:aws:sns:${REGION}:${ACCOUNT}:other`],
    ["sns:Subscribe", environment.OWNER_TOPIC_ARN],
    ["sns:Subscribe", environment.OWNER_TOPIC_ARN, { "sns:Protocol": "sqs" }],
    ["sns:Subscribe", environment.OPS_TOPIC_ARN, { "sns:Protocol": "email" }],
    ["sns:GetSubscriptionAttributes", environment.OPS_TOPIC_ARN],
    ["sns:Unsubscribe", environment.OWNER_TOPIC_ARN],
    ["sns:ListTagsForResource", environment.OWNER_TOPIC_ARN],
    ["sns:TagResource", environment.OPS_TOPIC_ARN, { "aws:TagKeys": ["mfa-warden:told", "owner"] }],
    ["sns:TagResource", environment.OPS_TOPIC_ARN, { "aws:TagKeys": ["mfa-warden:closed-7", "owner"] }],
    ["sns:TagResource", environment.OWNER_TOPIC_ARN, { "aws:TagKeys": ["mfa-warden:told"] }],
    ["sns:UntagResource", environment.OPS_TOPIC_ARN],
    ["sns:SetTopicAttributes", environment.OWNER_TOPIC_ARN],
    ["sqs:SendMessage", `arn:aws:sqs:${REGION}:${ACCOUNT}:other`],
    ["sqs:ReceiveMessage", arn("DeadLetterQueue.Arn")],
    ["logs:CreateLogStream", `arn:aws:logs:${REGION}:${ACCOUNT}:log-group:other:log-stream:x`],
    ["logs:PutLogEvents", `arn:aws:logs:${REGION}:${ACCOUNT}:log-group:other:log-stream:x`],
    ["logs:DeleteLogGroup", arn("FunctionLogs.Arn").replace(/:\*$/, "")],
    ["lambda:UpdateFunctionCode", arn("Function.Arn")],
    ["lambda:UpdateFunctionConfiguration", arn("Function.Arn")],
  ];
  if (environment.PREFLIGHT !== "true") denied.push(["iam:SimulatePrincipalPolicy", ALICE.arn]);
  denied.push(["iam:SimulatePrincipalPolicy", arn("FunctionRole.Arn")], ["iam:SimulateCustomPolicy"]);
  if (environment.MFA_SCOPE !== "credentials") denied.push(["iam:ListAccessKeys", ALICE.arn]);

  // Reading a seed is denied for good: not even a policy that the function may write, or one that an administrator
  // gives to its role, opens a secret.
  const open = policy({ Effect: "Allow", Principal: "*", Action: "secretsmanager:*", Resource: "*" });
  const opened = [
    ["secretsmanager:GetSecretValue", SECRET, {}, { resourcePolicy: ownerPolicy(ALICE) }],
    ["secretsmanager:GetSecretValue", SECRET, {}, { resourcePolicy: open }],
    ["secretsmanager:GetSecretValue", secret("production/db"), {}, { resourcePolicy: open }],
    ["secretsmanager:GetSecretValue", SECRET, {}, { besides: [ADMINISTRATOR] }],
    ["secretsmanager:BatchGetSecretValue", "*", {}, { besides: [ADMINISTRATOR] }],
  ];
  // Under the role, another function or a session of no function can do none of what hurts, even if another policy of
  // the role allows it.
  const elsewhere = [OTHER_FUNCTION, `${arn("Function.Arn")}-2`, undefined].flatMap((source) =>
    hurting({ environment, arn }).map(([action, resource, context]) => {
      const from = { ...context, "lambda:SourceFunctionArn": source };
      return [action, resource, from, { besides: [ADMINISTRATOR] }];
    }),
  );
  return [
    ...denied.map((call) => question("Denied", call)),
    ...[...opened, ...elsewhere].map((call) => question("ExplicitlyDenied", call)),
  ];
}

const PARAMETERS = {
  "the defaults": {},
  "scope credentials, a key and policies of one's own": {
    MfaScope: "credentials",
    SecretKmsKeyId: KEY,
    EnrollmentPolicyArn: OWN_ENROLLMENT,
    QuarantinePolicyArn: OWN_QUARANTINE,
    SubscribeOwners: "true",
  },
  "scope all and no policies": { MfaScope: "all", Preflight: "false", EnrollmentPolicyArn: "", QuarantinePolicyArn: "" },
  "the stack's quarantine alone": { EnrollmentPolicyArn: "", AfterGrace: "quarantine" },
  "an enrollment policy of one's own alone": { EnrollmentPolicyArn: OWN_ENROLLMENT, QuarantinePolicyArn: "" },
};

for (const [name, parameters] of Object.entries(PARAMETERS)) {
  const stack = render(parameters);
  const allowed = calls(stack);
  const denied = forbidden(stack);
  const complete = (question, document = stack.role) => ({
    principal: role(stack.arn("FunctionRole.Arn")),
    policies: [document, ...(question.besides ?? [])],
    context: { ...circumstances(stack, question), ...question.context },
    // Every key's own policy here leaves its use to IAM, as those of the topics' keys and AWS's default do.
    resourcePolicy: question.action.startsWith("kms:") ? stack.topicKey : question.resourcePolicy,
  });

  test(`${name}: the function can make each of its ${allowed.length} calls`, async () => {
    assert.deepEqual(await failures(allowed, complete), []);
  });

  test(`${name}: it can do nothing of ${denied.length} other things`, async () => {
    assert.deepEqual(await failures(denied, complete), []);
  });

  test(`${name}: nothing in its policy is superfluous, nothing too wide`, async (t) => {
    const { missed, changes } = await unnoticed(stack.role, [...allowed, ...denied], complete);
    t.diagnostic(`${changes} changes, each noticed`);
    assert.deepEqual(missed, []);
  });
}

test("the calls are those of the source", () => {
  const source = new URL("../../src/aws/", import.meta.url);
  const made = new Set();
  for (const file of readdirSync(source)) {
    const service = { "cloudtrail.rs": "cloudtrail", "secrets.rs": "secretsmanager", "sns.rs": "sns" }[file] ?? "iam";
    for (const [, name] of readFileSync(new URL(file, source), "utf8").matchAll(/self\s*\.0\s*\.(\w+)\(/g)) {
      // The client's own settings are no call.
      if (name !== "config") made.add(`${service}:${name.replaceAll("_", "")}`);
    }
  }
  const listed = calls(render(PARAMETERS["scope credentials, a key and policies of one's own"]))
    .map(({ action }) => action.toLowerCase())
    .filter((action) => /^(cloudtrail|iam|secretsmanager|sns):/.test(action));
  assert.deepEqual([...new Set(listed)].sort(), [...made].sort());
});

test("the roles' conditions name the functions by the ARNs that they have", () => {
  const stack = render();
  const named = (...documents) => [...new Set(JSON.stringify(documents).match(/arn:aws:lambda:[^"]+/g))];
  assert.deepEqual(named(stack.role, stack.trust), [stack.arn("Function.Arn")]);
  assert.deepEqual(named(stack.mailerTrust), [stack.arn("Mailer.Arn")]);
  assert.equal(stack.environment.FUNCTION_ROLE_ARN, stack.arn("FunctionRole.Arn"));
});

/** Who may come to the role that is for this function. */
function comers(roleArn, functionArn) {
  const comes = (wanted, principal, policies = []) => {
    return { who: principal.arn, wanted, principal, policies, action: "sts:AssumeRole", resource: roleArn };
  };
  return [
    comes("Allowed", service("lambda.amazonaws.com", functionArn)),
    // AWS says nowhere that Lambda names the function here. Where it does not, the role's own policy still asks which
    // function makes a call.
    comes("Allowed", service("lambda.amazonaws.com")),
    comes("Denied", service("lambda.amazonaws.com", OTHER_FUNCTION)),
    comes("Denied", service("lambda.amazonaws.com", `${functionArn}-2`)),
    comes("Denied", service("lambda.amazonaws.com", functionArn.replace(ACCOUNT, "210987654321"))),
    comes("Denied", service("ec2.amazonaws.com")),
    comes("Denied", service("ec2.amazonaws.com", functionArn)),
    comes("Denied", user("admin"), [ADMINISTRATOR]),
    comes("Denied", role(`arn:aws:iam::${ACCOUNT}:role/Admin`), [ADMINISTRATOR]),
  ];
}

for (const [id, its, trust] of [
  ["FunctionRole", "Function", "trust"],
  ["MailerRole", "Mailer", "mailerTrust"],
]) {
  test(`${id} is for Lambda, and for no function but ${its}`, async () => {
    const stack = render();
    const questions = comers(stack.arn(`${id}.Arn`), stack.arn(`${its}.Arn`));
    const complete = (_, document = stack[trust]) => ({ resourcePolicy: document });
    assert.deepEqual(await failures(questions, complete), []);
    const { missed, changes } = await unnoticed(stack[trust], questions, complete);
    assert.deepEqual(missed, []);
    assert.equal(changes, 3);
  });
}

test("the role's policy is short enough for IAM", () => {
  for (const parameters of Object.values(PARAMETERS)) {
    assert.ok(JSON.stringify(render(parameters).role).length < 10240);
  }
});
