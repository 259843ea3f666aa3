"""Inbox: where commands wait for the training thread."""

from __future__ import annotations

from collections import deque

from .command import Command
from .reply import Reply


class Inbox:
    """Where commands wait for the next batch boundary. Any thread may put: a deque needs no lock."""

    def __init__(self) -> None:
        self.waiting: deque[Command] = deque()  # tested before every batch: an attribute is cheaper than a call

    def put(self, command: Command) -> Reply:
        """Leave a command for the training thread."""
        self.waiting.append(command)
        return command.reply

    def put_back(self, commands: list[Command]) -> None:
        """Leave commands for later, before those that have come since."""
        self.waiting.extendleft(reversed(commands))

    def take_back(self, command: Command) -> bool:
        """Take one command out again; False where it is being carried out, or refused, already."""
        try:
            self.waiting.remove(command)
        except (ValueError, IndexError):  # it is gone, or the training thread empties the inbox just now
            return False
        return True

    def drain(self) -> list[tuple[Command, list[Command]]]:
        """Take everything out: the last command of each key, in order of arrival, each with those it supersedes.

        The last is the one that was asked for last: a browser's message may have waited for a cell to end.
        """
        groups: list[list[Command]] = []
        latest: dict[str, list[Command]] = {}
        while True:
            try:
                command = self.waiting.popleft()
            except IndexError:
                break
            if command.counts:  # an undo takes back what was asked for before it, and not what comes after it
                groups += [*latest.values(), [command]]
                latest = {}
                continue
            earlier = latest.pop(command.key, [])
            latest[command.key] = [*earlier, command]
        groups = [sorted(commands, key=lambda each: each.requested) for commands in [*groups, *latest.values()]]
        return [(commands[-1], commands[:-1]) for commands in groups]

    def has(self, name: str) -> bool:
        """Whether a command of this name waits."""
        return any(command.name == name for command in tuple(self.waiting))
