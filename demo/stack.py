"""Deploys template.yaml with a ready binary of the function to MiniStack.

As a program, for tests: starts MiniStack, deploys, prints one line of JSON that says where everything is, and waits
until its standard input closes. Then it takes everything down.
"""

import argparse
import io
import json
import sys
import zipfile
from pathlib import Path

from botocore.exceptions import ClientError, WaiterError

from emulator import ACCOUNT, REGION, Failure, MiniStack

TEMPLATE = Path(__file__).resolve().parent.parent / "template.yaml"
NAME = "mfa-warden"
BUCKET = "packages"


class Stack:
    """The deployed template."""

    def __init__(self, ministack, bootstrap, parameters=None):
        self.ministack = ministack
        self.template = upload(ministack, "template.yaml", adapted(TEMPLATE.read_text(), package(ministack, bootstrap)))
        self.deploy("create", parameters or {})
        cloudformation = ministack.client("cloudformation")
        described = cloudformation.describe_stacks(StackName=NAME)["Stacks"][0]
        self.outputs = {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}
        self.function = self.outputs["FunctionName"]
        self.inboxes = {}

    def deploy(self, verb, parameters):
        """Creates the stack, or updates it (`verb`); parameters that are not given get their defaults."""
        cloudformation = self.ministack.client("cloudformation")
        try:
            getattr(cloudformation, f"{verb}_stack")(
                StackName=NAME,
                # As `sam deploy` does: a template of more than 51,200 bytes must come from S3.
                TemplateURL=self.template,
                Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
                Capabilities=["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
            )
            cloudformation.get_waiter(f"stack_{verb}_complete").wait(
                StackName=NAME, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
            )
        except (ClientError, WaiterError) as error:
            raise Failure(f"The stack did not deploy: {reason(cloudformation) or error}") from error

    def open_inbox(self, name, topic, recipient=None):
        """Opens a queue that receives what the topic sends to a recipient, or everything: a stand-in for an inbox."""
        sqs, sns = self.ministack.client("sqs"), self.ministack.client("sns")
        queue = sqs.create_queue(QueueName=f"inbox-{len(self.inboxes)}")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        attributes = {"FilterPolicy": json.dumps({"recipient": [recipient]})} if recipient else {}
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=attributes)
        self.inboxes[name] = queue
        return queue

    def read_inbox(self, queue):
        """Takes all messages out of an inbox, in the order in which they arrived."""
        sqs = self.ministack.client("sqs")
        messages = []
        while batch := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
            for message in batch:
                messages.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return messages

    def invoke(self, event):
        """Invokes the function, waits, and returns its answer."""
        answer = self.ministack.client("lambda").invoke(FunctionName=self.function, Payload=json.dumps(event))
        payload = json.load(answer["Payload"])
        if "FunctionError" in answer:
            raise Failure(f"The function failed: {json.dumps(payload)}")
        return payload

    def logs(self):
        """All lines that the function has logged, Lambda's own (START, END, REPORT) included."""
        logs = self.ministack.client("logs")
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=self.outputs["LogGroupName"])
        return [event["message"] for page in pages for event in page["events"]]


def package(ministack, bootstrap):
    """Packs the binary in Lambda's format and uploads it, as fast as possible and not as small as possible."""
    path = Path(bootstrap)
    if not path.is_file():
        raise Failure(f"There is no binary at {path}")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o755 << 16
        entry.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(entry, path.read_bytes())
    upload(ministack, "bootstrap.zip", packed.getvalue())
    return f"s3://{BUCKET}/bootstrap.zip"


def upload(ministack, name, content):
    """Puts an object into a bucket, and returns where CloudFormation finds it."""
    s3 = ministack.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key=name, Body=content)
    return f"https://s3.amazonaws.com/{BUCKET}/{name}"


def adapted(template, code):
    """The template with the changes that it needs here. Each change must find its place."""
    for old, new in (
        # As `sam package` does: where the built code is, instead of its source.
        ("CodeUri: .\n", f"CodeUri: {code}\n"),
        # MiniStack knows these two, but not in conditions.
        ("!Equals [!Ref AWS::Region, ", f"!Equals [{REGION}, "),
        ("!Equals [!Ref AWS::Partition, ", "!Equals [aws, "),
    ):
        if old not in template:
            raise Failure(f"template.yaml no longer says {old.strip()!r}")
        template = template.replace(old, new)
    return template


def reason(cloudformation):
    """Why the deployment failed, in CloudFormation's words."""
    try:
        events = cloudformation.describe_stack_events(StackName=NAME)["StackEvents"]
    except ClientError:
        return ""
    return "; ".join(
        f"{event['LogicalResourceId']}: {event['ResourceStatusReason']}"
        for event in reversed(events)
        if event["ResourceStatus"].endswith("FAILED") and event.get("ResourceStatusReason")
    )


def key_value(text):
    key, separator, value = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError(f"{text!r} should be Key=Value")
    return key, value


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bootstrap", required=True, help="the function's binary")
    parser.add_argument("--parameter", action="append", default=[], type=key_value, help="Key=Value of the template")
    parser.add_argument("--recipient", action="append", default=[], help="open an inbox for this recipient only")
    arguments = parser.parse_args()
    with MiniStack() as ministack:
        stack = Stack(ministack, arguments.bootstrap, dict(arguments.parameter))
        stack.open_inbox("owners", stack.outputs["OwnerTopicArn"])
        stack.open_inbox("ops", stack.outputs["OpsTopicArn"])
        for recipient in arguments.recipient:
            stack.open_inbox(recipient, stack.outputs["OwnerTopicArn"], recipient)
        print(
            json.dumps(
                {
                    "endpoint": ministack.endpoint,
                    "region": REGION,
                    "account": ACCOUNT,
                    "function": stack.function,
                    "outputs": stack.outputs,
                    "inboxes": stack.inboxes,
                }
            ),
            flush=True,
        )
        sys.stdin.buffer.read()


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(str(failure))
    except KeyboardInterrupt:
        sys.exit(130)
