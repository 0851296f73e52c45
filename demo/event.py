"""Tries one event: deploys the function to an emulated account, invokes it with the event, and prints the answer."""

import argparse
import datetime
import json
import sys
from pathlib import Path

import account
from emulator import Failure, MiniStack
from stack import Stack, key_value


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bootstrap", required=True, help="the function's binary")
    parser.add_argument("--parameter", action="append", default=[], type=key_value, help="Key=Value of the template")
    parser.add_argument("event", type=Path, help="a file with the event's JSON")
    arguments = parser.parse_args()
    try:
        event = json.loads(arguments.event.read_text())
    except (OSError, ValueError) as error:
        raise Failure(f"No event in {arguments.event}: {error}") from error
    with MiniStack() as ministack:
        stack = Stack(ministack, arguments.bootstrap, dict(arguments.parameter))
        # The samples in events/ are about alice.
        alice = account.User("alice", "non_compliant", tags={"email": "alice@example.com"})
        account.create(ministack.client("iam"), [*account.users(datetime.date.today()), alice])
        try:
            print(json.dumps(stack.invoke(event), indent=2, ensure_ascii=False))
        finally:
            print("\n".join(stack.logs()), file=sys.stderr)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
    except Failure as failure:
        sys.exit(str(failure))
