"""The form of messages to owners for machines: every test that reads one validates it."""

import json
from pathlib import Path

import jsonschema

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "events/schema/notice.json").read_text())


def valid(message):
    """The message, which has the form that events/schema/notice.json describes."""
    notice = json.loads(message)
    jsonschema.Draft202012Validator(SCHEMA).validate(notice)
    return notice
