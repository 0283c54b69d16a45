"""Who is next: start-time fair queueing over a number of seats. Decisions only: no clock, no tasks, no I/O.

Every user has a queue. A request takes as many seats as it is wide. Who has had the least so far is next; having had nothing for a
while saves nothing up. So of two users who always have something waiting, neither gets ahead of the other by more than the widest
request, however many connections one of them has. (Goyal, Vin and Cheng, "Start-time Fair Queueing", SIGCOMM 1996; Kubernetes' API
priority and fairness is of the same family.)
"""

from __future__ import annotations

from collections import deque

PASSES = 32
"""So many requests of a user go before a wider one of his, for which he has too many seats already; then they wait behind it."""


class Ticket:
    """One request's place: waiting, seated, or lost to another."""

    __slots__ = ("lost", "passed", "seated", "user", "width")

    def __init__(self, user: str, width: int) -> None:
        self.user, self.width = user, width
        self.seated = self.lost = False
        self.passed = 0
        """How many went before it that came later."""


class Full(Exception):
    """Too many requests of this user wait already."""


class _User:
    """A user with something waiting or seated."""

    __slots__ = ("seats", "served", "waiting")

    def __init__(self) -> None:
        self.waiting: deque[Ticket] = deque()
        self.seats = 0
        self.served = 0
        """What it has had, on a scale common to all users."""


class FairQueue:
    """Seats for one sort of request."""

    def __init__(self, seats: int, *, share: int, queue: int, queues: int) -> None:
        """``share``: how many seats one user may have; ``queue`` and ``queues``: how many requests of one user, and of all, may
        wait."""
        self._seats, self._share, self._queue, self._queues = seats, share, queue, queues
        self._taken = 0
        self._waiting = 0
        self._served = 0
        self._users: dict[str, _User] = {}

    @property
    def taken(self) -> int:
        """Seats taken."""
        return self._taken

    @property
    def waiting(self) -> int:
        """Requests that wait."""
        return self._waiting

    def ask(self, user: str, width: int) -> tuple[Ticket, Ticket | None]:
        """A place for a request; ``seated`` tells whether it may begin. The second ticket lost its place to it and is to be
        refused.

        A width above what one user may have is taken for that much. Raises Full.
        """
        ticket = Ticket(user, max(1, min(width, self._share)))
        mine = self._users.get(user)
        if mine is None:
            mine = self._users[user] = _User()
        if not mine.waiting:
            # Who was away begins where the others are.
            mine.served = max(mine.served, self._served)
        if not self._waiting and self._taken + ticket.width <= self._seats and self._has_share(mine, ticket):
            self._seat(mine, ticket)
            return ticket, None
        lost: Ticket | None = None
        try:
            if len(mine.waiting) >= self._queue:
                raise Full
            if self._waiting >= self._queues:
                lost = self._longest(len(mine.waiting))
        except Full:
            self._forget(user, mine)
            raise
        mine.waiting.append(ticket)
        self._waiting += 1
        # Others may wait only because their users have their share.
        self._next()
        return ticket, lost

    def leave(self, ticket: Ticket) -> list[Ticket]:
        """A request is over, or gives up waiting. Gives those who may begin now."""
        if ticket.lost:
            return []
        user = self._users[ticket.user]
        if ticket.seated:
            self._taken -= ticket.width
            user.seats -= ticket.width
        else:
            user.waiting.remove(ticket)
            self._waiting -= 1
        self._forget(ticket.user, user)
        return self._next() if self._waiting else []

    def _next(self) -> list[Ticket]:
        seated: list[Ticket] = []
        while self._waiting:
            # Ties go to who came first: dictionaries keep that order.
            following = ((user, self._following(user)) for user in self._users.values() if user.waiting)
            candidates = [(user, ticket) for user, ticket in following if ticket is not None]
            if not candidates:
                break
            user, ticket = min(candidates, key=lambda candidate: candidate[0].served)
            if self._taken + ticket.width > self._seats:
                # Nobody narrower goes before it, or the wide would never have their turn.
                break
            if ticket is not user.waiting[0]:
                user.waiting[0].passed += 1
            user.waiting.remove(ticket)
            self._waiting -= 1
            self._seat(user, ticket)
            seated.append(ticket)
        return seated

    def _following(self, user: _User) -> Ticket | None:
        """His next: the first, or while there is no room in his share for that one, another for which there is."""
        first = user.waiting[0]
        if self._has_share(user, first):
            return first
        if first.passed >= PASSES:
            return None
        return next((ticket for ticket in user.waiting if self._has_share(user, ticket)), None)

    def _forget(self, name: str, user: _User) -> None:
        if not user.waiting and not user.seats:
            del self._users[name]

    def _has_share(self, user: _User, ticket: Ticket) -> bool:
        return user.seats + ticket.width <= self._share

    def _seat(self, user: _User, ticket: Ticket) -> None:
        ticket.seated = True
        # The common clock: what the one who begins now has had.
        self._served = max(self._served, user.served)
        user.served += ticket.width
        user.seats += ticket.width
        self._taken += ticket.width

    def _longest(self, mine: int) -> Ticket:
        """The latest of who has the most waiting. Raises Full when that is who asks."""
        user = max(self._users.values(), key=lambda user: len(user.waiting))
        if len(user.waiting) <= mine + 1:
            raise Full
        self._waiting -= 1
        ticket = user.waiting.pop()
        ticket.lost = True
        return ticket
