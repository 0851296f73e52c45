"""Shows mfa-warden at work in an emulated AWS account on this machine: deployed by its own template, run twice."""

import argparse
import contextlib
import datetime
import json
import os
import sys
import time

from botocore.exceptions import BotoCoreError, ClientError

import account
from emulator import Failure, MiniStack
from stack import Stack

COLOURS = {"bold": "1", "dim": "2", "compliant": "32", "non_compliant": "33", "exempt": "36", "failed": "31"}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bootstrap", required=True, help="the function's binary")
    arguments = parser.parse_args()
    users = account.users(datetime.date.today())
    print(paint("bold", "mfa-warden, in an emulated AWS account on this machine"))
    print()
    with contextlib.ExitStack() as cleanup:
        with step("Starting MiniStack, the emulator"):
            ministack = cleanup.enter_context(MiniStack())
        with step("Deploying template.yaml"):
            stack = Stack(ministack, arguments.bootstrap)
        with step(f"Creating {len(users)} IAM users"):
            account.create(ministack.client("iam"), users)
        with explained_by_log(stack):
            show(ministack, stack, users)
        with step("Cleaning up"):
            cleanup.close()


def show(ministack, stack, users):
    anna, ben = (next(user for user in users if user.name.startswith(name)) for name in ("anna", "ben"))
    with step("Subscribing two owners' inboxes and that of operations"):
        inboxes = {
            user.name: stack.open_inbox(user.name, stack.outputs["OwnerTopicArn"], user.recipient)
            for user in (anna, ben)
        }
        inboxes["operations"] = stack.open_inbox("operations", stack.outputs["OpsTopicArn"])
    with step("Invoking the function: a sweep"):
        first = stack.invoke({"action": "sweep"})
    messages = {name: stack.read_inbox(queue) for name, queue in inboxes.items()}

    heading("What it found and did")
    print_table(users, first)
    check_first_run(users, first, messages)

    heading(f"What {anna.name} received at {anna.recipient}")
    print_message(messages[anna.name][0])

    heading("What operations received")
    print_message(messages["operations"][0])

    heading(f"What {anna.name} sees in the terminal, to scan with an authenticator app")
    secret = read_own_secret(ministack, anna)
    print(secret["qr_text"])
    print()
    note(
        "Read with Anna's own access key; in AWS she uses CloudShell, and the secret's policy lets nobody else read it."
    )
    note("The emulator enforces no policies.")

    heading("And again")
    with step("Invoking the function a second time"):
        second = stack.invoke({"action": "sweep"})
    more = {name: stack.read_inbox(queue) for name, queue in inboxes.items()}
    check_second_run(second, more)
    if read_own_secret(ministack, anna) != secret:
        raise Failure("The second run changed the secret of an owner who had been invited")
    waiting = second["users"]["non_compliant"]
    print(f"  {waiting} users are still without MFA. No device, secret or message was made twice.")
    print()


def read_own_secret(ministack, user):
    """As the owner would, with credentials of the owner's own."""
    iam = ministack.client("iam")
    user_id = iam.get_user(UserName=user.name)["User"]["UserId"]
    key = iam.create_access_key(UserName=user.name)["AccessKey"]
    try:
        secrets = ministack.client("secretsmanager", key["AccessKeyId"], key["SecretAccessKey"])
        return json.loads(secrets.get_secret_value(SecretId=f"mfa-warden/{user_id}")["SecretString"])
    finally:
        iam.delete_access_key(UserName=user.name, AccessKeyId=key["AccessKeyId"])


def check_first_run(users, answer, messages):
    expected = {"total": len(users), "unknown": 0}
    for verdict in ("compliant", "non_compliant", "exempt", "not_applicable"):
        expected[verdict] = sum(user.verdict == verdict for user in users)
    if answer["users"] != expected:
        raise Failure(f"The verdicts should be {expected} but are {answer['users']}")
    invited = {outcome["user"] for outcome in answer["outcomes"] if outcome["actions"]}
    should = {user.name for user in users if user.verdict == "non_compliant"}
    if invited != should or answer["failed"] or answer["deferred"]:
        results = {outcome["user"]: outcome["result"] for outcome in answer["outcomes"]}
        raise Failure(f"{sorted(should)} should have been invited. The results are {results}")
    for name, received in messages.items():
        if len(received) != 1:
            raise Failure(f"{name} should have received one message, not {len(received)}")


def check_second_run(answer, messages):
    if any(answer["actions"].values()):
        raise Failure(f"The second run should have done nothing but did {answer['actions']}")
    for name, received in messages.items():
        if received:
            raise Failure(f"The second run sent {name} another message: {received[0]['Subject']}")


def print_table(users, answer):
    outcomes = {outcome["user"]: outcome for outcome in answer["outcomes"]}
    rows = [("", ("USER", "HAS", "VERDICT", "DONE"), "")]
    for user in users:
        # The answer leaves out those who are plainly compliant or out of scope, and counts them.
        outcome = outcomes.get(user.name, {"verdict": user.verdict, "reason": "", "actions": [], "result": "none"})
        failed = outcome["result"].startswith("failed")
        done = "failed" if failed else ", ".join(outcome["actions"])
        cells = (user.name, user.credentials, outcome["verdict"].replace("_", "-"), done)
        why = f"{outcome['reason']}; {outcome['result']}" if failed else outcome["reason"]
        rows.append((outcome["verdict"], cells, why))
    widths = [max(len(cells[i]) for _, cells, _ in rows) for i in range(4)]
    for verdict, cells, why in rows:
        print("  " + paint(verdict or "bold", line(cells, widths)))
        if why:
            note(f"    {why}")


def line(cells, widths):
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths)).rstrip()


def print_message(message):
    attributes = {name: attribute["Value"] for name, attribute in message["MessageAttributes"].items()}
    note(", ".join(f"{name}={value}" for name, value in attributes.items()))
    print("  " + paint("bold", message["Subject"]))
    print()
    for text in message["Message"].splitlines():
        print(f"  | {text}".rstrip())


@contextlib.contextmanager
def explained_by_log(stack):
    """When something goes wrong, adds what the function logged last."""
    try:
        yield
    except (Failure, BotoCoreError, ClientError) as error:
        lines = [text for text in stack.logs() if not text.startswith(("START ", "END ", "REPORT "))]
        log = ["The end of the function's log:", *map(readable, lines[-10:])] if lines else []
        raise Failure("\n".join([str(error), *log])) from error


def readable(text):
    """A line of the function's log without what only machines want."""
    try:
        entry = json.loads(text)
        return " ".join([entry["level"], entry["message"], entry.get("cause", "")]).rstrip()
    except (ValueError, TypeError, KeyError):
        return text


def heading(text):
    print()
    print(paint("bold", f"== {text}"))
    print()


def note(text):
    print("  " + paint("dim", text))


@contextlib.contextmanager
def step(text):
    """A line that says what is being done, and then how long it took."""
    print(f"  {text} ...", end="", flush=True)
    started = time.monotonic()
    try:
        yield
    except BaseException:
        print()
        raise
    print(f" {time.monotonic() - started:.1f} s", flush=True)


def paint(colour, text):
    if colour not in COLOURS or not sys.stdout.isatty() or "NO_COLOR" in os.environ:
        return text
    return f"\x1b[{COLOURS[colour]}m{text}\x1b[0m"


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
    except Failure as failure:
        sys.exit(f"\n{paint('failed', 'The demo failed.')} {failure}")
