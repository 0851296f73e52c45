// The two policies that are attached to users: the enrollment policy is enough to enroll and for nothing else, and the
// quarantine policy leaves no more than that to a user without MFA, an administrator included.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ADMINISTRATOR, failures, ownerPolicy, policy, secret, unnoticed, user } from "./simulator.js";
import { ACCOUNT, REGION, render } from "./template.js";

// One without a path, one with, one with every character that a name can have.
const USERS = [user("bob"), user("alice", "/engineering/"), user("o+c=a,l@e.x-a_m", "/a/b/")];
// Some whose names or paths come close to those above.
const OTHERS = [user("carol"), user("bobby"), user("bo"), user("mallory", "/bob/"), user("malice", "/engineering/")];

// How a user comes: the key is absent from requests that an access key signs.
const CONSOLE = { "aws:MultiFactorAuthPresent": "false" };
const CONSOLE_WITH_MFA = { "aws:MultiFactorAuthPresent": "true" };
const ACCESS_KEY = {};

const OWN_KEY = `arn:aws:kms:${REGION}:${ACCOUNT}:key/own`;
const AWS_KEY = `arn:aws:kms:${REGION}:${ACCOUNT}:key/aws-secretsmanager`;
// What AWS's own key for Secrets Manager lets everyone in the account do, through Secrets Manager only.
const AWS_KEY_POLICY = policy({
  Effect: "Allow",
  Principal: { AWS: "*" },
  Action: ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:CreateGrant", "kms:DescribeKey"],
  Resource: "*",
  Condition: {
    StringEquals: { "kms:CallerAccount": ACCOUNT, "kms:ViaService": `secretsmanager.${REGION}.amazonaws.com` },
  },
});
const ELSEWHERE = "eu-west-1";

// Where AWS's sign-in gives out credentials: to the console, and to the command line of this or another machine.
const CONSOLE_SIGN_IN = "arn:aws:signin:::console/home";
const CLIENTS = `arn:aws:signin:${REGION}:${ACCOUNT}:oauth2/public-client`;
const CLI_SIGN_IN = [`${CLIENTS}/localhost`, `${CLIENTS}/remote`];
const SIGNING_IN = ["signin:AuthorizeOAuth2Access", "signin:CreateOAuth2Token"];

const mfa = (name) => `arn:aws:iam::${ACCOUNT}:mfa/${name}`;

function decrypting(key, secretArn, through = "secretsmanager") {
  return [
    "kms:Decrypt",
    key,
    {
      "kms:CallerAccount": ACCOUNT,
      ...(through && { "kms:ViaService": `${through}.${REGION}.amazonaws.com` }),
      ...(secretArn && { "kms:EncryptionContext:SecretARN": secretArn }),
    },
  ];
}

/** The calls of CloudShell in one region. */
function cloudShell(region) {
  const environment = `arn:aws:cloudshell:${region}:${ACCOUNT}:environment/0a1b2c3d`;
  const there = { "aws:RequestedRegion": region };
  return [
    ["cloudshell:CreateEnvironment", "*", there],
    ["cloudshell:DescribeEnvironments", "*", there],
    ["cloudshell:CreateSession", environment, there],
    ["cloudshell:GetEnvironmentStatus", environment, there],
    ["cloudshell:PutCredentials", environment, there],
    ["cloudshell:StartEnvironment", environment, there],
  ];
}

/** All that it takes to enroll, in the console's own way and with the prepared device. */
function enrolling(me, { environment, opensCloudShell }) {
  return [
    ["secretsmanager:GetSecretValue", me.secret, {}, { resourcePolicy: ownerPolicy(me) }],
    ["secretsmanager:DescribeSecret", me.secret, {}, { resourcePolicy: ownerPolicy(me) }],
    environment.SECRET_KMS_KEY_ID
      ? decrypting(OWN_KEY, me.secret)
      : [...decrypting(AWS_KEY, me.secret), { resourcePolicy: AWS_KEY_POLICY }],
    ...["EnableMFADevice", "ResyncMFADevice", "ListMFADevices", "GetMFADevice", "GetUser"].map((name) => [
      `iam:${name}`,
      me.arn,
    ]),
    ...[me.name, "phone", `${me.name}-phone`].map((name) => ["iam:CreateVirtualMFADevice", mfa(name)]),
    ["iam:DeleteVirtualMFADevice", mfa(me.name)],
    // The prepared device from one's own machine, by `aws login`.
    ...CLI_SIGN_IN.flatMap((client) => SIGNING_IN.map((action) => [action, client])),
    ...(opensCloudShell ? cloudShell(REGION) : []),
  ];
}

/** What the quarantine leaves besides, to those whom another policy allows it. */
function signingIn(me) {
  return [
    ["iam:ChangePassword", me.arn],
    ["iam:GetAccountPasswordPolicy"],
    ["signin:Authenticate", CONSOLE_SIGN_IN],
    // The console asks for these after the password: without them nobody reaches the page where MFA is set up.
    ...SIGNING_IN.map((action) => [action, CONSOLE_SIGN_IN]),
    ["iam:ListVirtualMFADevices"],
    ...cloudShell(REGION),
    ...cloudShell(ELSEWHERE),
    ["sts:GetSessionToken"],
  ];
}

/** What enrolling does not take: for everybody else's things, and for one's own. */
function beyond(me) {
  const prepared = [`mfa-warden/${me.name}.0a1b2c3d`, "mfa-warden/carol.0a1b2c3d"];
  return [
    ...OTHERS.flatMap(({ arn }) =>
      ["EnableMFADevice", "ResyncMFADevice", "ListMFADevices", "GetMFADevice", "GetUser", "ChangePassword"].map(
        (name) => [`iam:${name}`, arn],
      ),
    ),
    ...OTHERS.map(({ name }) => ["iam:DeleteVirtualMFADevice", mfa(name)]),
    ...[`x/${me.name}`, `${me.name}-phone`, ...prepared].map((name) => ["iam:DeleteVirtualMFADevice", mfa(name)]),
    ...prepared.map((name) => ["iam:CreateVirtualMFADevice", mfa(name)]),
    ["iam:DeactivateMFADevice", me.arn],
    ...[secret("production/db"), OTHERS[0].secret, secret(`mfa-warden/${me.id}2`), secret(`x/mfa-warden/${me.id}`)].flatMap(
      (other) => [
        ["secretsmanager:GetSecretValue", other],
        ["secretsmanager:DescribeSecret", other],
        decrypting(OWN_KEY, other),
      ],
    ),
    decrypting(OWN_KEY),
    decrypting(OWN_KEY, null, "s3"),
    decrypting(OWN_KEY, null, null),
    ["secretsmanager:BatchGetSecretValue"],
    ...["PutSecretValue", "PutResourcePolicy", "DeleteResourcePolicy", "DeleteSecret"].map((name) => [
      `secretsmanager:${name}`,
      me.secret,
    ]),
    ...["CreateAccessKey", "UpdateLoginProfile", "PutUserPolicy", "TagUser", "DetachUserPolicy", "AttachUserPolicy"].map(
      (name) => [`iam:${name}`, me.arn],
    ),
    ["iam:CreatePolicyVersion", `arn:aws:iam::${ACCOUNT}:policy/mfa-warden-quarantine`],
    ["iam:ListUsers"],
    ...["GetFileDownloadUrls", "GetFileUploadUrls"].map((name) => [
      `cloudshell:${name}`,
      `arn:aws:cloudshell:${REGION}:${ACCOUNT}:environment/0a1b2c3d`,
      { "aws:RequestedRegion": REGION },
    ]),
    ["signin:RevokeOAuth2Token", CLI_SIGN_IN[0]],
    ["signin:PutConsoleAuthorizationConfiguration"],
    ["sts:AssumeRole", `arn:aws:iam::${ACCOUNT}:role/Admin`],
    ["sts:GetFederationToken", `arn:aws:sts::${ACCOUNT}:federated-user/x`],
    ["s3:ListAllMyBuckets"],
    ["lambda:UpdateFunctionConfiguration", `arn:aws:lambda:${REGION}:${ACCOUNT}:function:mfa-warden`],
  ];
}

/** Only the enrollment policy withholds these: the quarantine has denied what CloudShell would need in the network. */
function beyondEnrolling(me, { opensCloudShell }) {
  return [
    ...beyond(me),
    // Who else has no MFA: the names of the prepared devices say it.
    ["iam:ListVirtualMFADevices"],
    // Signing in to anything but the command line.
    ...[CONSOLE_SIGN_IN, `arn:aws:signin:${REGION}:${ACCOUNT}:service-principal/x.amazonaws.com`].flatMap((other) =>
      SIGNING_IN.map((action) => [action, other]),
    ),
    ["cloudshell:CreateEnvironment", "*", { "aws:RequestedRegion": REGION, "cloudshell:VpcIds": "vpc-0a1b2c3d" }],
    ...cloudShell(ELSEWHERE),
    ...(opensCloudShell ? [] : cloudShell(REGION)),
    decrypting(OWN_KEY, me.secret, "s3"),
    decrypting(OWN_KEY, me.secret, null),
    decrypting(`${OWN_KEY}-other`, me.secret),
  ];
}

const PARAMETERS = {
  "scope console": { MfaScope: "console" },
  "scope console with a key of one's own": { MfaScope: "console", SecretKmsKeyId: OWN_KEY },
  "scope credentials": { MfaScope: "credentials" },
  "scope all with a key of one's own": { MfaScope: "all", SecretKmsKeyId: OWN_KEY },
  "scope console without CloudShell": { MfaScope: "console", AllowCloudShell: "false" },
};

for (const [name, parameters] of Object.entries(PARAMETERS)) {
  const stack = { ...render(parameters), opensCloudShell: parameters.AllowCloudShell !== "false" };
  const documents = { enrollment: stack.enrollment, quarantine: stack.quarantine, administrator: ADMINISTRATOR };
  // `holds` names a user's policies; a changed one takes the place of one of them. Every key's own policy leaves its
  // use to IAM, as AWS's default does.
  const complete = ({ principal, context, session, holds, action, resourcePolicy }, changed = {}) => ({
    context: { ...session, ...context },
    policies: holds.map((held) => changed[held] ?? documents[held]),
    resourcePolicy: resourcePolicy ?? (action.startsWith("kms:") ? stack.topicKey : undefined),
    principal,
  });
  const ask = (wanted, things, sessions, holds) =>
    USERS.flatMap((me) =>
      sessions.flatMap((session) =>
        things(me, stack).map(([action, resource, context, more]) => ({
          who: `${me.name} holding ${holds}`,
          ...{ wanted, principal: me, action, resource, context, session, holds },
          ...more,
        })),
      ),
    );
  const anySession = [CONSOLE, CONSOLE_WITH_MFA, ACCESS_KEY];
  // Access keys are caught where they are in the scope.
  const caught = parameters.MfaScope === "console" ? [CONSOLE] : [CONSOLE, ACCESS_KEY];
  const free = anySession.filter((session) => !caught.includes(session));

  const enrollment = [
    ...ask("Allowed", enrolling, anySession, ["enrollment"]),
    ...ask("Denied", beyondEnrolling, anySession, ["enrollment"]),
    // Users who may do more, among them those who have AWS's own example of a policy to manage one's MFA device.
    ...ask("Allowed", enrolling, anySession, ["enrollment", "administrator"]),
    ...ask(
      "ExplicitlyDenied",
      () => ["Create", "Delete"].map((verb) => [`iam:${verb}VirtualMFADevice`, mfa("mfa-warden/carol.0a1b2c3d")]),
      anySession,
      ["enrollment", "administrator"],
    ),
  ];
  const quarantine = [
    ...ask("Allowed", enrolling, anySession, ["enrollment", "quarantine"]),
    ...ask("Denied", beyondEnrolling, anySession, ["enrollment", "quarantine"]),
    ...ask("Allowed", enrolling, anySession, ["enrollment", "quarantine", "administrator"]),
    ...ask("Allowed", enrolling, anySession, ["quarantine", "administrator"]),
    ...ask("Allowed", signingIn, anySession, ["quarantine", "administrator"]),
    ...ask("ExplicitlyDenied", beyond, caught, ["quarantine", "administrator"]),
    ...ask("Allowed", beyond, free, ["quarantine", "administrator"]),
  ];

  test(`${name}: the enrollment policy lets its user enroll and do nothing else`, async (t) => {
    t.diagnostic(`${enrollment.length} questions`);
    assert.deepEqual(await failures(enrollment, complete), []);
  });

  test(`${name}: nothing in the enrollment policy is superfluous, nothing too wide`, async (t) => {
    const { missed, changes } = await unnoticed(stack.enrollment, enrollment, (question, enrollment) =>
      complete(question, { enrollment }),
    );
    t.diagnostic(`${changes} changes, each noticed`);
    assert.deepEqual(missed, []);
  });

  test(`${name}: the quarantine leaves nothing but enrolling to a user without MFA`, async (t) => {
    t.diagnostic(`${quarantine.length} questions`);
    assert.deepEqual(await failures(quarantine, complete), []);
  });

  test(`${name}: nothing in the quarantine policy is superfluous, nothing too wide`, async (t) => {
    const { missed, changes } = await unnoticed(stack.quarantine, quarantine, (question, quarantine) =>
      complete(question, { quarantine }),
    );
    t.diagnostic(`${changes} changes, each noticed`);
    assert.deepEqual(missed, []);
  });

  test(`${name}: the quarantine allows nothing by itself`, async () => {
    const reading = (me) => enrolling(me, stack).slice(0, 2);
    const rest = (me) => enrolling(me, stack).slice(3);
    const questions = [
      ...ask("Allowed", reading, anySession, ["quarantine"]),
      ...ask("Denied", rest, anySession, ["quarantine"]),
    ];
    assert.deepEqual(await failures(questions, complete), []);
  });

  test(`${name}: the policies are short enough for IAM`, () => {
    for (const document of [stack.enrollment, stack.quarantine]) {
      assert.ok(JSON.stringify(document).length < 6144);
    }
  });
}

test("the policies keep the names and descriptions that they were first deployed with", () => {
  // CloudFormation replaces a managed policy whose description changes, and cannot replace one that has a name: every
  // stack that is deployed already would fail to update. So these stay as they are, spelling included.
  assert.deepEqual(render().attached, [
    {
      ManagedPolicyName: "mfa-warden-enrollment",
      Description: "Lets a user enrol an MFA device of its own. mfa-warden attaches it while an enrolment is open.",
    },
    {
      ManagedPolicyName: "mfa-warden-quarantine",
      Description: "Denies a user without MFA everything but enrolling. mfa-warden attaches it until the user has MFA.",
    },
  ]);
});
