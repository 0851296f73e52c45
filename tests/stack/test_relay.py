"""The example of a subscriber, examples/relay, against an HTTP server in place of a chat. No AWS is needed."""

import contextlib
import copy
import http.server
import io
import json
import logging
import os
import socket
import subprocess
import sys
import threading
import time
import traceback
import unittest
from pathlib import Path
from unittest import mock

import jsonschema

ROOT = Path(__file__).resolve().parents[2]
RELAY = ROOT / "examples" / "relay"
SCHEMA = ROOT / "events" / "schema" / "notice.json"

sys.path.insert(0, str(RELAY))

import relay

TOKEN = "chat-token-for-tests-only"
DOMAINS = "example.org, Example.com"
KINDS = ("invitation", "reminder", "quarantined", "enrolled", "withdrawn")

DEVICE = "arn:aws:iam::123456789012:mfa/mfa-warden/alice.cafef00d"
SECRET = "mfa-warden/AIDAEXAMPLEALICE00001"
# Of the kind that messages have: both kinds of quotes, and characters that mean something in markup.
ENROLL = (
    f"(u='alice';aws secretsmanager get-secret-value --region us-east-1 --secret-id {SECRET} --query SecretString "
    "--output text|jq -nr input.qr_text||exit;trap 'printf \"\\33c\\33[3J$m\\n\";exit' 0 2;for n in 1 2 3 4;"
    "do echo Code for $u in 123456789012:;read a;echo Next code:;read b;m=$(aws iam enable-mfa-device "
    "--user-name=$u --serial-number arn:aws:iam::123456789012:mfa/mfa-warden/$u.cafef00d "
    "--authentication-code1=${a// } --authentication-code2=${b// } 2>&1)&&m=Done;"
    "case $m in *ticationCode*)m='Wrong code';echo $m;;*yExists*)m='You have MFA';exit;;*)exit;esac;done)"
)
SHOW = (
    f"aws secretsmanager get-secret-value --region us-east-1 --secret-id {SECRET} --query SecretString --output text "
    "| jq -r .qr_text"
)
ENABLE = (
    f"aws iam enable-mfa-device --region us-east-1 --user-name alice --serial-number {DEVICE} "
    "--authentication-code1 CODE1 --authentication-code2 CODE2"
)
TEXT = f"""Hello,

Your AWS user alice in account 123456789012 has no MFA yet.

WHAT TO DO (three minutes)

1. Sign in to AWS as alice:

     https://123456789012.signin.aws.amazon.com/console

2. Copy this whole line, paste it into CloudShell and press Enter.

     {ENROLL}

3. A QR code appears. Scan it with an authenticator app on your phone.

In another terminal, this line shows the QR code.

     {SHOW}

In doubt, ask security@example.com.
"""


def notice(kind="invitation", **changed):
    """A notice to alice as mfa-warden publishes it, with other values where they are given."""
    offers = kind not in ("enrolled", "withdrawn")
    fields = {
        "schema": "mfa-warden.notice/1",
        "account": "123456789012",
        "user": "alice",
        "user_id": "AIDAEXAMPLEALICE00001",
        "kind": kind,
        "recipient": "A.Liddell@example.com",
        "language": "en",
        "deadline": "2026-06-29T12:00:00Z" if offers else None,
        "subject": "Set up MFA for your AWS user alice",
        "text": TEXT if offers else "Hello,\n\nYour AWS user alice in account 123456789012 now has MFA. Thank you.\n",
        "contact": "security@example.com",
        "links": {
            "sign_in": "https://123456789012.signin.aws.amazon.com/console",
            "security_credentials": "https://console.aws.amazon.com/iam/home#/security_credentials",
            "cloudshell": "https://us-east-1.console.aws.amazon.com/cloudshell/home?region=us-east-1",
        },
        "commands": {
            "enroll": ENROLL if offers else None,
            "show": SHOW if offers else None,
            "enable": ENABLE if offers else None,
        },
        "serial_number": DEVICE if offers else None,
        "secret": SECRET if offers else None,
    }
    return fields | changed


def without_commands(kind="invitation"):
    nothing = {"enroll": None, "show": None, "enable": None}
    return notice(kind, text="Hello,\n", commands=nothing, serial_number=None, secret=None)


def event(*messages):
    """What SNS invokes a function with (Lambda developer guide, "Using AWS Lambda with Amazon SNS")."""
    return {"Records": [record(message) for message in messages]}


def record(message):
    data = message if isinstance(message, dict) else {}
    attributes = {name: str(data.get(name)) for name in ("kind", "recipient", "user", "account")}
    topic = "arn:aws:sns:us-east-1:123456789012:mfa-warden-OwnerTopic-EXAMPLE"
    subscription = f"{topic}:21be56ed-a058-49f5-8c98-aedd2564c486"
    return {
        "EventVersion": "1.0",
        "EventSubscriptionArn": subscription,
        "EventSource": "aws:sns",
        "Sns": {
            "SignatureVersion": "1",
            "Timestamp": "2026-06-15T12:00:00.000Z",
            "Signature": "RVhBTVBMRQ==",
            "SigningCertUrl": "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-EXAMPLE.pem",
            "MessageId": "95df01b4-ee98-5cb9-9903-4c221d41eb5e",
            "Message": message if isinstance(message, str) else json.dumps(message),
            "MessageAttributes": {name: {"Type": "String", "Value": value} for name, value in attributes.items()},
            "Type": "Notification",
            "UnsubscribeUrl": f"https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe&SubscriptionArn={subscription}",
            "TopicArn": topic,
            "Subject": data.get("subject"),
        },
    }


class Chat(http.server.HTTPServer):
    """A chat on this machine. It answers with `status`, and remembers each request."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Conversation)
        self.status, self.requests = 200, []
        self.url = f"http://127.0.0.1:{self.server_port}/api/direct?version=2"

    def __enter__(self):
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.thread.join()
        self.server_close()


class Conversation(http.server.BaseHTTPRequestHandler):
    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.requests.append((self.command, self.path, self.headers, body))
        # As chats do: the answer repeats what it is about.
        self.send_response(self.server.status, f"about {self.headers['Authorization']}")
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET = answer

    def log_message(self, *_):
        pass


class TheRelay(unittest.TestCase):
    def setUp(self):
        self.chat = self.enterContext(Chat())
        self.environment = {"CHAT_URL": self.chat.url, "CHAT_TOKEN": TOKEN, "ALLOWED_DOMAINS": DOMAINS}

    def relay(self, *messages, **changed):
        relay.handler(event(*messages), None, self.environment | changed)

    def sent(self):
        """The messages that arrived."""
        return [json.loads(body) for _, _, _, body in self.chat.requests]

    def assert_refused(self, *messages, **changed):
        with self.assertRaises(relay.Refused) as refused:
            self.relay(*messages, **changed)
        self.assertEqual(self.chat.requests, [])
        return str(refused.exception)

    def test_a_notice_arrives_as_one_direct_message_with_its_commands_unchanged(self):
        self.relay(notice())
        ((method, path, headers, body),) = self.chat.requests
        self.assertEqual((method, path), ("POST", "/api/direct?version=2"))
        self.assertEqual(headers["Authorization"], f"Bearer {TOKEN}")
        self.assertEqual(headers["Content-Type"], "application/json")
        message = json.loads(body)
        self.assertEqual(sorted(message), ["text", "to"])
        self.assertEqual(message["to"], "A.Liddell@example.com")
        in_blocks = TEXT
        for command in (ENROLL, SHOW):
            in_blocks = in_blocks.replace(f"     {command}\n", f"```\n{command}\n```\n")
        self.assertEqual(message["text"] + "\n", f"Set up MFA for your AWS user alice\n\n{in_blocks}")

    def test_the_line_to_paste_arrives_also_if_the_text_does_not_have_it_on_a_line_of_its_own(self):
        for text in ("Hello,", f"Paste this: {ENROLL}", ""):
            self.relay(notice(text=text))
            self.assertTrue(self.sent()[-1]["text"].endswith(f"\n\n```\n{ENROLL}\n```"))

    def test_every_kind_of_message_arrives_and_what_offers_nothing_has_no_code_block(self):
        for kind in KINDS:
            self.relay(notice(kind))
            self.assertEqual("```" in self.sent()[-1]["text"], kind not in ("enrolled", "withdrawn"), kind)
        self.relay(without_commands())
        self.assertNotIn("```", self.sent()[-1]["text"])
        self.assertEqual(len(self.sent()), len(KINDS) + 1)

    def test_fields_that_are_added_later_change_nothing(self):
        self.relay(notice())
        more = notice(later={"a": 1})
        more["commands"]["later"] = "Hello,"
        self.relay(more)
        first, second = self.sent()
        self.assertEqual(first, second)

    def test_other_words_keep_their_letters(self):
        words = "Grüße, „Anna“ – bis zum 29. Juni: security@example.com, a_b=c+d #1 & 50 % 日本"
        self.relay(notice(text=words))
        self.assertIn(f"\n{words}\n", self.sent()[0]["text"])

    def test_a_recipient_outside_the_allowed_domains_is_refused(self):
        for recipient in (
            "alice@elsewhere.example",
            "alice@sub.example.com",
            "alice@notexample.com",
            "alice@example.com.elsewhere.example",
            "alice@elsewhere.example@example.com",
            "alice@elsewhere.example,bob@example.com",
            "alice@example.com\n",
            " alice@example.com",
            "<alice@example.com>",
            "alice@",
            "@example.com",
            "example.com",
            "alice",
            "",
            None,
            ["alice@example.com"],
        ):
            with self.subTest(recipient):
                self.assert_refused(notice(recipient=recipient))
        self.relay(notice(recipient="alice@EXAMPLE.org"))
        self.assertEqual(self.sent()[0]["to"], "alice@EXAMPLE.org")

    def test_another_schema_is_refused(self):
        for schema in ("mfa-warden.notice/2", "mfa-warden.notice/10", "", None, 1, ["mfa-warden.notice/1"]):
            with self.subTest(schema):
                self.assert_refused(notice(schema=schema))
        lacking = notice()
        del lacking["schema"]
        self.assert_refused(lacking)

    def test_what_is_not_a_json_object_is_refused(self):
        whole = json.dumps(notice())
        for message in (TEXT, whole[:-1], whole + "x", "", "[]", "null", '"mfa-warden.notice/1"', "[" * 100_000):
            with self.subTest(message[:20]):
                self.assert_refused(message)

    def test_an_unknown_kind_is_refused(self):
        for kind in ("farewell", "Invitation", "", None, {}, ["invitation"]):
            with self.subTest(kind):
                self.assert_refused(notice(kind=kind))

    def test_a_notice_that_lacks_something_or_has_it_in_another_form_is_refused(self):
        for name in ("user", "kind", "recipient", "subject", "text", "commands"):
            lacking = notice()
            del lacking[name]
            for message in (lacking, notice(**{name: 1})):
                with self.subTest(name):
                    self.assert_refused(message)
        for user in ("alice\nsent the reminder for bob", "al ice", "", "a" * 65, "älice"):
            with self.subTest(user):
                self.assert_refused(notice(user=user))

    def test_a_command_that_a_code_block_cannot_hold_is_refused(self):
        for command in ("aws\n```\n@here", "aws ``` @here", "aws \u201cquoted\u201d", "aws\r", "aws\n", "", 1, ["aws"]):
            for name in ("enroll", "show", "enable"):
                with self.subTest(name, command=command):
                    self.assert_refused(notice(commands=notice()["commands"] | {name: command}))

    def test_nothing_is_sent_when_one_of_several_is_refused(self):
        self.assert_refused(notice(), notice(schema="mfa-warden.notice/2"))
        self.relay(notice(), notice("reminder"))
        self.assertEqual(len(self.sent()), 2)

    def test_an_answer_that_is_no_success_raises_after_one_request(self):
        # A redirect, too: followed, it would carry the token elsewhere.
        for status in (301, 302, 307, 308, 400, 401, 404, 429, 500, 503):
            with self.subTest(status):
                self.chat.status, before = status, len(self.chat.requests)
                with self.assertRaises(relay.NotDelivered) as failed:
                    self.relay(notice(), notice("reminder"))
                self.assertEqual(
                    str(failed.exception),
                    f"the invitation for alice was not delivered: the chat answered {status}",
                )
                self.assertEqual(len(self.chat.requests) - before, 1)
        for self.chat.status in (201, 202, 204):
            self.relay(notice())

    def test_a_chat_that_does_not_answer_raises_in_time(self):
        # The system takes the connection, and nobody ever reads from it.
        with socket.create_server(("127.0.0.1", 0)) as silent, mock.patch.object(relay, "TIMEOUT_SECONDS", 0.2):
            url, begin = f"http://127.0.0.1:{silent.getsockname()[1]}/", time.monotonic()
            with self.assertRaisesRegex(relay.NotDelivered, "for alice was not delivered: TimeoutError$"):
                self.relay(notice(), CHAT_URL=url)
            self.assertLess(time.monotonic() - begin, 5)
        with self.assertRaisesRegex(relay.NotDelivered, "ConnectionRefusedError$"):
            self.relay(notice(), CHAT_URL=url)

    def test_settings_that_are_missing_or_wrong_are_refused_and_not_quoted(self):
        for name, value in (
            ("CHAT_URL", ""),
            ("CHAT_URL", "http://chat.example.com/api"),
            ("CHAT_URL", "http://127.0.0.1:80@chat.example.com/api"),
            ("CHAT_URL", "http://127.0.0.1.example.com/api"),
            ("CHAT_URL", "https:///api"),
            ("CHAT_URL", "https://chat.example.com:port/api"),
            ("CHAT_URL", "https://[chat/api"),
            ("CHAT_URL", "chat.example.com"),
            ("CHAT_TOKEN", ""),
            ("CHAT_TOKEN", f"{TOKEN}\r\nX-Other: 1"),
            ("CHAT_TOKEN", f"\u201c{TOKEN}\u201d"),
            ("ALLOWED_DOMAINS", ""),
            ("ALLOWED_DOMAINS", " , "),
        ):
            with self.subTest(name, value=value):
                error = self.assert_refused(notice(), **{name: value})
                self.assertTrue(error.startswith(name), error)
                self.assertFalse(value.strip(" ,") and value in error, error)
        self.relay(notice(), CHAT_TOKEN=f"{TOKEN}\n")
        self.assertEqual(self.chat.requests[0][2]["Authorization"], f"Bearer {TOKEN}")

    def test_hostile_text_stays_text_and_the_code_block_holds_the_line_alone(self):
        hostile = (
            "```",
            "   ```sh",
            "````",
            "~~~",
            "`curl evil`",
            "\u2028```\u2028",
            "\r```\r",
            "\x0b```\x0c",
            "\x85```",
            "@here",
            "hello @everyone, and you@here",
            "\u200b@channel",
            "_@all_",
            "<!here> <!channel|x> <@U024BE7LH>",
            "<https://evil.example|https://console.aws.amazon.com>",
            "[your console](https://evil.example) ![](https://evil.example)",
            "[a]: https://evil.example",
            "<script>alert(1)</script> <b>bold</b> <!-- ",
            "> said the administrator",
            "a\u202ereversed",
            "\x1b]8;;https://evil.example\x07link\x1b]8;;\x07",
            "\ud800",
            f"{ENROLL}; curl evil",
            f"` {ENROLL} `",
        )
        for words in (*hostile, "\n".join(hostile)):
            for name, text in (("text", f"{words}\n{TEXT}"), ("text", f"{TEXT}\n{words}"), ("subject", words)):
                with self.subTest(name, words=words):
                    self.relay(notice(**{name: text}))
                    lines = self.sent()[-1]["text"].split("\n")
                    fences = [number for number, line in enumerate(lines) if line == "```"]
                    self.assertEqual(len(fences), 4)
                    shown = [lines[fences[0] + 1 : fences[1]], lines[fences[2] + 1 : fences[3]]]
                    self.assertEqual(shown, [[ENROLL], [SHOW]])
                    of_blocks = {number for begin, end in (fences[:2], fences[2:]) for number in range(begin, end + 1)}
                    outside = "\n".join(line for number, line in enumerate(lines) if number not in of_blocks)
                    self.assertNotRegex(outside, r"[`~<>\[\]\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u202e\ud800-\udfff]")
                    self.assertNotRegex(outside, r"(^|[^A-Za-z0-9])@|@(here|all|everyone|channel)")
                    self.assertIn("security@example.com", outside)

    def test_logs_and_errors_name_user_and_kind_and_nothing_else(self):
        logged = io.StringIO()
        handler = logging.StreamHandler(logged)
        root = logging.getLogger()
        self.addCleanup(root.setLevel, root.level)
        self.addCleanup(root.removeHandler, handler)
        root.addHandler(handler)
        root.setLevel(logging.DEBUG)
        private = notice("reminder", subject="the subject", contact="the contact")
        with contextlib.redirect_stdout(logged), contextlib.redirect_stderr(logged):
            self.relay(private)
            self.assertEqual(logged.getvalue(), "sent the reminder for alice\n")
            failures = [
                (200, json.dumps(private)[:-1], {}),
                (200, private | {"schema": "the subject"}, {}),
                (200, private | {"kind": "the subject"}, {}),
                (200, private | {"user": "the subject"}, {}),
                (200, private | {"recipient": "A.Liddell@elsewhere.example"}, {}),
                (200, private | {"commands": {"enroll": f"{ENROLL}\nthe subject"}}, {}),
                (200, private, {"CHAT_TOKEN": f"{TOKEN}\r\nthe subject"}),
                (500, private, {}),
                (302, private, {}),
                (200, private, {"CHAT_URL": "http://127.0.0.1:1/the subject"}),
                (200, private, {"CHAT_URL": self.chat.url.replace("/api", "/the subject")}),
            ]
            for self.chat.status, message, changed in failures:
                # Lambda logs the whole traceback of what the handler raises.
                try:
                    self.relay(message, **changed)
                except (relay.Refused, relay.NotDelivered):
                    traceback.print_exc()
                else:
                    self.fail("nothing was raised")
        self.assertEqual(logged.getvalue().count("Traceback"), len(failures))
        for word in (
            TOKEN,
            "the subject",
            "the contact",
            "Liddell",
            "elsewhere",
            "WHAT TO DO",
            "secretsmanager",
            DEVICE,
        ):
            self.assertNotIn(word, logged.getvalue())


class TheReadme(unittest.TestCase):
    def test_its_commands_are_ones_that_aws_takes(self):
        _, block, _ = (RELAY / "README.md").read_text().split("```")
        commands = block.strip().replace("\\\n", "").split("\n")
        self.assertEqual(
            [command.split()[1:3] for command in commands], [["lambda", "add-permission"], ["sns", "subscribe"]]
        )
        environment = {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "AWS_CONFIG_FILE": os.devnull,
            "OWNER_TOPIC_ARN": "arn:aws:sns:us-east-1:123456789012:mfa-warden-OwnerTopic-EXAMPLE",
        }
        for command in commands:
            # The AWS CLI judges the parameters by AWS's model, and calls nobody.
            done = subprocess.run(
                ["sh", "-c", f"{command} --generate-cli-skeleton output"],
                check=False,
                env=environment,
                capture_output=True,
                text=True,
            )
            self.assertEqual(done.returncode, 0, done.stderr)
        attributes = json.loads(commands[1].split("--attributes '")[1].removesuffix("'"))
        self.assertEqual(list(attributes), ["FilterPolicy"])
        suffixes = [{"suffix": "@example.com"}, {"suffix": "@example.org"}]
        self.assertEqual(json.loads(attributes["FilterPolicy"]), {"recipient": suffixes})


class TheSchema(unittest.TestCase):
    def setUp(self):
        schema = json.loads(SCHEMA.read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        self.schema, self.validator = schema, jsonschema.Draft202012Validator(schema)

    def faults(self, message):
        return [error.message for error in self.validator.iter_errors(message)]

    def test_it_describes_every_field_and_requires_each(self):
        self.assertEqual(sorted(self.schema["required"]), sorted(notice()))
        self.assertEqual(sorted(self.schema["properties"]), sorted(notice()))
        for name, field in self.schema["properties"].items():
            self.assertTrue(field["description"].endswith("."), name)
            for inner, part in field.get("properties", {}).items():
                self.assertTrue(part["description"].endswith("."), f"{name}.{inner}")
        for name in self.schema["required"]:
            lacking = notice()
            del lacking[name]
            self.assertNotEqual(self.faults(lacking), [], name)
        for outer in ("links", "commands"):
            for name in notice()[outer]:
                lacking = copy.deepcopy(notice())
                del lacking[outer][name]
                self.assertNotEqual(self.faults(lacking), [], name)

    def test_the_notices_of_these_tests_fit(self):
        no_links = {"sign_in": None, "security_credentials": None, "cloudshell": None}
        for message in (
            *(notice(kind) for kind in KINDS),
            *(without_commands(kind) for kind in KINDS),
            notice(links=no_links, contact=None, language="pt-BR", recipient="a name", later={"a": 1}),
            notice(user="@=,.+-_", commands={"enroll": "x" * 700, "show": "x", "enable": "x"}),
            notice(subject="x" * 99),
        ):
            self.assertEqual(self.faults(message), [])

    def test_what_depends_on_the_kind_is_checked(self):
        due, nothing = notice()["deadline"], without_commands()["commands"]
        for kind in ("enrolled", "withdrawn"):
            self.assertNotEqual(self.faults(notice(kind, deadline=due)), [])
            offer = {name: notice()[name] for name in ("commands", "serial_number", "secret")}
            self.assertNotEqual(self.faults(notice(kind, **offer)), [])
        for kind in ("invitation", "reminder", "quarantined"):
            self.assertNotEqual(self.faults(notice(kind, deadline=None)), [])
            self.assertNotEqual(self.faults(notice(kind, commands=nothing)), [])
            self.assertNotEqual(self.faults(notice(kind, secret=None)), [])
            self.assertNotEqual(self.faults(notice(kind, serial_number=None)), [])

    def test_what_a_field_cannot_hold_is_not_valid(self):
        commands, links = notice()["commands"], notice()["links"]
        for name, values in {
            "schema": ("mfa-warden.notice/2", None),
            "account": ("12345678901", "1234567890123", 123456789012, "12345678901x"),
            "user": ("", "a" * 65, "al ice", "älice", None),
            "user_id": ("", "AIDA", None),
            "kind": ("farewell", None),
            "recipient": ("", None),
            "language": ("", "English", "de_DE", None),
            "deadline": ("2026-06-29", "2026-06-29T12:00:00+02:00", "2026-06-29 12:00:00Z", 1),
            "subject": ("", "x" * 100, "two\nlines", "grün", None),
            "text": ("", None),
            "contact": ("", 1),
            "links": (None, links | {"sign_in": "http://console.aws.amazon.com"}, links | {"cloudshell": ""}),
            "commands": (
                None,
                commands | {"enroll": "x" * 701},
                commands | {"enroll": "two\nlines"},
                commands | {"show": "\u201cquoted\u201d"},
                commands | {"enable": ""},
                *(commands | {name: None} for name in commands),
            ),
            "serial_number": ("", "arn:aws:iam::123456789012:mfa/alice"),
            "secret": ("", "alice", "mfa-warden/alice"),
        }.items():
            for value in values:
                with self.subTest(name, value=value):
                    self.assertNotEqual(self.faults(notice(**{name: value})), [])


if __name__ == "__main__":
    unittest.main()
