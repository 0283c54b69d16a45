"""Lines out of chunks."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

from hypothesis import given
from hypothesis import strategies as st

from boatyard.machinery.client.lines import decoded_lines


@given(st.lists(st.dictionaries(st.text(), st.integers())), st.lists(st.integers(1, 20)), st.booleans())
async def test_chunks_may_break_anywhere(values: list[dict], sizes: list[int], cut: bool) -> None:
    data = b"".join(json.dumps(value).encode() + b"\n" for value in values) + (b'{"half' if cut else b"")

    async def chunks() -> AsyncIterator[bytes]:
        at = 0
        for size in [*sizes, len(data) + 1]:
            if data[at : at + size]:
                yield data[at : at + size]
            at += size

    assert [value async for value in decoded_lines(chunks())] == values
