"""Measures the release binary: package size, time from start to ready, and sweeps of large accounts.

This process runs a small Lambda Runtime API and moto, which the binary talks to. The time of a sweep is mostly the
emulator's; calls and memory are the function's own. The emulator returns all users on one page; AWS returns a thousand
per page.
"""

import argparse
import io
import json
import logging
import os
import queue
import statistics
import subprocess
import threading
import time
import urllib.request
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
from moto.iam.models import iam_backends
from moto.server import ThreadedMotoServer

ACCOUNT = "123456789012"
POLICY = f"arn:aws:iam::{ACCOUNT}:policy/{{}}"
ARN = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:mfa-warden"


class RuntimeApi:
    """The Lambda Runtime API: hands out events, takes answers, and notes when the function first asks."""

    def __init__(self):
        self.events, self.answers = queue.Queue(), queue.Queue()
        self.ready = threading.Event()
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                api.ready_at = time.perf_counter()
                api.ready.set()
                event = api.events.get()
                if event is None:
                    return
                self.send_response(200)
                self.send_header("Lambda-Runtime-Aws-Request-Id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
                self.send_header("Lambda-Runtime-Deadline-Ms", str(int(time.time() * 1000) + 900_000))
                self.send_header("Lambda-Runtime-Invoked-Function-Arn", ARN)
                self.send_header("Content-Length", str(len(event)))
                self.end_headers()
                self.wfile.write(event)

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()
                api.answers.put((self.path.rsplit("/", 1)[1], json.loads(body)))

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = f"127.0.0.1:{self.server.server_port}"


class Function:
    """The running binary."""

    def __init__(self, binary, endpoint):
        self.api = RuntimeApi()
        topics = {f"{kind}_TOPIC_ARN": f"arn:aws:sns:us-east-1:{ACCOUNT}:{kind.lower()}" for kind in ("OWNER", "OPS")}
        environment = topics | {
            "AWS_LAMBDA_RUNTIME_API": self.api.address,
            "AWS_LAMBDA_FUNCTION_NAME": "mfa-warden",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_LOG_LEVEL": "WARN",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_ENDPOINT_URL": endpoint,
            "MAX_PROVISIONS": "100000",
            "ENROLLMENT_POLICY_ARN": POLICY.format("mfa-warden-enrollment"),
            "QUARANTINE_POLICY_ARN": POLICY.format("mfa-warden-quarantine"),
        }
        started = time.perf_counter()
        self.process = subprocess.Popen([binary], env=environment, stdout=subprocess.DEVNULL)
        if not self.api.ready.wait(30):
            raise SystemExit("the function did not become ready")
        self.ready_ms = (self.api.ready_at - started) * 1000

    def invoke(self, event):
        started = time.perf_counter()
        self.api.events.put(json.dumps(event).encode())
        kind, answer = self.api.answers.get()
        if kind != "response":
            raise SystemExit(f"the function failed: {answer}")
        return answer, time.perf_counter() - started

    def peak_mib(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.api.events.put(None)


def package_mib(binary):
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.write(binary, "bootstrap")
    return len(package.getvalue()) / 1024**2


def populate(users, without_mfa):
    """Creates users in moto's memory: most have neither password nor MFA, some have a password and no MFA."""
    iam = iam_backends[ACCOUNT]["aws"]
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}]}
    for policy in ("mfa-warden-enrollment", "mfa-warden-quarantine"):
        iam.create_policy("", "/", json.dumps(document), policy, [])
    for number in range(users):
        name = f"user-{number}"
        iam.create_user("us-east-1", user_name=name)
        if number < without_mfa:
            iam.create_login_profile(name, "correct horse")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True)
    binary = parser.parse_args().binary
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    endpoint = "http://{}:{}".format(*moto.get_host_and_port())
    calls = []
    application = moto._server.app

    def counted(environ, start_response):
        calls.append(1)
        return application(environ, start_response)

    moto._server.app = counted

    starts = []
    for _ in range(20):
        function = Function(binary, endpoint)
        starts.append(function.ready_ms)
        function.stop()
    print(f"binary                         {os.path.getsize(binary) / 1024**2:8.2f} MiB")
    print(f"package (zip)                  {package_mib(binary):8.2f} MiB")
    spread = f"(min {min(starts):.1f}, max {max(starts):.1f})"
    print(f"start to ready, median of 20   {statistics.median(starts):8.1f} ms   {spread}")
    print()
    print("account                              calls     time   peak memory")
    sns, sqs = (
        boto3.client(
            name, endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="t", aws_secret_access_key="t"
        )
        for name in ("sns", "sqs")
    )
    for users, without_mfa in ((1000, 0), (1000, 10), (5000, 0), (5000, 500)):
        urllib.request.urlopen(urllib.request.Request(f"{endpoint}/moto-api/reset", method="POST")).read()
        for topic in ("owner", "ops"):
            sns.create_topic(Name=topic)
        # The function prepares nothing for owners that it cannot reach, so a queue takes all their messages.
        sqs.create_queue(QueueName="owners")
        queue, topic = (
            f"arn:aws:{service}:us-east-1:{ACCOUNT}:{name}" for service, name in (("sqs", "owners"), ("sns", "owner"))
        )
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
        populate(users, without_mfa)
        function = Function(binary, endpoint)
        calls.clear()
        answer, seconds = function.invoke({"action": "sweep"})
        assert answer["actions"]["provision"] == without_mfa and answer["failed"] == 0, answer
        account = f"{users} users, {without_mfa:>3} to provision"
        print(f"{account:32}  {len(calls):8} {seconds:7.1f}s {function.peak_mib():9.1f} MiB")
        function.stop()
    moto.stop()


if __name__ == "__main__":
    main()
