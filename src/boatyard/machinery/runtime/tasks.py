"""Task groups of our own: ordered (asyncio's keeps a set, whose order changes from run to run) and loud."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from types import TracebackType
from typing import Any


class TaskGroup:
    """Runs tasks together: leaving the ``async with`` waits for all; the first failure cancels the rest and is raised.

    Several failures are raised as an ExceptionGroup (BaseExceptionGroup when one of them is no Exception). Cancelling whoever
    waits cancels all tasks, in the order of their start.
    """

    def __init__(self) -> None:
        self._tasks: dict[asyncio.Task[Any], None] = {}
        self._failures: list[BaseException] = []
        self._parent: asyncio.Task[Any] | None = None
        self._woken: asyncio.Future[None] | None = None
        self._stopping = False
        self._interrupted_parent = False
        self._in_body = False

    async def __aenter__(self) -> TaskGroup:
        self._parent = asyncio.current_task()
        self._in_body = True
        return self

    def start(self, coroutine: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Run ``coroutine`` as a task of this group. A group that is stopping starts nothing any more: the task is cancelled."""
        task = asyncio.get_running_loop().create_task(coroutine, name=name)
        self._tasks[task] = None
        task.add_done_callback(self._done)
        if self._stopping:
            task.cancel()
        return task

    def cancel(self) -> None:
        """End all tasks; the group then ends without an error."""
        self._stopping = True
        for task in list(self._tasks):
            task.cancel()

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.pop(task, None)
        if not task.cancelled() and (failure := task.exception()) is not None:
            self._failures.append(failure)
            self.cancel()
            if self._in_body and self._parent is not None and not self._interrupted_parent:
                self._interrupted_parent = True
                self._parent.cancel()
        if not self._tasks and self._woken is not None and not self._woken.done():
            self._woken.set_result(None)

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._in_body = False
        cancelled: BaseException | None = None
        alone = self._interrupted_parent and self._parent is not None and self._parent.uncancel() == 0
        if alone and isinstance(error, asyncio.CancelledError):
            error = None  # it was ours, made to leave the body
        if isinstance(error, asyncio.CancelledError):
            cancelled, error = error, None
        if error is not None or cancelled is not None:
            self.cancel()
        while self._tasks:
            self._woken = asyncio.get_running_loop().create_future()
            try:
                await self._woken
            except asyncio.CancelledError as request:
                cancelled = request
                self.cancel()
        failures = [*self._failures, *([error] if error is not None else [])]
        try:
            if len(failures) == 1:
                if failures[0] is not error:
                    raise failures[0]
            elif failures:
                raise BaseExceptionGroup("several tasks failed", failures)
            elif cancelled is not None:
                raise cancelled
        finally:
            self._failures, self._parent, error, cancelled = [], None, None, None
            failures.clear()
