"""An owner at a terminal, who follows the message with their own credentials, the AWS CLI and an authenticator app."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pyotp

from emulator import REGION, Failure

WIDTH = 110


class Owner:
    """An IAM user who works with an access key of its own. Use it in a `with` block, which deletes the key."""

    def __init__(self, ministack, user):
        self.ministack, self.name = ministack, user.name

    def __enter__(self):
        self.key = self.ministack.client("iam").create_access_key(UserName=self.name)["AccessKey"]
        return self

    def __exit__(self, *_):
        self.ministack.client("iam").delete_access_key(UserName=self.name, AccessKeyId=self.key["AccessKeyId"])

    def client(self, service):
        return self.ministack.client(service, self.key["AccessKeyId"], self.key["SecretAccessKey"])

    def run(self, command):
        """Pastes a command into a shell, and returns what it prints."""
        keep = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        environment = keep | {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
            "AWS_ENDPOINT_URL": self.ministack.endpoint,
            "AWS_ACCESS_KEY_ID": self.key["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": self.key["SecretAccessKey"],
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }
        done = subprocess.run(["sh", "-c", command], check=False, env=environment, capture_output=True, text=True)
        if done.returncode != 0:
            raise Failure(f"{self.name} ran {command}, which failed: {done.stderr.strip()}")
        return done.stdout

    def read_secret(self, message, show=True):
        """Reads the user's secret with the line of the message. Python replaces the jq at its end."""
        command = command_in(message, "aws secretsmanager")
        if show:
            print_command(command)
        return json.loads(self.run(command.removesuffix(" | jq -r .qr_text")))

    def enable_device(self, message, secret):
        """Enables the prepared device with the line of the message, and returns the two codes that it took."""
        app = pyotp.parse_uri(secret["otpauth_uri"])
        now = time.time()
        codes = app.at(now), app.at(now + app.interval)
        command = command_in(message, "aws iam enable-mfa-device")
        command = command.replace("CODE1", codes[0]).replace("CODE2", codes[1])
        print_command(command)
        self.run(command)
        return codes

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


def command_in(message, start):
    """The one line of a message that begins with `start`, to be pasted."""
    lines = [line.strip() for line in message.splitlines() if line.strip().startswith(start)]
    if len(lines) != 1:
        raise Failure(f"The message should have one line with `{start}`, not {len(lines)}")
    return lines[0]


def print_command(command):
    """Prints a command on lines that fit, broken before its options."""
    line = "  $ "
    for number, part in enumerate(command.split(" --")):
        part = part if number == 0 else f" --{part}"
        if len(line) + len(part) > WIDTH:
            print(f"{line} \\")
            line = "     "
        line += part
    print(line)
