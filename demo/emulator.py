"""Starts MiniStack, an emulator of AWS, for as long as it is needed, and leaves nothing behind.

The emulator runs as a child process. Its standard input is a pipe from the parent process. When that pipe closes,
however the parent ended, the child removes its files and ends, together with the functions that it runs.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

import boto3
from botocore.config import Config

ACCOUNT = "123456789012"
REGION = "us-east-1"

START_SECONDS = 60


class Failure(Exception):
    """An error that is shown to the user in one sentence, without a stack trace."""


class MiniStack:
    """A running emulator. Use it in a `with` block."""

    def __enter__(self):
        self.directory = Path(tempfile.mkdtemp(prefix="mfa-warden-"))
        self.log = self.directory / "ministack.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-I", __file__, str(self.directory)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment(self.directory),
                # Control-C reaches every process of the terminal's group. The parent ends MiniStack in its own time.
                start_new_session=True,
            )
        try:
            port = self.process.stdout.readline().strip().decode()
            if not port:
                raise self.failure("MiniStack did not start")
            self.endpoint = f"http://127.0.0.1:{port}"
            self.wait_until_healthy()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.process.stdout.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def wait_until_healthy(self):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise self.failure("MiniStack ended while it started")
            try:
                with urllib.request.urlopen(f"{self.endpoint}/_ministack/health", timeout=5) as answer:
                    json.load(answer)
                    return
            except (OSError, ValueError):
                time.sleep(0.1)
        raise self.failure(f"MiniStack was not healthy after {START_SECONDS} s")

    def failure(self, sentence):
        lines = self.log.read_text(errors="replace").splitlines()[-15:]
        return Failure("\n".join([f"{sentence}. The end of its log:", *lines]))

    def client(self, service, access_key="test", secret_key="test"):
        """A client of the emulated account: as its root, or with a user's own access key."""
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=access_key,
            aws_secret_access_key=secret_key,
            # An invocation may take as long as the function's timeout.
            config=Config(read_timeout=900, retries={"max_attempts": 1}),
        )


def environment(directory):
    """The environment of the emulator and of the function. It has none of the caller's AWS settings."""
    keep = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return keep | {
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "MINISTACK_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
        # Everything that the emulator writes goes to a directory that is removed with it.
        "TMPDIR": str(directory),
        "STATE_DIR": str(directory / "state"),
        "S3_DATA_DIR": str(directory / "s3"),
    }


def serve(directory):
    """The child process: prints its port, serves until its standard input ends, removes its directory."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))  # a free port, which nobody else can take from here on
    port = listener.getsockname()[1]
    # MiniStack reads these when it is imported. It hands AWS_ENDPOINT_URL on to the functions that it runs.
    os.environ.update(
        GATEWAY_PORT=str(port),
        MINISTACK_HOST="127.0.0.1",
        AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}",
    )

    def end_with_stdin():
        sys.stdin.buffer.read()
        shutil.rmtree(directory, ignore_errors=True)
        os.killpg(0, signal.SIGKILL)  # this process and the functions it started: they have their own session

    threading.Thread(target=end_with_stdin, daemon=True).start()

    import asyncio

    from hypercorn.asyncio import serve as hypercorn
    from hypercorn.config import Config as HypercornConfig
    from ministack.app import app

    config = HypercornConfig()
    config.bind = [f"fd://{listener.detach()}"]
    print(port, flush=True)
    asyncio.run(hypercorn(app, config))


if __name__ == "__main__":
    serve(sys.argv[1])
