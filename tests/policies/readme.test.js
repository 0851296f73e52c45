// What README.md and SECURITY.md say: tests that are named are there, the CloudTrail query finds each way to a seed, and
// nothing that others wrote is run on an operator's machine.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { role } from "./simulator.js";
import { ACCOUNT, REGION, render } from "./template.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const read = (file) => readFileSync(join(root, file), "utf8");
const README = read("README.md");
const SECURITY = read("SECURITY.md");

/** The blocks of code in a text. */
const blocks = (text) => text.split(/^```.*$/m).filter((_, at) => at % 2 === 1);

/** The rows of the table with these heads, cell by cell. */
function table(text, heads) {
  const [, rows] = text.split(`| ${heads.join(" | ")} |\n|${"---|".repeat(heads.length)}\n`);
  assert.ok(rows, `there is no table of ${heads}`);
  return rows.split("\n\n")[0].trim().split("\n").map((row) => row.split(" | ").map((cell) => cell.replace(/^\| | \|$/g, "")));
}

const quoted = (text) => [...text.matchAll(/`([^`]+)`/g)].map(([, words]) => words);

test("every test that SECURITY.md names is there", () => {
  const rows = [
    ...table(SECURITY, ["actor", "wants", "is stopped by", "proven in"]),
    ...table(SECURITY, ["#", "attack", "now", "why", "proven in"]),
    ...table(SECURITY, ["claim", "how", "where"]),
  ];
  let named = 0;
  for (const row of rows) {
    let file;
    for (const words of quoted(row.at(-1))) {
      if (/^(src|tests)\//.test(words)) {
        file = words;
        assert.ok(existsSync(join(root, file)), `${file} is not there`);
      } else {
        assert.ok(read(file).includes(file.endsWith(".rs") ? `fn ${words}(` : words), `${file} has no ${words}`);
      }
      named += 1;
    }
  }
  assert.ok(named > 60, `${named} names`);
});

test("every attack is there once, and is closed by a test or said to be open", () => {
  const rows = table(SECURITY, ["#", "attack", "now", "why", "proven in"]);
  assert.deepEqual(rows.map(([number]) => number), Array.from({ length: 19 }, (_, at) => `A${at + 1}`));
  for (const [number, , now, , proof] of rows) {
    assert.ok(quoted(proof).length > 0 || /\*\*(not closed|left)\*\*/.test(now), `${number}: ${now}`);
  }
});

// ---------------------------------------------------------------- the query

const query = blocks(README).find((block) => block.includes("eventSource"));

/** Logs Insights over one record, as far as the query goes. What it does not know is an error and not an answer. */
function finds(record, without) {
  const field = (path) => path.split(".").reduce((value, key) => value?.[key], record);
  const [fields, filter] = query.trim().split(/^\| /m);
  const [, coalesced] = fields.match(/coalesce\(([^)]*)\) as who/);
  const who = coalesced.split(", ").map((one) => (/^"/.test(one) ? JSON.parse(one) : field(one))).find(Boolean);
  const value = (name) => ({ "@message": JSON.stringify(record), who })[name] ?? field(name);
  const holds = (condition) => {
    const [, name, operator, wanted] = condition.match(/^(\S+) (not like|like|in|!=|=) (.+)$/) ?? [];
    const pattern = () => new RegExp(wanted.match(/^\/(.*)\/$/)[1]);
    // Of a field that is missing nothing is true.
    if (value(name) === undefined) return false;
    switch (operator) {
      case "like": return pattern().test(value(name));
      case "not like": return !pattern().test(value(name));
      case "in": return JSON.parse(wanted).includes(value(name));
      case "=": return JSON.parse(wanted) === value(name);
      case "!=": return JSON.parse(wanted) !== value(name);
      default: throw new Error(`not understood: ${condition}`);
    }
  };
  const lines = filter.trim().split("\n").slice(1);
  return lines.some((line, at) => {
    const [, conditions] = line.match(at === 0 ? /^\((.*)\)$/ : /^or \((.*)\)$/);
    return line !== without && conditions.split(" and ").every(holds);
  });
}

const ADMIN = { type: "IAMUser", arn: `arn:aws:iam::${ACCOUNT}:user/admin`, userName: "admin" };
const FUNCTION = { type: "AssumedRole", arn: role(render().arn("FunctionRole.Arn")).arn };
const LAMBDA = { type: "AWSService", invokedBy: "lambda.amazonaws.com" };
const SECRET = "mfa-warden/AIDAEXAMPLEALICE00001";
const ARN = `arn:aws:secretsmanager:${REGION}:${ACCOUNT}:secret:${SECRET}-Ab1Cd2`;
const ROLE = `arn:aws:iam::${ACCOUNT}:role/mfa-warden`;

const event = (service, eventName, requestParameters, userIdentity = ADMIN) => ({
  ...{ eventSource: `${service}.amazonaws.com`, eventName, userIdentity, requestParameters },
});

// Names and parameters as CloudTrail records them: Lambda adds the version of its API to the names.
const SIGHTINGS = [
  ...["CreateAccessKey", "UpdateAccessKey", "CreateLoginProfile", "UpdateLoginProfile", "DeactivateMFADevice"].map((name) =>
    event("iam", name, { userName: "alice" }),
  ),
  ...["UpdateAssumeRolePolicy", "PutRolePolicy", "DeleteRolePolicy", "AttachRolePolicy", "CreateRole"].map((name) =>
    event("iam", name, { roleName: "mfa-warden" }),
  ),
  event("sts", "AssumeRole", { roleArn: ROLE, roleSessionName: "mfa-warden" }),
  event("lambda", "UpdateFunctionCode20150331v2", { functionName: "mfa-warden" }),
  event("lambda", "UpdateFunctionCode20150331v2", { functionName: `arn:aws:lambda:${REGION}:${ACCOUNT}:function:mfa-warden` }),
  event("lambda", "UpdateFunctionConfiguration20150331v2", { functionName: "mfa-warden", environment: {} }),
  event("lambda", "UpdateFunctionConfiguration20150331v2", { functionName: "other", role: ROLE }),
  event("lambda", "CreateFunction20150331", { functionName: "other", role: ROLE }),
  event("secretsmanager", "CreateSecret", { name: SECRET }),
  ...["PutSecretValue", "DeleteSecret", "PutResourcePolicy", "GetSecretValue", "TagResource"].flatMap((name) => [
    event("secretsmanager", name, { secretId: SECRET }),
    event("secretsmanager", name, { secretId: ARN }),
  ]),
  // What was denied has no parameters, and an error that names the secret.
  { ...event("secretsmanager", "PutResourcePolicy", null), errorMessage: `not authorized to perform this on ${ARN}` },
  event("iam", "CreateVirtualMFADevice", { path: "/mfa-warden/", virtualMFADeviceName: "alice.0a1b2c3d" }),
  event("iam", "DeleteVirtualMFADevice", { serialNumber: `arn:aws:iam::${ACCOUNT}:mfa/mfa-warden/alice.0a1b2c3d` }),
  ...["StopLogging", "DeleteTrail", "UpdateTrail", "PutEventSelectors"].map((name) => event("cloudtrail", name, { name: "trail" })),
];

const NOTHING_TO_SEE = [
  // What the function does, and Lambda for it.
  event("sts", "AssumeRole", { roleArn: ROLE, roleSessionName: "mfa-warden" }, LAMBDA),
  event("secretsmanager", "CreateSecret", { name: SECRET }, FUNCTION),
  ...["PutSecretValue", "DeleteSecret", "PutResourcePolicy", "TagResource"].map((name) =>
    event("secretsmanager", name, { secretId: ARN }, FUNCTION),
  ),
  event("iam", "CreateVirtualMFADevice", { path: "/mfa-warden/", virtualMFADeviceName: "alice.0a1b2c3d" }, FUNCTION),
  event("iam", "DeleteVirtualMFADevice", { serialNumber: `arn:aws:iam::${ACCOUNT}:mfa/mfa-warden/alice.0a1b2c3d` }, FUNCTION),
  event("iam", "AttachUserPolicy", { userName: "alice" }, FUNCTION),
  // What others do elsewhere, and what tells nobody a seed.
  event("secretsmanager", "GetSecretValue", { secretId: "production/db" }),
  event("secretsmanager", "DescribeSecret", { secretId: SECRET }),
  event("secretsmanager", "ListSecrets", { filters: [{ key: "name", values: ["mfa-warden/"] }] }),
  event("iam", "CreateVirtualMFADevice", { path: "/", virtualMFADeviceName: "alice" }),
  event("iam", "EnableMFADevice", { userName: "alice" }),
  event("iam", "PutRolePolicy", { roleName: "x-mfa-warden" }),
  event("sts", "AssumeRole", { roleArn: `arn:aws:iam::${ACCOUNT}:role/x-mfa-warden` }),
  event("lambda", "UpdateFunctionCode20150331v2", { functionName: "other" }),
];

test("the query finds each way to a seed that SECURITY.md names", () => {
  const named = table(SECURITY, ["way", "takes", "why it is left", "in CloudTrail"]).flatMap((row) => quoted(row.at(-1)));
  const seen = SIGHTINGS.map(({ eventName }) => eventName.replace(/\d{8}(v\d)?$/, ""));
  for (const name of named) assert.ok(seen.includes(name), `there is no record of ${name} here`);
  assert.equal(named.length, new Set(named).size);
  assert.deepEqual(SIGHTINGS.filter((record) => !finds(record)), []);
});

test("the query does not find what the function does itself, or what others do elsewhere", () => {
  assert.deepEqual(NOTHING_TO_SEE.filter((record) => finds(record)), []);
});

test("no line of the query is superfluous", () => {
  const lines = query.split("\n").filter((line) => /^(or )?\(/.test(line));
  assert.equal(lines.length, 7);
  for (const line of lines) assert.ok(SIGHTINGS.some((record) => !finds(record, line)), line);
});

// ---------------------------------------------------------------- the operator's machine

test("nothing in the README evaluates what it reads", () => {
  for (const block of blocks(README)) {
    assert.doesNotMatch(block, /\beval\b|\bsource\b|\| *(ba|z|da)?sh\b|\bsh -c\b/);
  }
});

test("no value of the function's settings is run on the operator's machine", () => {
  const block = blocks(README).find((block) => block.includes("get-function-configuration"));
  const folder = mkdtempSync(join(tmpdir(), "readme-"));
  try {
    const trap = join(folder, "ran");
    const hostile = [`$(touch ${trap})`, `\`touch ${trap}\``, `'; touch ${trap}; '`, `"; touch ${trap}; "`, `x\ntouch ${trap}`];
    const settings = {
      ...{ MFA_SCOPE: hostile[0], OWNER_TAG: hostile[1], PILOT: hostile[2], GRACE_PERIOD: hostile[3], SETTLE: hostile[4] },
      ...{ PATH: "/nowhere", LD_PRELOAD: "/nowhere.so", BASH_ENV: trap, AFTER_GRACE: "notify" },
      [`X=$(touch ${trap})`]: "x",
    };
    const stub = (name, text) => {
      writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`);
      chmodSync(join(folder, name), 0o755);
    };
    writeFileSync(join(folder, "settings.json"), JSON.stringify(settings));
    stub("aws", `cat ${join(folder, "settings.json")}`);
    stub("warden", `env -0; printf 'END\\0'`);
    const PATH = [folder, process.env.PATH].join(delimiter);
    for (const shell of ["sh", "bash"]) {
      // With a socket for standard input bash would read the start-up files of the person who tests.
      const done = spawnSync(shell, ["-c", block], { env: { PATH }, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
      assert.equal(done.status, 0, done.stderr);
      assert.ok(!existsSync(trap), `${shell} ran a value`);
      const [plan, quarantine] = done.stdout.split("END\0").map((run) => run.split("\0"));
      for (const name of ["MFA_SCOPE", "OWNER_TAG", "PILOT", "GRACE_PERIOD", "SETTLE"]) {
        assert.ok(plan.includes(`${name}=${settings[name]}`), `${shell}: ${name}`);
      }
      const names = plan.map((line) => line.split("=")[0]);
      assert.deepEqual(names.filter((name) => ["LD_PRELOAD", "BASH_ENV"].includes(name)), []);
      assert.ok(plan.includes(`PATH=${PATH}`) && plan.includes("AFTER_GRACE=notify"), plan.join(" "));
      assert.ok(quarantine.includes("AFTER_GRACE=quarantine"));
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("the names that are taken over are settings of the function that warden knows", () => {
  const block = blocks(README).find((block) => block.includes("get-function-configuration"));
  const [, names] = block.match(/for name in ([^;]+);/);
  const taken = names.replaceAll("\\\n", " ").trim().split(/\s+/);
  const { environment } = render();
  assert.deepEqual(taken.filter((name) => !(name in environment)), []);
  const known = SETTINGS.filter(({ option }) => option).map(({ variable }) => variable);
  assert.deepEqual(taken.toSorted(), known.toSorted());
});

/** The rows of the table from which the function's parser and warden's options are made. */
const SETTINGS = [...read("src/model/settings.rs").matchAll(/^ {4}Setting \{\n([\s\S]*?)^ {4}\},/gm)].map(([, row]) => {
  const field = (name) => row.match(new RegExp(`^ {8}${name}: (?:Some\\()?"([^"]*)"`, "m"))?.[1];
  return { variable: field("variable"), default: field("default"), option: field("option") };
});

test("the template sets every setting that there is, to the default that the function has", () => {
  const { environment } = render();
  const names = SETTINGS.map(({ variable }) => variable);
  assert.equal(names.length, 27);
  assert.deepEqual(names.toSorted(), Object.keys(environment).filter((name) => name !== "RUST_BACKTRACE").toSorted());
  // What the stack makes or knows itself, and the simulator, which the stack's role may ask.
  const own = ["OWNER_TOPIC_ARN", "OPS_TOPIC_ARN", "ENROLLMENT_POLICY_ARN", "QUARANTINE_POLICY_ARN", "FUNCTION_ROLE_ARN", "PREFLIGHT"];
  for (const { variable, default: value } of SETTINGS.filter(({ variable }) => !own.includes(variable))) {
    assert.equal(environment[variable], value, variable);
  }
});

test("every setting stands in the README's table with its default", () => {
  const rows = table(README, ["variable", "default", "effect"]);
  const named = rows.flatMap(([names]) => quoted(names));
  const { environment } = render();
  const unnamed = Object.keys(environment).filter((name) => !named.includes(name));
  assert.deepEqual(unnamed.sort(), ["OPS_TOPIC_ARN", "OWNER_TOPIC_ARN"]);
  for (const [names, value] of rows) {
    const [name] = quoted(names);
    const [first] = quoted(value);
    if (first) assert.equal(environment[name], first, name);
    else if (/^empty/.test(value)) assert.equal(environment[name], "", name);
  }
});

test("the files that the README leads to are there", () => {
  const links = [README, SECURITY].flatMap((text) => [...text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map(([, file]) => file));
  assert.deepEqual(links.filter((file) => !existsSync(join(root, file))), []);
  const anchors = (text) => [...text.matchAll(/^#+ (.+)$/gm)].map(([, title]) => title.toLowerCase().replace(/[^\w -]/g, "").replaceAll(" ", "-"));
  for (const [text, own] of [[README, "README.md"], [SECURITY, "SECURITY.md"]]) {
    for (const [, file, anchor] of text.matchAll(/\]\(([^)#:]*)#([^)]+)\)/g)) {
      assert.ok(anchors(read(file || own)).includes(anchor), `${own} leads to ${file}#${anchor}`);
    }
  }
});
