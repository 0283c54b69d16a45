"""Label and field selectors: the query strings of list and watch, and the ``LabelSelector`` objects inside specs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from boatyard.machinery.meta import names
from boatyard.machinery.meta.errors import BadRequest
from boatyard.machinery.meta.objects import Object

_TERM = re.compile(r"(.*?)(!=|==|=)(.*)", re.DOTALL)
_ESCAPED = re.compile(r"([^\\,=]|\\[\\,=])*", re.DOTALL)
_TOKEN = re.compile(r"\s*(==|!=|[=!<>(),]|[^\s=!<>(),]+)")


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition on a label. ``operator`` is one of ``In NotIn Exists DoesNotExist Gt Lt``."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        if self.operator == "In":
            return labels.get(self.key) in self.values
        if self.operator == "Exists":
            return self.key in labels
        if self.operator == "DoesNotExist":
            return self.key not in labels
        value = labels.get(self.key)
        if self.operator == "NotIn":
            return value not in self.values
        try:
            have, bound = int(value or ""), int(self.values[0])
        except ValueError:
            return False
        return have > bound if self.operator == "Gt" else have < bound

    def __str__(self) -> str:
        if self.operator == "Exists":
            return self.key
        if self.operator == "DoesNotExist":
            return f"!{self.key}"
        if self.operator in ("Gt", "Lt"):
            return f"{self.key}{'>' if self.operator == 'Gt' else '<'}{self.values[0]}"
        if len(self.values) == 1:
            return f"{self.key}{'=' if self.operator == 'In' else '!='}{self.values[0]}"
        return f"{self.key} {'in' if self.operator == 'In' else 'notin'} ({','.join(sorted(self.values))})"


@dataclass(frozen=True, slots=True)
class LabelSelector:
    """Requirements that must all hold. Without any, everything matches (:attr:`nothing` aside)."""

    requirements: tuple[Requirement, ...] = ()
    nothing: bool = False
    """Matches no object: what an absent ``LabelSelector`` object means."""

    @classmethod
    def parse(cls, text: str) -> LabelSelector:
        """Read ``a=b,c!=d,e in (f,g),!h,i>1``. Raises BadRequest, worded as Kubernetes does."""
        return cls(tuple(_Parser(text).requirements()))

    @classmethod
    def from_object(cls, selector: Object | None) -> LabelSelector:
        """From ``{matchLabels, matchExpressions}``. None selects nothing, ``{}`` everything.
        Raises BadRequest on an unknown operator."""
        if selector is None:
            return cls(nothing=True)
        found = [Requirement(key, "In", (value,)) for key, value in sorted((selector.get("matchLabels") or {}).items())]
        for expression in selector.get("matchExpressions") or ():
            operator = expression.get("operator", "")
            if operator not in ("In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"):
                raise BadRequest(f'"{operator}" is not a valid label selector operator')
            found.append(Requirement(expression.get("key", ""), operator, tuple(expression.get("values") or ())))
        return cls(tuple(found))

    @classmethod
    def from_map(cls, labels: Mapping[str, str]) -> LabelSelector:
        """From a plain map, as in ``Service.spec.selector``. An empty map selects nothing."""
        return cls(tuple(Requirement(key, "In", (value,)) for key, value in sorted(labels.items())), nothing=not labels)

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether every requirement holds."""
        if self.nothing:
            return False
        for requirement in self.requirements:  # noqa: SIM110 - lists and watches ask this of every object
            if not requirement.matches(labels):
                return False
        return True

    def __bool__(self) -> bool:
        """Whether it narrows anything."""
        return self.nothing or bool(self.requirements)

    def __str__(self) -> str:
        return ",".join(str(requirement) for requirement in self.requirements)


class _Parser:
    def __init__(self, text: str) -> None:
        self.tokens = _TOKEN.findall(text)
        self.at = 0

    def requirements(self) -> list[Requirement]:
        found: list[Requirement] = []
        if not self.tokens:
            return found
        if not _begins(self._peek()):
            raise BadRequest(f"found '{self._peek()}', expected: !, identifier, or 'end of string'")
        while True:
            found.append(self._requirement())
            token = self._next()
            if not token:
                return found
            if token != ",":
                raise BadRequest(f"found '{token}', expected: ',' or 'end of string'")
            if not _begins(self._peek()):
                raise BadRequest(f"found '{self._peek()}', expected: identifier after ','")

    def _peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def _next(self) -> str:
        token = self._peek()
        self.at += 1
        return token

    def _key(self) -> str:
        key = self._next()
        if not _identifies(key):
            raise _refuse(f"found '{key}', expected: identifier")
        if wrong := names.qualified_name(key):
            raise _refuse(f'key: Invalid value: "{key}": {"; ".join(wrong)}')
        return key

    def _requirement(self) -> Requirement:
        if self._peek() == "!":
            self._next()
            return Requirement(self._key(), "DoesNotExist")
        key = self._key()
        operator = self._peek()
        if operator in ("", ","):
            return Requirement(key, "Exists")
        self._next()
        if operator in ("in", "notin"):
            return Requirement(key, "In" if operator == "in" else "NotIn", self._set(key))
        if operator in ("=", "==", "!="):
            value = self._exact()
            _check(key, [value])
            return Requirement(key, "NotIn" if operator == "!=" else "In", (value,))
        if operator in ("<", ">"):
            value = self._exact()
            if not re.fullmatch(r"[+-]?\d+", value):
                raise _refuse(f"values[0]: Invalid value: \"{value}\": for 'Gt', 'Lt' operators, the value must be an integer")
            return Requirement(key, "Gt" if operator == ">" else "Lt", (value,))
        raise _refuse(f"found '{operator}', expected: in, notin, =, ==, !=, gt, lt")

    def _exact(self) -> str:
        if self._peek() in ("", ","):
            return ""
        if not _identifies(value := self._next()):
            raise _refuse(f"found '{value}', expected: identifier")
        return value

    def _set(self, key: str) -> tuple[str, ...]:
        if (token := self._next()) != "(":
            raise _refuse(f"found '{token}' expected: '('")
        token = self._peek()
        if token not in (",", ")") and not _identifies(token):
            raise _refuse(f"found '{token}', expected: ',', ')' or identifier")
        values = self._several() if token != ")" else [""]
        self._next()
        _check(key, sorted(set(values)))
        return tuple(dict.fromkeys(values))

    def _several(self) -> list[str]:
        """Values up to the parenthesis that ends them; between two commas is the empty one."""
        values: list[str] = []
        while True:
            token = self._next()
            after = self._peek()
            if _identifies(token):
                values.append(token)
                if after not in (",", ")"):
                    raise _refuse(f"found '{after}', expected: ',' or ')'")
                if after == ")":
                    return values
            elif token != ",":
                raise _refuse(f"found '{token}', expected: ',', or identifier")
            else:
                if not values or after in (",", ")"):
                    values.append("")
                if after == ")":
                    return values
                if after == ",":
                    self._next()


def _identifies(token: str) -> bool:
    return token not in ("", "=", "==", "!=", "!", "<", ">", "(", ")", ",")


def _begins(token: str) -> bool:
    return token == "!" or _identifies(token)


def _check(key: str, values: list[str]) -> None:
    """Raises BadRequest for values that no label has."""
    wrong = [
        f'values[{index}][{key}]: Invalid value: "{value}": {"; ".join(told)}'
        for index, value in enumerate(values)
        if (told := names.label_value(value))
    ]
    if wrong:
        raise _refuse(wrong[0] if len(wrong) == 1 else f"[{', '.join(wrong)}]")


def _refuse(why: str) -> BadRequest:
    return BadRequest(f"unable to parse requirement: {why}")


@dataclass(frozen=True, slots=True)
class FieldRequirement:
    """``path = value`` or, with ``negated``, ``path != value``."""

    path: str
    value: str
    negated: bool = False

    def __str__(self) -> str:
        return f"{self.path}{'!=' if self.negated else '='}{_escape(self.value)}"


@dataclass(frozen=True, slots=True)
class FieldSelector:
    """Exact comparisons on fields. Which paths a kind allows is the registry's to say."""

    requirements: tuple[FieldRequirement, ...] = ()

    @classmethod
    def parse(cls, text: str) -> FieldSelector:
        """Read ``metadata.name=x,status.phase!=Running``; a backslash escapes ``, = \\``. Raises BadRequest."""
        found: list[FieldRequirement] = []
        for term in _split_terms(text):
            match = _TERM.fullmatch(term)
            if match is None:
                raise BadRequest(f"invalid selector: '{text}'; can't understand '{term}'")
            path, operator, value = match.groups()
            if path or value:
                found.append(FieldRequirement(path, _unescape(value, text), operator == "!="))
        return cls(tuple(found))

    def exactly(self, path: str) -> str | None:
        """The value that ``path`` must have, when there is such a requirement: it may allow a get in place of a scan."""
        return next((r.value for r in self.requirements if r.path == path and not r.negated), None)

    def matches(self, obj: Object) -> bool:
        """Whether every requirement holds; a field that isn't there is the empty string."""
        return all((field_text(obj, r.path) == r.value) != r.negated for r in self.requirements)

    def __bool__(self) -> bool:
        return bool(self.requirements)

    def __str__(self) -> str:
        return ",".join(str(requirement) for requirement in self.requirements)


def field_text(obj: Object, path: str) -> str:
    """The scalar below a dotted path as selectors compare it: booleans as ``true``/``false``, absent or not a scalar as empty."""
    value: Any = obj
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return as_text(value)


def as_text(value: Any) -> str:
    """A scalar as field selectors compare it; anything else is the empty string."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (str, int, float)) else ""


def _split_terms(text: str) -> list[str]:
    return re.findall(r"(?:[^\\,]|\\.|\\$)+", text)


def _escape(value: str) -> str:
    return re.sub(r"([\\,=])", r"\\\1", value)


def _unescape(value: str, text: str) -> str:
    if not _ESCAPED.fullmatch(value):
        raise BadRequest(f"invalid field selector: {text}")
    return re.sub(r"\\([\\,=])", r"\1", value)
