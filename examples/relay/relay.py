"""An example: passes each notice of the owner topic on to its owner, as a direct message in a chat.

A Lambda function for Python 3.13, with nothing but the standard library, that is subscribed to the owner topic.
README.md says how. Chats differ: `in_chat` and `send` are the places to change.
"""

import http.client
import json
import logging
import os
import re
import unicodedata
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

SCHEMA = "mfa-warden.notice/1"
KINDS = {"invitation", "reminder", "quarantined", "enrolled", "withdrawn"}
COMMANDS = ("enroll", "show", "enable")

# For connecting and for the answer, each. Both together must be shorter than the function's own timeout: what Lambda
# ends says nothing of why.
TIMEOUT_SECONDS = 10

# The names that IAM allows. The name is logged, so no other text may pass for it.
USER = re.compile(r"[A-Za-z0-9_+=,.@-]{1,64}")
ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@([A-Za-z0-9.-]{1,253})")
ONE_LINE = re.compile(r"[ -~]+")
FENCE = "```"

# With these, chats begin code, quotations, tags, links with another label, and mentions such as <!here>.
HARMLESS = str.maketrans("`~<>[]", "'-()()")
# An @ that does not follow a letter or a digit, as it does in an address. Some chats find the words that call everybody
# even there.
MENTION = re.compile(r"(?<![^\W_])@|@(?=all|channel|everyone|here|room)", re.IGNORECASE)

LOG = logging.getLogger(__name__)
LOG.setLevel(logging.INFO)


class Refused(Exception):
    """The message, or the function's own settings, are not what they must be. Nothing was sent.

    Lambda logs the text of an exception. So it names the user and the kind at most, and quotes nothing.
    """


class NotDelivered(Exception):
    """The chat did not take the message."""


class Chat(NamedTuple):
    """The chat, and whom it may be used for."""

    url: SplitResult
    token: str
    domains: frozenset[str]


class Notice(NamedTuple):
    """What is passed on of a notice."""

    user: str
    kind: str
    recipient: str
    subject: str
    text: str
    commands: dict[str, str]

    def __str__(self):
        return f"the {self.kind} for {self.user}"


def handler(event, _context, environment=os.environ):
    """Sends the notices. Where one is refused or not delivered, Lambda tries twice more, and then gives up."""
    chat = read_settings(environment)
    # SNS puts one record into an event. If there ever are more: all are read before the first is sent, so that one that
    # is refused does not make the others go out again at each attempt.
    notices = [read_notice(record["Sns"]["Message"], chat.domains) for record in event["Records"]]
    for notice in notices:
        send(chat, notice)
        LOG.info("sent %s", notice)


def read_settings(environment):
    try:
        url = urlsplit(environment.get("CHAT_URL", ""))
        # Nobody on the way may read token and message. Only the tests' own server is on the same machine.
        is_private = url.scheme == "https" or (url.scheme, url.hostname) == ("http", "127.0.0.1")
        is_url = bool(is_private and url.hostname and url.port != 0)
    except ValueError:
        is_url = False
    if not is_url:
        raise Refused("CHAT_URL is not an https URL")
    # Anyone who may read the function's configuration can read its environment. A secret store is better: Secrets
    # Manager or Parameter Store, read once when the function starts.
    token = environment.get("CHAT_TOKEN", "").strip()
    # http.client would quote a token that does not fit into a header in its error, and Lambda would log that.
    if not re.fullmatch(r"[!-~]+", token):
        raise Refused("CHAT_TOKEN is empty, or holds characters that a header cannot")
    listed = environment.get("ALLOWED_DOMAINS", "").split(",")
    domains = frozenset(domain.strip().lower() for domain in listed if domain.strip())
    if not domains:
        raise Refused("ALLOWED_DOMAINS is empty")
    return Chat(url, token, domains)


def read_notice(message, domains):
    try:
        data = json.loads(message)
    except (ValueError, RecursionError):
        # `from None`, here and below: the cause quotes what it did not understand.
        raise Refused("the message is not JSON") from None
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise Refused(f"the message is not of the schema {SCHEMA}")

    user, kind = data.get("user"), data.get("kind")
    if not isinstance(user, str) or not USER.fullmatch(user):
        raise Refused("the user's name is not one that IAM allows")
    # A message of a kind that did not exist when this was written may need other words around it, or another recipient.
    if not isinstance(kind, str) or kind not in KINDS:
        raise Refused(f"the message for {user} is of a kind that is not known here")

    recipient = data.get("recipient")
    address = ADDRESS.fullmatch(recipient) if isinstance(recipient, str) else None
    if not address or address[1].lower() not in domains:
        raise Refused(f"the recipient of the {kind} for {user} is not an address in ALLOWED_DOMAINS")

    subject, text, commands = data.get("subject"), data.get("text"), data.get("commands")
    if not isinstance(subject, str) or not isinstance(text, str) or not isinstance(commands, dict):
        raise Refused(f"the {kind} for {user} lacks its subject, text or commands")
    offered = {name: commands[name] for name in COMMANDS if commands.get(name) is not None}
    for name, command in offered.items():
        # A command is shown as it is or not at all, so nothing in it can be replaced.
        if not isinstance(command, str) or not ONE_LINE.fullmatch(command) or FENCE in command:
            raise Refused(f"the command {name} of the {kind} for {user} does not fit into a code block")
    return Notice(user, kind, recipient, subject, text, offered)


def in_chat(notice):
    """Subject and text, with each command in a code block: there no chat makes quotes curly or dashes long."""
    commands = set(notice.commands.values())
    chat_lines = [words(notice.subject), ""]
    text_lines = notice.text.splitlines()
    # The text has its commands on lines of their own, indented, each after the step that says what to do with it.
    commands_in_text = {line.strip() for line in text_lines} & commands
    for line in text_lines:
        command = line.strip()
        chat_lines += code_block(command) if command in commands_in_text else [words(line)]
    enroll = notice.commands.get("enroll")
    if enroll and enroll not in commands_in_text:
        chat_lines += ["", *code_block(enroll)]
    return "\n".join(chat_lines)


def code_block(command):
    return [FENCE, command, FENCE]


def words(line):
    """A line that no chat reads as anything but words: no code, links with other labels, tags or mentions.

    mfa-warden writes none of these. User names may look like them, and one day something else may.
    """
    visible = "".join("?" if is_invisible(character) else character for character in line)
    return MENTION.sub("(at)", visible.translate(HARMLESS))


def is_invisible(character):
    """Control and format characters, among them those that reverse the order of what follows, and line separators."""
    category = unicodedata.category(character)
    return category.startswith("C") or category in {"Zl", "Zp"}


def send(chat, notice):
    url = chat.url
    connect = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    body = json.dumps({"to": notice.recipient, "text": in_chat(notice)})
    headers = {"Authorization": f"Bearer {chat.token}", "Content-Type": "application/json"}
    # http.client and not urllib.request: the latter follows redirects, and takes the token along to the other host.
    connection = connect(url.hostname, url.port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("POST", f"{url.path or '/'}{url.query and '?'}{url.query}", body, headers)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        raise NotDelivered(f"{notice} was not delivered: {type(error).__name__}") from None
    finally:
        connection.close()
    # The answer's body is not shown: chats repeat in it what they did not like.
    if not 200 <= status < 300:
        raise NotDelivered(f"{notice} was not delivered: the chat answered {status}")
