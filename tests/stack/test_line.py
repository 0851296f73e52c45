"""The line that owners paste, in real shells at a terminal, with the real AWS CLI and jq.

MiniStack enables a device with any two codes. So the AWS CLI talks to a proxy in front of it, which judges codes as AWS
does, and which refuses, on request, what AWS may refuse.

Needs the binary's path in MFA_WARDEN_BOOTSTRAP, and bash, zsh and jq.
"""

import http.client
import http.server
import itertools
import json
import os
import sys
import threading
import time
import unittest
import urllib.parse
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

import pyotp

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "demo"))

from notice import valid

from emulator import ACCOUNT, REGION, MiniStack
from owner import CLEAR, PROMPT, Owner, as_shown
from stack import Stack

LONGEST_REGION = "ap-southeast-1"  # with a CloudShell, outside GovCloud
LONGEST_LINE = 700
STEP = 30  # seconds between two codes
ACCEPTED_STEPS = range(-3, 4)

numbers = itertools.count(100)  # of three digits

WORDS_OF_REFUSAL = f"User: arn:aws:iam::{ACCOUNT}:user/someone is not authorized to perform"


def setUpModule():
    global ministack, stack, inbox, aws
    ministack = unittest.enterModuleContext(MiniStack())
    stack = Stack(ministack, os.environ["MFA_WARDEN_BOOTSTRAP"])
    inbox = stack.open_inbox("everybody", stack.outputs["OwnerTopicArn"])
    aws = unittest.enterModuleContext(Aws(ministack.endpoint))
    threading.Thread(target=aws.serve_forever, daemon=True).start()
    unittest.addModuleCleanup(aws.shutdown)


# ---------------------------------------------------------------- AWS, as far as MiniStack is different


@dataclass
class Refusal:
    status: int
    code: str
    words: str


WRONG_CODE = Refusal(403, "InvalidAuthenticationCode", "Authentication code for device is not valid.")
NO_DIGITS = Refusal(
    400,
    "ValidationError",
    "1 validation error detected: Value at 'authenticationCode1' failed to satisfy constraint: Member must satisfy "
    r"regular expression pattern: [\d]+",
)
DENIED = Refusal(403, "AccessDenied", f"{WORDS_OF_REFUSAL}: iam:EnableMFADevice on resource: user someone")
DENIED_SECRET = Refusal(400, "AccessDeniedException", f"{WORDS_OF_REFUSAL}: secretsmanager:GetSecretValue")
IN_USE = Refusal(409, "EntityAlreadyExists", "MFADevice is already in use.")
NEEDS_MFA = Refusal(
    403,
    "AccessDenied",
    "MultiFactorAuthentication failed, please ensure that you are authenticated with an MFA device",
)


class Aws(http.server.ThreadingHTTPServer):
    """Passes requests on to MiniStack, except where the real AWS would refuse them."""

    def __init__(self, endpoint):
        super().__init__(("127.0.0.1", 0), Handler)
        self.ministack = urllib.parse.urlsplit(endpoint).netloc
        self.endpoint = f"http://127.0.0.1:{self.server_port}"
        self.secrets = {}  # values of secrets that were read, by their user
        self.tried = {}  # pairs of codes that arrived, by their user
        self.refusals = {}  # by operation and user
        self.delayed = {}  # users whose devices are never enabled, and an event that says that AWS was asked to

    def judge(self, user, codes):
        """What AWS thinks of two codes: None when they are two in a row, and fresh."""
        if not all(code.isdecimal() for code in codes):
            return NO_DIGITS
        app = pyotp.TOTP(self.secrets[user]["seed"])
        now = int(time.time()) // STEP
        fresh = [(app.generate_otp(now + step), app.generate_otp(now + step + 1)) for step in ACCEPTED_STEPS]
        return None if codes in fresh else WRONG_CODE


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("X-Amz-Target") == "secretsmanager.GetSecretValue":
            self.read_secret(body)
        elif b"Action=EnableMFADevice" in body:
            self.enable_device(body)
        else:
            self.answer(*self.pass_on(body))

    def read_secret(self, body):
        status, kind, answer = self.pass_on(body)
        secret = json.loads(json.loads(answer)["SecretString"])
        if refusal := self.server.refusals.get(("GetSecretValue", secret["user"])):
            error = {"__type": refusal.code, "Message": refusal.words}
            return self.answer(refusal.status, kind, json.dumps(error).encode())
        self.server.secrets[secret["user"]] = secret
        return self.answer(status, kind, answer)

    def enable_device(self, body):
        form = dict(urllib.parse.parse_qsl(body.decode()))
        user, codes = form["UserName"], (form["AuthenticationCode1"], form["AuthenticationCode2"])
        self.server.tried.setdefault(user, []).append(codes)
        if asked := self.server.delayed.get(user):
            asked.set()
            self.connection.recv(1)  # until the AWS CLI gives up
            self.close_connection = True
            return None
        refusal = self.server.refusals.get(("EnableMFADevice", user)) or self.server.judge(user, codes)
        if not refusal:
            return self.answer(*self.pass_on(body))
        error = (
            '<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type>'
            f"<Code>{refusal.code}</Code><Message>{escape(refusal.words)}</Message></Error>"
            "<RequestId>7a62c49f-347e-4fc4-9331-6e8eEXAMPLE</RequestId></ErrorResponse>"
        )
        return self.answer(refusal.status, "text/xml", error.encode())

    def pass_on(self, body):
        connection = http.client.HTTPConnection(self.server.ministack, timeout=30)
        try:
            connection.request("POST", self.path, body, dict(self.headers))
            answer = connection.getresponse()
            return answer.status, answer.headers["Content-Type"], answer.read()
        finally:
            connection.close()

    def answer(self, status, kind, body):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


# ---------------------------------------------------------------- an owner who has the message


def devices_of(name):
    devices = ministack.client("iam").list_mfa_devices(UserName=name)["MFADevices"]
    return [device["SerialNumber"] for device in devices]


def invite(name):
    """Creates a user who has no MFA, and returns the message that the function sends about them."""
    iam = ministack.client("iam")
    iam.create_user(UserName=name)
    iam.create_login_profile(UserName=name, Password="correct-horse-battery-1A")
    stack.invoke({"action": "check", "user": name})
    (message,) = stack.read_inbox(inbox)
    return valid(message["Message"])


class Session:
    """An owner at the terminal who has pasted the line, with a phone that has scanned what it showed."""

    def __init__(self, owner, terminal, notice):
        self.name, self.terminal, self.notice = owner.name, terminal, notice
        self.question = f"Code for {owner.name} in {ACCOUNT}:\r\n"
        self.typed = []

    def scan(self):
        """Waits for the first question. Above it must be the secret's QR code, to the last block."""
        shown = self.terminal.wait(self.question)
        self.seed = aws.secrets[self.name]["seed"]
        if not shown.endswith(as_shown(aws.secrets[self.name]["qr_text"] + "\n")):
            raise AssertionError(f"this is not the QR code of the secret: {shown!r}")

    def codes(self, seconds_ago=0):
        """The code that the phone shows, and the next one, for which nobody has to wait here."""
        app, now = pyotp.TOTP(self.seed), time.time() - seconds_ago
        return app.at(now), app.at(now + STEP)

    def answer(self, first, second):
        self.type(first)
        self.terminal.wait("Next code:\r\n")
        self.type(second)

    def type(self, code):
        self.typed.append(code)
        self.terminal.type(code)

    def wait_until_asked_again(self):
        self.terminal.wait(f"Wrong code\r\n{self.question}")

    def wait_for_end(self, said):
        """Waits until the screen is cleared and the shell is back, and compares what it says between the two."""
        self.terminal.wait(f"{CLEAR}{said}")
        self.terminal.wait(PROMPT)


class Line:
    """What the line does in a shell."""

    shell = None

    @contextmanager
    def pasted(self, name="alice", refusals=()):
        """Pastes the line. When it has ended, nothing secret may be left, and the shell must be as before."""
        # A user of its own for each time: nobody enrolls twice.
        name = f"{name}{next(numbers)}"
        notice = invite(name)
        for operation, refusal in dict(refusals).items():
            aws.refusals[operation, name] = refusal
        with Owner(ministack, name) as owner:
            with owner.terminal(self.shell, aws.endpoint) as terminal:
                session = Session(owner, terminal, notice)
                terminal.paste(notice["commands"]["enroll"])
                yield session
                terminal.type('echo "left: $u$m$a$b$n."')
                terminal.wait("left: .\r\n")
            history = owner.history.read_text()
        self.assertIn("left: ", history, "the shell kept no history")
        last_screen = terminal.shown.getvalue().rpartition(CLEAR)[2]
        self.assertNotRegex(last_screen, "[█▀▄]")
        seed = [aws.secrets[name]["seed"]] if name in aws.secrets else []
        for secret in filter(None, [*seed, *session.typed]):
            self.assertNotIn(secret, last_screen)
            self.assertNotIn(secret, history)

    def assert_enrolled(self, session, asked):
        """`asked`: how often AWS was asked to enable the device."""
        self.assertEqual(devices_of(session.name), [session.notice["serial_number"]])
        self.assertEqual(len(aws.tried[session.name]), asked)

    def assert_not_enrolled(self, session, asked):
        self.assertEqual(devices_of(session.name), [])
        self.assertEqual(len(aws.tried.get(session.name, [])), asked)

    def test_two_codes_as_apps_show_them_enroll(self):
        with self.pasted() as session:
            session.scan()
            session.answer(*(f"{code[:3]} {code[3:]}" for code in session.codes()))
            session.wait_for_end("Done\r\n")
        self.assert_enrolled(session, asked=1)

    def test_mistyped_codes_are_asked_for_again_and_the_fourth_attempt_enrolls(self):
        with self.pasted() as session:
            session.scan()
            first, second = session.codes()
            for mistyped in ((first[:5], second), ("abcdef", second), ("", "")):
                session.answer(*mistyped)
                session.wait_until_asked_again()
            session.answer(*session.codes())
            session.wait_for_end("Done\r\n")
        # The AWS CLI itself refuses codes that are too short.
        self.assert_enrolled(session, asked=2)

    def test_codes_that_are_old_or_not_two_in_a_row_are_asked_for_again(self):
        with self.pasted() as session:
            session.scan()
            first, second = session.codes()
            for wrong in (session.codes(seconds_ago=20 * 60), (first, first), (second, first)):
                session.answer(*wrong)
                session.wait_until_asked_again()
            session.answer(*session.codes())
            session.wait_for_end("Done\r\n")
        self.assert_enrolled(session, asked=4)

    def test_four_wrong_attempts_end_it(self):
        with self.pasted() as session:
            session.scan()
            first, _ = session.codes()
            for attempt in range(4):
                if attempt:
                    session.wait_until_asked_again()
                session.answer(first, first)
            session.wait_for_end("Wrong code\r\n")
        self.assert_not_enrolled(session, asked=4)

    def test_control_c_at_the_first_question_ends_it(self):
        with self.pasted() as session:
            session.scan()
            session.terminal.press_control("c")
            session.wait_for_end("\r\n")
        self.assert_not_enrolled(session, asked=0)

    def test_control_c_at_the_second_question_ends_it(self):
        with self.pasted() as session:
            session.scan()
            session.type(session.codes()[0])
            session.terminal.wait("Next code:\r\n")
            session.terminal.press_control("c")
            session.wait_for_end("\r\n")
        self.assert_not_enrolled(session, asked=0)

    def test_control_c_while_aws_is_asked_ends_it(self):
        with self.pasted() as session:
            session.scan()
            asked = aws.delayed[session.name] = threading.Event()
            session.answer(*session.codes())
            self.assertTrue(asked.wait(30))
            session.terminal.press_control("c")
            session.wait_for_end("")
            self.assertNotIn("Done", session.terminal.shown.getvalue().rpartition(CLEAR)[2])
        self.assert_not_enrolled(session, asked=1)

    def test_control_d_is_an_empty_answer(self):
        with self.pasted() as session:
            session.scan()
            session.terminal.press_control("d")
            session.terminal.wait("Next code:\r\n")
            session.terminal.press_control("d")
            session.wait_until_asked_again()
            session.answer(*session.codes())
            session.wait_for_end("Done\r\n")
        self.assert_enrolled(session, asked=1)

    def test_somebody_who_may_not_read_the_secret_sees_the_words_of_aws_and_is_asked_nothing(self):
        with self.pasted(refusals={"GetSecretValue": DENIED_SECRET}) as session:
            session.terminal.wait(DENIED_SECRET.words)
            said = session.terminal.wait(PROMPT)
            self.assertNotIn("Code for", said)
            self.assertNotIn(CLEAR, said, "the words must stay")
        self.assert_not_enrolled(session, asked=0)

    def test_a_missing_permission_to_enable_ends_it_with_the_words_of_aws(self):
        with self.pasted(refusals={"EnableMFADevice": DENIED}) as session:
            session.scan()
            session.answer(*session.codes())
            session.wait_for_end("")
            said = session.terminal.shown.getvalue().rpartition(CLEAR)[2]
            self.assertIn(f"(AccessDenied) when calling the EnableMFADevice operation: {DENIED.words}", said)
        self.assert_not_enrolled(session, asked=1)

    def test_the_words_of_aws_are_text_and_no_format(self):
        # A path of a user may hold these characters, and AWS names it.
        words = (
            r"User: arn:aws:iam::1:user/50%-remote\33[2J\7%s%n/alice is not authorized to perform: iam:EnableMFADevice"
        )
        with self.pasted(refusals={"EnableMFADevice": Refusal(403, "AccessDenied", words)}) as session:
            session.scan()
            session.answer(*session.codes())
            session.wait_for_end("")
            self.assertIn(words, session.terminal.shown.getvalue().rpartition(CLEAR)[2])
        self.assert_not_enrolled(session, asked=1)

    def test_quitting_at_a_question_clears_the_screen_too(self):
        with self.pasted() as session:
            session.scan()
            session.terminal.press_control("\\")
            session.wait_for_end("")
        self.assert_not_enrolled(session, asked=0)

    def test_somebody_who_has_a_device_is_told_so(self):
        for refusal in (IN_USE, NEEDS_MFA, Refusal(403, "InvalidAuthenticationCode", NEEDS_MFA.words)):
            with self.subTest(refusal.words), self.pasted(refusals={"EnableMFADevice": refusal}) as session:
                session.scan()
                session.answer(*session.codes())
                session.wait_for_end("You have MFA\r\n")

    def test_names_with_characters_that_mean_something_to_shells_enroll(self):
        for name in ("-alice", "=eve", "@carol", "wei,chen", "a+b=c@d.e_f"):
            with self.subTest(name), self.pasted(name) as session:
                session.scan()
                session.answer(*session.codes())
                session.wait_for_end("Done\r\n")
                self.assert_enrolled(session, asked=1)

    def test_the_longest_name_enrolls(self):
        with self.pasted("x" * (64 - 3)) as session:
            session.scan()
            session.answer(*session.codes())
            session.wait_for_end("Done\r\n")
        self.assert_enrolled(session, asked=1)


class InBash(Line, unittest.TestCase):
    shell = "bash"


class InZsh(Line, unittest.TestCase):
    shell = "zsh"


class Text(unittest.TestCase):
    def test_the_line_is_one_that_people_can_read_before_they_paste_it(self):
        notice = invite("y" * 64)
        line = notice["commands"]["enroll"]
        self.assertIn(f"\n     {line}\n", notice["text"])
        self.assertTrue(line.startswith("(u='") and line.endswith("done)"), line)
        self.assertTrue(line.isascii() and line.isprintable(), line)
        self.assertLessEqual(len(line) + len(LONGEST_REGION) - len(REGION), LONGEST_LINE)
        for word in ("eval", "base64", "| sh", "|sh", "| bash", "|bash", "source"):
            self.assertNotIn(word, line)


if __name__ == "__main__":
    unittest.main()
