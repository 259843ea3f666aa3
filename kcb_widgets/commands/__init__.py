"""Commands: requests to change something, from a board, from Python or from another process.

Any thread may put a Command in the Inbox. Only the training thread takes them out.
"""

from ..record.values import Value
from .command import Command, Refused
from .inbox import Inbox
from .reply import Reply
from .validation import MAX_LEARNING_RATE, check_value, parse, text
from .verbs import MAX_NAME, VERBS, Verb

__all__ = [
    "MAX_LEARNING_RATE",
    "MAX_NAME",
    "VERBS",
    "Command",
    "Inbox",
    "Refused",
    "Reply",
    "Value",
    "Verb",
    "check_value",
    "parse",
    "text",
]
