"""An owner at a terminal, who follows the message with their own credentials, the AWS CLI and an authenticator app."""

import io
import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

import pexpect
import pyotp

from emulator import REGION, Failure

# Shells as CloudShell gives them, but without the settings of this machine.
SHELLS = {"bash": ["--noprofile", "--norc", "-i"], "zsh": ["--no-global-rcs", "-i"]}
PROMPT = "ready> "
WIDTH = 110
CLEAR = "\x1bc\x1b[3J"  # the screen, and what was scrolled off it

ANSWER_SECONDS = 30


class Owner:
    """An IAM user who works with an access key of its own. Use it in a `with` block, which deletes the key."""

    def __init__(self, ministack, name):
        self.ministack, self.name = ministack, name

    def __enter__(self):
        self.key = self.ministack.client("iam").create_access_key(UserName=self.name)["AccessKey"]
        self.home = tempfile.TemporaryDirectory(prefix="mfa-warden-home-")
        # Without this file, zsh would ask for settings.
        Path(self.home.name, ".zshrc").touch()
        return self

    def __exit__(self, *_):
        self.ministack.client("iam").delete_access_key(UserName=self.name, AccessKeyId=self.key["AccessKeyId"])
        self.home.cleanup()

    def client(self, service):
        return self.ministack.client(service, self.key["AccessKeyId"], self.key["SecretAccessKey"])

    def read_secret(self, name):
        return json.loads(self.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"])

    @property
    def history(self):
        """Where the shells keep what was typed."""
        return Path(self.home.name) / "history"

    def terminal(self, shell="bash", endpoint=None):
        """Opens a terminal in which the AWS CLI has the owner's credentials. Use it in a `with` block."""
        environment = {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
            "HOME": self.home.name,
            "HISTFILE": str(self.history),
            "SAVEHIST": "100",  # zsh's default is to keep none
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
            "PS1": PROMPT,
            "AWS_ENDPOINT_URL": endpoint or self.ministack.endpoint,
            "AWS_ACCESS_KEY_ID": self.key["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": self.key["SecretAccessKey"],
            "AWS_DEFAULT_REGION": REGION,
        }
        return Terminal(shell, environment)

    def enroll(self, notice):
        """Sets up MFA with the message's line, and returns what the terminal showed, from the QR code on."""
        secret = self.read_secret(notice["secret"])
        app, now = pyotp.parse_uri(secret["otpauth_uri"]), time.time()
        qr_code, done = as_shown(secret["qr_text"]), "Done\r\n"
        with self.terminal() as terminal:
            terminal.paste(notice["commands"]["enroll"])
            # A person scans it now. There is no camera here, so the app was given the seed.
            terminal.wait(qr_code)
            terminal.wait(f"Code for {self.name} in {notice['account']}:\r\n")
            terminal.type(app.at(now))
            terminal.wait("Next code:\r\n")
            terminal.type(app.at(now + app.interval))
            terminal.wait(CLEAR + done)
            terminal.wait(PROMPT)
        shown = terminal.shown.getvalue()
        return (shown[shown.index(qr_code) : shown.rindex(done)] + done).replace("\r\n", "\n")

    def assign_device_in_console(self, name):
        """Makes the calls of the console's "Assign MFA device", which creates another device."""
        iam = self.client("iam")
        device = iam.create_virtual_mfa_device(VirtualMFADeviceName=name)["VirtualMFADevice"]
        iam.enable_mfa_device(
            UserName=self.name,
            SerialNumber=device["SerialNumber"],
            # The emulator takes any two codes, and no app can use its seeds.
            AuthenticationCode1="123456",
            AuthenticationCode2="654321",
        )


def as_a_terminal_does():
    """Jobs in the background ignore these signals, and bash could not trap them."""
    for number in (signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)


class Terminal:
    """A shell at a terminal. Use it in a `with` block, which leaves the shell."""

    def __init__(self, shell, environment):
        self.shown = io.StringIO()
        self.child = pexpect.spawn(
            shell,
            SHELLS[shell],
            env=environment,
            encoding="utf-8",
            dimensions=(40, WIDTH),
            timeout=ANSWER_SECONDS,
            preexec_fn=as_a_terminal_does,
        )
        self.child.logfile_read = self.shown
        self.child.delaybeforesend = None

    def __enter__(self):
        self.wait(PROMPT)
        return self

    def __exit__(self, failed, *_):
        if not failed:
            self.type("exit")
            self.wait(pexpect.EOF)
        self.child.close(force=True)

    def paste(self, line):
        """Pastes a line as terminals do, between marks, and presses Enter."""
        self.child.send(f"\x1b[200~{line}\x1b[201~\r")

    def type(self, text):
        self.child.send(f"{text}\r")

    def press_control(self, key):
        self.child.sendcontrol(key)

    def wait(self, text):
        """Waits until the terminal shows this, and returns what it showed before."""
        try:
            self.child.expect_exact(text)
        except (pexpect.TIMEOUT, pexpect.EOF) as error:
            raise Failure(
                f"The terminal never showed {text!r}. It ends with {self.shown.getvalue()[-500:]!r}"
            ) from error
        return self.child.before


def as_shown(text):
    """A text with the ends of lines that terminals have."""
    return text.replace("\n", "\r\n")
