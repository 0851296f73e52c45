// Renders what is needed of template.yaml: CloudFormation's functions over given parameters, and nothing else. What it
// does not know it refuses, so that nothing is ever judged in another form than the one that is deployed.

import { readFileSync } from "node:fs";
import { isMap, isSeq, parseDocument } from "yaml";

export const ACCOUNT = "123456789012";
export const REGION = "us-east-1";

const PSEUDO = {
  "AWS::Partition": "aws",
  "AWS::Region": REGION,
  "AWS::AccountId": ACCOUNT,
  "AWS::URLSuffix": "amazonaws.com",
  "AWS::StackName": "mfa-warden",
};

// What AWS answers for a resource, by its type: `ref` for !Ref, `Arn` for !GetAtt.
const ARNS = {
  "AWS::Serverless::Function": (_, { FunctionName }) => ({
    ref: FunctionName,
    Arn: `arn:aws:lambda:${REGION}:${ACCOUNT}:function:${FunctionName}`,
  }),
  "AWS::SNS::Topic": (id) => ({ ref: `arn:aws:sns:${REGION}:${ACCOUNT}:${id}` }),
  "AWS::SQS::Queue": (id) => ({ Arn: `arn:aws:sqs:${REGION}:${ACCOUNT}:${id}`, QueueName: id }),
  "AWS::KMS::Key": (id) => ({ ref: id, Arn: `arn:aws:kms:${REGION}:${ACCOUNT}:key/${id}` }),
  "AWS::IAM::Role": (_, { RoleName, Path = "/" }) => ({ Arn: `arn:aws:iam::${ACCOUNT}:role${Path}${RoleName}` }),
  "AWS::IAM::ManagedPolicy": (_, { ManagedPolicyName }) => ({
    ref: `arn:aws:iam::${ACCOUNT}:policy/${ManagedPolicyName}`,
  }),
  "AWS::CloudWatch::Alarm": (id) => ({ Arn: `arn:aws:cloudwatch:${REGION}:${ACCOUNT}:alarm:${id}` }),
  "AWS::Logs::LogGroup": (_, { LogGroupName }) => ({
    ref: LogGroupName,
    Arn: `arn:aws:logs:${REGION}:${ACCOUNT}:log-group:${LogGroupName}:*`,
  }),
};

const NAMES = ["FunctionName", "RoleName", "Path", "ManagedPolicyName", "LogGroupName"];

const NO_VALUE = Symbol("AWS::NoValue");

/** A function of CloudFormation with its unresolved argument. */
class Call {
  constructor(name, argument) {
    this.name = name;
    this.argument = argument;
  }
}

const template = read(new URL("../../template.yaml", import.meta.url));

/** The template under these parameters; those not given have their defaults. */
export function render(parameters = {}) {
  const values = {};
  for (const [name, parameter] of Object.entries(template.Parameters)) {
    const value = String(parameters[name] ?? parameter.Default);
    if (!allows(parameter, value)) throw new Error(`${name} may not be ${value}`);
    values[name] = value;
  }
  for (const name of Object.keys(parameters)) {
    if (!(name in values)) throw new Error(`there is no parameter ${name}`);
  }

  const resource = (id) => {
    const { Type, Properties } = template.Resources[id] ?? {};
    if (!ARNS[Type]) throw new Error(`nothing is known of ${id}, a ${Type}`);
    return ARNS[Type](id, resolve(pick(Properties, NAMES)));
  };
  const ref = (name) => {
    if (name === "AWS::NoValue") return NO_VALUE;
    return values[name] ?? PSEUDO[name] ?? known(resource(name).ref, `!Ref ${name}`);
  };
  const getAtt = (name) => {
    const [id, attribute] = name.split(".");
    return known(resource(id)[attribute], `!GetAtt ${name}`);
  };
  const condition = (name) => resolve(known(template.Conditions[name], `the condition ${name}`));
  const functions = {
    Ref: ref,
    GetAtt: getAtt,
    Sub: (argument) => {
      const [text, variables] = Array.isArray(argument) ? [argument[0], resolve(argument[1])] : [argument, {}];
      return text.replace(/\$\{(!?)([^}]+)\}/g, (_, literal, name) => {
        if (literal) return `\${${name}}`;
        return variables[name] ?? (name.includes(".") ? getAtt(name) : ref(name));
      });
    },
    FindInMap: (path) => {
      const [map, first, second] = path.map(resolve);
      return known(template.Mappings[map]?.[first]?.[second], `!FindInMap ${map}.${first}.${second}`);
    },
    If: ([name, yes, no]) => resolve(condition(name) ? yes : no),
    Equals: (sides) => sides.map(resolve).map(String).reduce((a, b) => a === b),
    Not: ([side]) => !resolve(side),
    Select: ([at, list]) => known(resolve(list)[at], `entry ${at} of !Select`),
    Split: ([separator, text]) => resolve(text).split(separator),
    Or: (sides) => sides.map(resolve).some(Boolean),
    Condition: condition,
  };
  function resolve(value) {
    if (value instanceof Call) return known(functions[value.name], `!${value.name}`)(value.argument);
    if (Array.isArray(value)) return value.map(resolve).filter((entry) => entry !== NO_VALUE);
    if (value === null || typeof value !== "object") return value;
    const entries = Object.entries(value).map(([key, entry]) => [key, resolve(entry)]);
    return Object.fromEntries(entries.filter(([, entry]) => entry !== NO_VALUE));
  }

  const properties = (id) => template.Resources[id].Properties;
  const alarms = Object.entries(template.Resources)
    .filter(([, { Type, Condition }]) => Type === "AWS::CloudWatch::Alarm" && (!Condition || condition(Condition)))
    .map(([id, { Properties }]) => [id, resolve(Properties)]);
  return {
    mailer: resolve(properties("MailerRole").Policies[0].PolicyDocument),
    mailerTrust: resolve(properties("MailerRole").AssumeRolePolicyDocument),
    mailerCode: properties("Mailer").InlineCode,
    mailed: resolve(properties("Mailer").Events.OwnerMessages.Properties.FilterPolicy),
    role: resolve(properties("FunctionRole").Policies[0].PolicyDocument),
    trust: resolve(properties("FunctionRole").AssumeRolePolicyDocument),
    enrollment: resolve(properties("EnrollmentPolicy").PolicyDocument),
    quarantine: resolve(properties("QuarantinePolicy").PolicyDocument),
    topicKey: resolve(properties("TopicKey").KeyPolicy),
    opsTopicKey: resolve(properties("OpsTopicKey").KeyPolicy),
    ownerTopic: resolve(properties("OwnerTopicPolicy").PolicyDocument),
    opsTopic: resolve(properties("OpsTopicPolicy").PolicyDocument),
    keyOf: (topic) => resolve(properties(topic).KmsMasterKeyId),
    attached: ["EnrollmentPolicy", "QuarantinePolicy"].map((id) =>
      resolve(pick(properties(id), ["ManagedPolicyName", "Description"])),
    ),
    roles: Object.fromEntries(
      Object.entries(template.Resources)
        .filter(([, { Type }]) => Type === "AWS::IAM::Role")
        .map(([id, { Properties }]) => [id, resolve(pick(Properties, ["Path", "PermissionsBoundary"]))]),
    ),
    environment: resolve(properties("Function").Environment.Variables),
    alarms: Object.fromEntries(alarms),
    dashboard: JSON.parse(resolve(properties("UsersDashboard").DashboardBody)),
    parameters: template.Parameters,
    parameterGroups: template.Metadata["AWS::CloudFormation::Interface"].ParameterGroups,
    arn: (name) => (name.includes(".") ? getAtt(name) : ref(name)),
    brokenRules: Object.values(template.Rules)
      .filter(({ RuleCondition }) => resolve(RuleCondition))
      .flatMap(({ Assertions }) => Assertions)
      .filter(({ Assert }) => !resolve(Assert))
      .map(({ AssertDescription }) => AssertDescription),
  };
}

/** Whether CloudFormation takes this value for the parameter. */
function allows({ AllowedPattern, AllowedValues, MinValue = -Infinity, MaxValue = Infinity, Type }, value) {
  if (AllowedValues && !AllowedValues.map(String).includes(value)) return false;
  if (Type === "Number" && !(Number(value) >= MinValue && Number(value) <= MaxValue)) return false;
  return !AllowedPattern || new RegExp(`^(${AllowedPattern})$`).test(value);
}

/** Reads the YAML; a tag such as !Ref becomes a Call. */
function read(file) {
  const document = parseDocument(readFileSync(file, "utf8"), { logLevel: "silent" });
  if (document.errors.length) throw document.errors[0];
  const plain = (node) => {
    const value = isMap(node)
      ? Object.fromEntries(node.items.map(({ key, value }) => [key.value, plain(value)]))
      : isSeq(node)
        ? node.items.map(plain)
        : node.value;
    const own = node.tag?.startsWith("!") && !node.tag.startsWith("!!");
    return own ? new Call(node.tag.slice(1), value) : value;
  };
  return plain(document.contents);
}

function pick(object, keys) {
  return Object.fromEntries(keys.filter((key) => key in object).map((key) => [key, object[key]]));
}

function known(value, what) {
  if (value === undefined) throw new Error(`template.js does not know ${what}`);
  return value;
}
