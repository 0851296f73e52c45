"""Shows mfa-warden at work in an emulated AWS account on this machine, from the first sweep to the last enrollment."""

import argparse
import contextlib
import datetime
import json
import os
import sys
import textwrap
import time

from botocore.exceptions import BotoCoreError, ClientError

import account
from emulator import Failure, MiniStack
from owner import CLEAR, WIDTH, Owner
from stack import Stack

COLORS = {"bold": "1", "dim": "2", "compliant": "32", "non_compliant": "33", "exempt": "36", "failed": "31"}


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


class Scene:
    """The account, the deployed function and the inboxes that are watched."""

    def __init__(self, ministack, stack, users):
        self.ministack, self.stack, self.users = ministack, stack, users
        self.iam = ministack.client("iam")
        self.anna, self.ben, self.frank = (self.user(name) for name in ("anna", "ben", "frank"))
        # Every owner has a subscription, because an owner who is not reached is not quarantined. Three inboxes are
        # watched.
        opened = {
            user.name: stack.open_inbox(user.name, stack.outputs["OwnerTopicArn"], user.recipient) for user in users
        }
        self.inboxes = {user.name: opened[user.name] for user in (self.anna, self.ben, self.frank)}
        self.inboxes["operations"] = stack.open_inbox("operations", stack.outputs["OpsTopicArn"])

    def user(self, name):
        return next(user for user in self.users if user.name.startswith(name))

    def sweep(self, text):
        """Invokes the function, and returns its answer and what arrived in each inbox."""
        with step(text):
            answer = self.stack.invoke({"action": "sweep"})
        return answer, {name: self.stack.read_inbox(queue) for name, queue in self.inboxes.items()}

    def policies(self, user):
        """The names of the policies that are attached to a user."""
        attached = self.iam.list_attached_user_policies(UserName=user.name)["AttachedPolicies"]
        return sorted(policy["PolicyName"] for policy in attached)

    def kept(self):
        """What the function keeps: the users its secrets are for, and its devices that nobody has enabled."""
        secrets = self.ministack.client("secretsmanager").list_secrets()["SecretList"]
        devices = self.iam.list_virtual_mfa_devices(AssignmentStatus="Unassigned")["VirtualMFADevices"]
        ours = [device for device in devices if ":mfa/mfa-warden/" in device["SerialNumber"]]
        return sorted(secret["Description"].rsplit(" ", 1)[-1] for secret in secrets), len(ours)


def show(ministack, stack, users):
    with step("Subscribing the inboxes of the owners and of operations"):
        scene = Scene(ministack, stack, users)
    invitation = show_first_sweep(scene)
    show_idle_sweep(scene, invitation)
    show_enrollment(scene, invitation)
    show_quarantine(scene)
    show_the_end(scene)


def show_first_sweep(scene):
    anna = scene.anna
    answer, messages = scene.sweep("Invoking the function: a sweep")

    heading("What it found and did")
    print_table(scene.users, answer)
    check_first_run(scene.users, answer, messages)

    heading(f"What {anna.name} received at {anna.recipient}")
    message = messages[anna.name][0]
    print_message(message, text_of(message))

    heading("What operations received")
    summary = messages["operations"][0]
    print_message(summary, abridged(summary["Message"]))
    print()
    note("Mailboxes get text. The inboxes here are queues, and queues get JSON: that for owners has the text in it.")
    return json.loads(message["Message"])


def show_idle_sweep(scene, invitation):
    heading("A second sweep")
    with Owner(scene.ministack, scene.anna.name) as owner:
        before = owner.read_secret(invitation["secret"])
        answer, messages = scene.sweep("Invoking the function a second time")
        after = owner.read_secret(invitation["secret"])
    check_second_run(answer, messages)
    if before != after:
        raise Failure("The second run changed the secret of an owner who was invited already")
    waiting = answer["users"]["non_compliant"]
    print(f"  {waiting} users are still without MFA. No device, secret or message was made twice.")


def show_enrollment(scene, invitation):
    anna = scene.anna
    heading(f"{anna.name} sets up MFA, with the one line of the message")
    with Owner(scene.ministack, anna.name) as owner:
        shown = owner.enroll(invitation)
    print_pasted(invitation["commands"]["enroll"])
    before, after = shown.split(CLEAR)
    print(textwrap.indent(before, "    "), end="")
    note("  (here the line clears the screen, and what was scrolled off it)")
    print(textwrap.indent(after, "    "))
    note("In AWS she does this in CloudShell, and the secret's policy lets nobody else read it. The emulator enforces")
    note("no policies. Her app, here pyotp, shows the second code half a minute after the first. The demo does not")
    note("wait for that: the emulator, unlike AWS, takes any two codes.")
    print()
    answer, messages = scene.sweep("Invoking the function")
    anna.mfa = True
    print_done(scene.users, answer)
    expect("closed", answer, {anna.name: ["close", "notify(enrolled)"]})
    print_message(messages[anna.name][0], text_of(messages[anna.name][0]), paragraphs=2)
    if scene.policies(anna) or anna.name in scene.kept()[0]:
        raise Failure(f"{anna.name} has MFA, but a part of the enrollment is left")
    print()
    print("  Her secret is gone, and so is the policy that let her enroll. Her phone holds the only copy of the seed.")


def show_quarantine(scene):
    ben = scene.ben
    heading("The others let the grace period pass")
    parameters = {"AfterGrace": "quarantine", "GracePeriod": "1s", "Settle": "1s", "Preflight": "false"}
    with step(f"Deploying again with {', '.join(f'{name}={value}' for name, value in parameters.items())}"):
        scene.stack.deploy("update", parameters)
    note("(instead of two weeks, and of five minutes for AWS's listings to settle. The emulator has no policy")
    note("simulator. With Preflight=true and no answer from the simulator, nobody would be quarantined)")
    overdue = [user.name for user in scene.users if user.verdict == "non_compliant" and not user.mfa]
    answer, messages = scene.sweep("Invoking the function")
    print_done(scene.users, answer)
    expect("quarantined", answer, {name: ["quarantine", "notify(quarantined)"] for name in overdue})
    print(f"  {ben.name} received at {ben.recipient}:")
    print_message(messages[ben.name][0], text_of(messages[ben.name][0]), paragraphs=1)
    print()
    print(f"  Now attached to {ben.name}: {', '.join(scene.policies(ben))}.")
    note("In AWS he can now enroll and do nothing else without MFA. His access key keeps working: MfaScope is console.")


def show_the_end(scene):
    ben, frank = scene.ben, scene.frank
    heading("One of them enrolls in the console after all, and one leaves")
    with (
        step(f"{ben.name} chooses Assign MFA device, which creates another device"),
        Owner(scene.ministack, ben.name) as owner,
    ):
        owner.assign_device_in_console("phone")
    with step(f"An administrator deletes {frank.name}, as the console does: password, policies, user"):
        account.delete(scene.iam, frank)
    answer, messages = scene.sweep("Invoking the function")
    ben.mfa, frank.password = True, False
    print_done(scene.users, answer)
    expect("closed", answer, {ben.name: ["close", "notify(enrolled)"], frank.name: ["close"]})
    if messages[frank.name] or scene.policies(ben):
        raise Failure(f"{frank.name} got a message, or {ben.name} is not free again")
    print(f"  {ben.name} was told and is free again. Nothing was sent to {frank.name}, who is gone.")
    waiting, devices = scene.kept()
    if len(waiting) != answer["users"]["non_compliant"] or len(waiting) != devices:
        raise Failure(f"There are secrets for {waiting} and {devices} devices")
    print(f"  What is left is one secret and one device each for {' and '.join(waiting)}, who are still without MFA.")
    print()


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


def expect(what, answer, actions):
    """Checks that these actions were done for these users, and no others."""
    done = {outcome["user"]: outcome["actions"] for outcome in answer["outcomes"] if outcome["actions"]}
    if done != actions or answer["failed"] or answer["deferred"]:
        results = {outcome["user"]: outcome["result"] for outcome in answer["outcomes"]}
        raise Failure(f"{sorted(actions)} should have been {what}, but it did {done}. The results are {results}")


def print_table(users, answer):
    outcomes = {outcome["user"]: outcome for outcome in answer["outcomes"]}
    rows = [("", ("USER", "HAS", "VERDICT", "DONE"), "")]
    for user in users:
        # The answer does not list users who are plainly compliant or out of scope. It counts them.
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


def print_done(users, answer):
    """Prints the rows of the users for whom something was done."""
    acted = {outcome["user"] for outcome in answer["outcomes"] if outcome["actions"]}
    print()
    print_table([user for user in users if user.name in acted], answer)
    print()


def line(cells, widths):
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths)).rstrip()


def abridged(message):
    """The JSON that operations get, laid out, with the first of its users."""
    data = json.loads(message)
    first, *others = data["outcomes"]
    data["outcomes"] = [first] + [f"... and {len(others)} more"] * bool(others)
    lines = [f'  "{name}": {json.dumps(value)}' for name, value in data.items()]
    return "{\n" + ",\n".join(lines) + "\n}"


def text_of(message):
    """What a mailbox gets of a message to an owner."""
    return json.loads(message["Message"])["text"]


def print_message(message, text, paragraphs=None):
    """Prints a message, or its first paragraphs after the greeting."""
    attributes = {name: attribute["Value"] for name, attribute in sorted(message["MessageAttributes"].items())}
    note(", ".join(f"{name}={value}" for name, value in attributes.items()))
    print("  " + paint("bold", message["Subject"]))
    print()
    if paragraphs:
        text = "\n\n".join(text.strip().split("\n\n")[1 : paragraphs + 1])
    for text_line in text.splitlines():
        print(f"  | {text_line}".rstrip())
    if paragraphs:
        note("| ...")


def print_pasted(line):
    """Prints a line after a prompt, broken as terminals break it: wherever they are full."""
    width = WIDTH - len("  $ ")
    for start in range(0, len(line), width):
        print(("    " if start else "  $ ") + line[start : start + width])


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
    """A line of the function's log without the fields that only machines need."""
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
    """Prints what is being done, and then how long it took."""
    print(f"  {text} ...", end="", flush=True)
    started = time.monotonic()
    try:
        yield
    except BaseException:
        print()
        raise
    print(f" {time.monotonic() - started:.1f} s", flush=True)


def paint(color, text):
    if color not in COLORS or not sys.stdout.isatty() or "NO_COLOR" in os.environ:
        return text
    return f"\x1b[{COLORS[color]}m{text}\x1b[0m"


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
    except Failure as failure:
        sys.exit(f"\n{paint('failed', 'The demo failed.')} {failure}")
