"""Runs the mailer's code of template.yaml against a stand-in for boto3: mailer.test.js says what it should do.

Reads the code and the recipients from standard input, and prints what it has SES send to each, or its error's kind.
"""

import json
import os
import sys
from types import SimpleNamespace

given = json.load(sys.stdin)
sent = []
os.environ["MAIL_FROM"] = given["mail_from"]
ses = SimpleNamespace(send_email=lambda **mail: sent.append(mail))
sys.modules["boto3"] = SimpleNamespace(client={"sesv2": ses}.__getitem__)
mailer = {}
exec(given["code"], mailer)  # noqa: S102 (the code is the template's own)

results = []
for recipient in given["recipients"]:
    attributes = {"recipient": {"Type": "String", "Value": recipient}}
    notice = json.dumps({"schema": "mfa-warden.notice/1", "text": "Hello,"})
    message = {"Subject": "Set up MFA", "Message": notice, "MessageAttributes": attributes}
    try:
        mailer["handler"]({"Records": [{"Sns": message}]}, None)
        results.append(sent.pop())
    except ValueError as error:
        results.append(type(error).__name__)
    if sent:
        sys.exit(f"more than one mail for {recipient!r}")
json.dump(results, sys.stdout)
