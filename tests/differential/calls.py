"""Random sequences of calls: each verb as often as it deserves."""

from __future__ import annotations

from random import Random

from .applies import apply
from .call import Call
from .definitions import define
from .deletes import clear, delete
from .documents import Draw, right
from .draw import chance, of
from .json_patches import json_patch
from .kinds import CUSTOM, KINDS
from .nowhere import odd
from .patches import merge, strategic
from .reads import get, listing, watch
from .subresources import scale, status
from .writes import create, update

VERBS = (
    *[create] * 16,
    *[get] * 7,
    *[listing] * 11,
    *[update] * 12,
    *[merge] * 10,
    *[json_patch] * 7,
    *[strategic] * 8,
    *[apply] * 16,
    *[delete] * 6,
    clear,
    *[watch] * 3,
    odd,
    *[define] * 2,
    *[status] * 8,
)


def call(draw: Draw, kinds: tuple[str, ...]) -> Call:
    """Any call about one of the kinds."""
    kind = KINDS[of(draw, kinds)]
    make = of(draw, VERBS)
    name = of(draw, kind.names[:2] if make is not get else kind.names)
    if make is status:
        if kind.scale and chance(draw, 40):
            make = scale
        elif kind.status is None and chance(draw, 90):
            make = apply
    if make is watch and not kind.namespaced:
        make = listing
    if make.__name__ in kind.skip:
        make = merge
    if make is strategic and kind.name in CUSTOM and chance(draw, 90):
        make = merge
    return make(draw, kind, name)


def sequence(seed: str) -> list[Call]:
    """Calls about one or two kinds, most of which are there when they are asked for. The same for the same seed."""
    draw = Random(seed)
    kinds = tuple(dict.fromkeys(of(draw, tuple(KINDS)) for _ in range(draw.randint(1, 2))))
    begin = [
        Call("create", "POST", KINDS[kind].path, (), right(draw, KINDS[kind], name))
        for kind in kinds
        for name in KINDS[kind].names[:2]
        if chance(draw, 75)
    ]
    return begin + [call(draw, kinds) for _ in range(draw.randint(6, 16))]
