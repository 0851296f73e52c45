"""The template and the function as deployed: MiniStack creates every resource and runs the binary.

Needs the binary's path in MFA_WARDEN_BOOTSTRAP.
"""

import json
import os
import subprocess
import sys
import time
import unittest
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "demo"))

from notice import valid

from emulator import ACCOUNT, MiniStack
from stack import Stack

ROOT = Path(__file__).resolve().parents[2]
EVENTS, README = ROOT / "events", ROOT / "README.md"
SCHEDULE_SECONDS = 150


def until(condition, seconds):
    """What the condition returns as soon as that is true; fails the test when it never is."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.5)
    raise AssertionError(f"still not true after {seconds} s")


def add_user(iam, name, address=None):
    """A user with a console password, and the owner tag where there is an address; returns the unique id."""
    tags = [{"Key": "email", "Value": address}] if address else []
    user = iam.create_user(UserName=name, Tags=tags)
    iam.create_login_profile(UserName=name, Password="correct-horse-battery-1A")
    return user["User"]["UserId"]


def whole(metrics):
    """The metrics of a widget, without their options, and with "." for "as in the metric before" resolved."""
    before = []
    for metric in metrics:
        if parts := [part for part in metric if isinstance(part, str)]:
            before = [before[index] if part == "." else part for index, part in enumerate(parts)]
            yield before


class DeployedStack(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.ministack = cls.enterClassContext(MiniStack())
        cls.stack = Stack(cls.ministack, os.environ["MFA_WARDEN_BOOTSTRAP"], {"ScheduleExpression": "rate(1 minute)"})
        cls.iam = cls.ministack.client("iam")
        cls.secrets = cls.ministack.client("secretsmanager")

    def secret_of(self, user_id):
        names = {secret["Name"] for secret in self.secrets.list_secrets()["SecretList"]}
        return f"mfa-warden/{user_id}" if f"mfa-warden/{user_id}" in names else None

    def kinds(self, inbox):
        messages = self.stack.read_inbox(inbox)
        for message in messages:
            if "recipient" in message["MessageAttributes"]:
                valid(message["Message"])
        return [message["MessageAttributes"]["kind"]["Value"] for message in messages]

    def test_the_schedule_sweeps_and_the_invitation_reaches_its_owner_alone(self):
        owner_topic = self.stack.outputs["OwnerTopicArn"]
        inbox = self.stack.open_inbox("erin", owner_topic, "erin@example.com")
        others = self.stack.open_inbox("mallory", owner_topic, "mallory@example.com")
        ops = self.stack.open_inbox("ops", self.stack.outputs["OpsTopicArn"])
        erin = add_user(self.iam, "erin", "erin@example.com")
        # Nobody invokes the function here: only EventBridge Scheduler can have.
        until(lambda: self.secret_of(erin), SCHEDULE_SECONDS)
        self.assertEqual(until(lambda: self.kinds(inbox), 30), ["invitation"])
        self.assertIn("summary", until(lambda: self.kinds(ops), 30))
        self.assertEqual(self.kinds(others), [])

    def test_a_cloudtrail_event_provisions_once_and_its_duplicate_nothing(self):
        self.stack.open_inbox("alice", self.stack.outputs["OwnerTopicArn"], "alice@example.com")
        alice = add_user(self.iam, "alice", "alice@example.com")
        event = json.loads((EVENTS / "cloudtrail-create-login-profile.json").read_text())
        self.assertEqual(event["account"], ACCOUNT)
        first, second = self.stack.invoke(event), self.stack.invoke(event)
        self.assertEqual(first["account"], ACCOUNT)
        self.assertLessEqual(first["actions"]["provision"], 1, "the schedule may have been faster")
        self.assertEqual((second["actions"]["provision"], second["actions"]["notify"]), (0, 0))
        value = json.loads(self.secrets.get_secret_value(SecretId=self.secret_of(alice))["SecretString"])
        self.assertEqual(value["user"], "alice")
        devices = self.iam.list_virtual_mfa_devices(AssignmentStatus="Unassigned")["VirtualMFADevices"]
        own = [device["SerialNumber"] for device in devices if "/mfa-warden/alice." in device["SerialNumber"]]
        self.assertEqual(own, [value["serial_number"]])

        # She enrolls with it: her secret and the policy that let her enroll are gone, her device stays.
        codes = {"AuthenticationCode1": "123456", "AuthenticationCode2": "654321"}
        self.iam.enable_mfa_device(UserName="alice", SerialNumber=value["serial_number"], **codes)
        event = json.loads((EVENTS / "cloudtrail-enable-mfa-device.json").read_text())
        answer = self.stack.invoke(event)
        self.assertEqual(answer["users"]["compliant"], 1)
        self.assertIsNone(self.secret_of(alice))
        self.assertEqual(self.iam.list_attached_user_policies(UserName="alice")["AttachedPolicies"], [])
        devices = self.iam.list_mfa_devices(UserName="alice")["MFADevices"]
        self.assertEqual([device["SerialNumber"] for device in devices], [value["serial_number"]])

    def test_the_dashboard_shows_metrics_and_alarms_that_are_there(self):
        cloudwatch = self.ministack.client("cloudwatch")
        name = self.stack.outputs["DashboardUrl"].rpartition("/")[2]
        widgets = json.loads(cloudwatch.get_dashboard(DashboardName=name)["DashboardBody"])["widgets"]
        shown = next(widget for widget in widgets if widget["type"] == "alarm")["properties"]["alarms"]
        alarms = cloudwatch.describe_alarms()["MetricAlarms"]
        self.assertEqual(sorted(shown), sorted(alarm["AlarmArn"] for alarm in alarms))
        self.assertEqual({alarm["AlarmActions"][0] for alarm in alarms}, {self.stack.outputs["OpsTopicArn"]})
        query = next(widget for widget in widgets if widget["type"] == "log")["properties"]["query"]
        self.assertIn(f"SOURCE '{self.stack.outputs['LogGroupName']}'", query)

        # MiniStack makes no metrics of the log: what CloudWatch would find in the line that a sweep wrote.
        self.stack.invoke({"action": "sweep"})

        def line_of_a_sweep():
            lines = (json.loads(line) for line in self.stack.logs() if line.startswith("{"))
            return next((line for line in lines if "_aws" in line and line["Action"] == "sweep"), None)

        line = until(line_of_a_sweep, 30)
        (directive,) = line["_aws"]["CloudWatchMetrics"]
        self.assertEqual((directive["Namespace"], directive["Dimensions"]), ("mfa-warden", [["Action"]]))
        written = {metric["Name"] for metric in directive["Metrics"]}
        self.assertEqual([name for name in written if not isinstance(line[name], (int, float))], [])
        of_sweeps = {
            metric[1]
            for widget in widgets
            for metric in whole(widget["properties"].get("metrics", []))
            if metric[0] == "mfa-warden" and metric[2:] == ["Action", "sweep"]
        }
        self.assertGreater(len(of_sweeps), 10)
        self.assertEqual(of_sweeps - written, set(), "the dashboard asks for what no sweep writes")

    def test_the_rule_lets_changes_of_users_through_and_nothing_else(self):
        events = self.ministack.client("events")
        rule = next(rule for rule in events.list_rules()["Rules"] if "IamEvents" in rule["Name"])

        def passes(event):
            return events.test_event_pattern(EventPattern=rule["EventPattern"], Event=json.dumps(event))["Result"]

        for sample in EVENTS.glob("cloudtrail-*.json"):
            event = json.loads(sample.read_text())
            dropped = "errorCode" in event["detail"] or sample.stem.endswith("own-role")
            with self.subTest(sample.stem):
                self.assertEqual(passes(event), not dropped)
            event["detail"]["eventName"] = "CreateRole"
            self.assertFalse(passes(event))


class MailingStack(unittest.TestCase):
    def test_owners_in_the_domain_are_mailed_without_subscriptions_and_the_others_count_as_unreached(self):
        ministack = self.enterContext(MiniStack())
        stack = Stack(ministack, os.environ["MFA_WARDEN_BOOTSTRAP"], {"MailFrom": "security@example.com"})
        ministack.client("sesv2").create_email_identity(EmailIdentity="security@example.com")
        iam = ministack.client("iam")
        for name, address in (("alice", "alice@example.com"), ("eve", "eve@partner.example")):
            add_user(iam, name, address)
        ops = stack.open_inbox("ops", stack.outputs["OpsTopicArn"])
        answer = stack.invoke({"action": "sweep"})
        self.assertEqual((answer["actions"]["provision"], answer["actions"]["notify"]), (1, 1), answer)

        def mails():
            with urllib.request.urlopen(f"{ministack.endpoint}/_ministack/ses/messages") as answer:
                return json.load(answer)["messages"].get(ACCOUNT)

        (mail,) = until(mails, 30)
        self.assertEqual((mail["Source"], mail["To"]), ("security@example.com", ["alice@example.com"]))
        self.assertEqual(mail["Subject"], "Set up MFA for your AWS user alice")
        self.assertTrue(mail["BodyText"].startswith("Hello,"), mail["BodyText"])
        self.assertIn("\n     (u='alice' m=;", mail["BodyText"])
        (summary,) = stack.read_inbox(ops)
        reached = {user["user"]: user["unreachable"] for user in json.loads(summary["Message"])["outcomes"]}
        self.assertIsNone(reached["alice"])
        self.assertIn("eve@partner.example", reached["eve"])


class RemovedStack(unittest.TestCase):
    def test_what_the_readme_says_takes_everything_back_but_devices_in_use(self):
        ministack = self.enterContext(MiniStack())
        stack = Stack(ministack, os.environ["MFA_WARDEN_BOOTSTRAP"])
        iam, secrets = ministack.client("iam"), ministack.client("secretsmanager")
        # Nothing is prepared for owners whom nobody can tell.
        stack.open_inbox("everybody", stack.outputs["OwnerTopicArn"])
        for name in ("alice", "wei,chen"):
            add_user(iam, name)
        self.assertEqual(stack.invoke({"action": "sweep"})["actions"]["attach"], 2)
        secret = secrets.list_secrets()["SecretList"][0]["Name"]
        value = json.loads(secrets.get_secret_value(SecretId=secret)["SecretString"])
        codes = {"AuthenticationCode1": "123456", "AuthenticationCode2": "654321"}
        iam.enable_mfa_device(UserName=value["user"], SerialNumber=value["serial_number"], **codes)

        blocks = (README.read_text().split("**Without the function:**")[1]).split("```")
        # The last command is sam's own, and takes what MiniStack does not have.
        script, last = blocks[1].strip().removesuffix(")").strip().rsplit("\n", 1)
        self.assertTrue(last.startswith(".venv/bin/sam delete"), last)
        tools = str(Path(sys.executable).parent)
        environment = {
            "PATH": os.pathsep.join([tools, os.environ["PATH"]]),
            "AWS_ENDPOINT_URL": ministack.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_CONFIG_FILE": os.devnull,
            "FUNCTION": stack.function,
        }
        done = subprocess.run(
            ["sh", "-c", f"{script}\n)"], check=False, env=environment, capture_output=True, text=True
        )
        self.assertEqual(done.returncode, 0, done.stderr)

        self.assertEqual(secrets.list_secrets()["SecretList"], [])
        devices = iam.list_virtual_mfa_devices(AssignmentStatus="Any")["VirtualMFADevices"]
        self.assertEqual([device["SerialNumber"] for device in devices], [value["serial_number"]])
        for name in ("alice", "wei,chen"):
            self.assertEqual(iam.list_attached_user_policies(UserName=name)["AttachedPolicies"], [])


class RetiredStack(unittest.TestCase):
    def test_paused_nothing_starts_it_and_retired_a_sweep_takes_everything_back_so_that_the_stack_can_go(self):
        ministack = self.enterContext(MiniStack())
        stack = Stack(ministack, os.environ["MFA_WARDEN_BOOTSTRAP"])
        iam, secrets = ministack.client("iam"), ministack.client("secretsmanager")
        inbox = stack.open_inbox("everybody", stack.outputs["OwnerTopicArn"])
        for name in ("alice", "bob"):
            add_user(iam, name)
        stack.invoke({"action": "sweep"})
        quarantine = next(
            policy["Arn"]
            for policy in iam.list_policies(Scope="Local")["Policies"]
            if policy["PolicyName"] == "mfa-warden-quarantine"
        )
        iam.attach_user_policy(UserName="bob", PolicyArn=quarantine)
        stack.read_inbox(inbox)

        stack.deploy("update", {"Enabled": "false"})
        schedules = ministack.client("scheduler").list_schedules()["Schedules"]
        self.assertEqual({schedule["State"] for schedule in schedules}, {"DISABLED"})
        rules = ministack.client("events").list_rules()["Rules"]
        self.assertEqual([rule["State"] for rule in rules if "IamEvents" in rule["Name"]], ["DISABLED"])

        stack.deploy("update", {"Retire": "true", "Dashboard": "false", "Alarms": "false"})
        self.assertEqual(ministack.client("cloudwatch").list_dashboards()["DashboardEntries"], [])
        self.assertEqual(ministack.client("cloudwatch").describe_alarms()["MetricAlarms"], [])
        add_user(iam, "carol")
        answer = stack.invoke({"action": "sweep"})
        self.assertEqual((answer["actions"]["close"], answer["actions"]["provision"], answer["failed"]), (2, 0, 0))
        self.assertEqual(secrets.list_secrets()["SecretList"], [])
        self.assertEqual(iam.list_virtual_mfa_devices(AssignmentStatus="Any")["VirtualMFADevices"], [])
        for name in ("alice", "bob", "carol"):
            self.assertEqual(iam.list_attached_user_policies(UserName=name)["AttachedPolicies"], [])
        texts = [valid(message["Message"])["text"] for message in stack.read_inbox(inbox)]
        self.assertEqual(len(texts), 2)
        for text in texts:
            self.assertIn("MFA may still be required of you.", text)

        cloudformation = ministack.client("cloudformation")
        cloudformation.delete_stack(StackName="mfa-warden")
        cloudformation.get_waiter("stack_delete_complete").wait(
            StackName="mfa-warden", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )
        names = [policy["PolicyName"] for policy in iam.list_policies(Scope="Local")["Policies"]]
        self.assertEqual([name for name in names if name.startswith("mfa-warden-")], [])


class ReadmeCommands(unittest.TestCase):
    def test_the_rule_for_security_hub_is_one_that_aws_takes(self):
        (block,) = [block for block in README.read_text().split("```") if block.startswith("\naws securityhub")]

        def check(command):
            # The AWS CLI judges the parameters by AWS's model, and calls nobody.
            path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
            return subprocess.run(
                ["sh", "-c", f"{command.strip()} --generate-cli-skeleton output"],
                check=False,
                env={"PATH": path, "AWS_CONFIG_FILE": os.devnull},
                capture_output=True,
                text=True,
            )

        done = check(block)
        self.assertEqual(done.returncode, 0, done.stderr)
        wrong = check(block.replace("FindingFieldsUpdate", "FindingFields"))
        self.assertIn("FindingFields", wrong.stderr)


if __name__ == "__main__":
    unittest.main()
