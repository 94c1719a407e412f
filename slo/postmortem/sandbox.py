"""The sandbox that templates run in: no files, no attributes of Python, no endless work.

Every value that a template writes is escaped for Markdown, unless it is Markdown
already. What a template may do is bounded by steps (rounds of loops, calls) and
by characters, so that a mistake in it ends as an error and not as a service that
hangs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from jinja2 import StrictUndefined, Undefined, nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import BlockReference, LoopContext, Macro
from jinja2.sandbox import SandboxedEnvironment
from jinja2.visitor import NodeTransformer

from slo.domain.postmortem import LONGEST_BODY
from slo.postmortem.markdown import Markdown, code_block, code_span, escape, link

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from jinja2.runtime import Context

LONGEST_TEMPLATE = 100_000
"""Characters of a template's source."""
MOST_STEPS = 20_000
"""Rounds of loops and calls of one rendering."""

_EACH, _TEXT = "counted rounds", "one text"
"""Filters that no template can name."""
_FILTERS = (
    "abs capitalize count default d dictsort first float groupby int items last length list lower"
    " map max min reject rejectattr reverse round select selectattr sort string sum title trim"
    " truncate unique upper wordcount"
)
_GLOBALS = ("range", "dict", "namespace")
_METHODS: dict[type, set[str]] = {
    str: {"endswith", "lower", "split", "startswith", "strip", "title", "upper"},
    dict: {"get", "items", "keys", "values"},
}
_REFUSED = (nodes.AssignBlock, nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)
_MOST_BITS = 256


class TemplateTooLongError(ValueError):
    """The template, or what it writes, is longer than allowed."""


def render(source: str, values: Mapping[str, Any]) -> str:
    """What the template writes, at most 200,000 characters.

    `values` are plain data. Raises `jinja2.TemplateError` for a template that is
    wrong or leaves the sandbox, `TemplateTooLongError` for one that is or writes
    too much, and whatever else its expressions raise.
    """
    if len(source) > LONGEST_TEMPLATE:
        raise TemplateTooLongError(
            f"the template has {len(source):,} characters; at most {LONGEST_TEMPLATE:,} are read"
        )
    parts, length = [], 0
    for part in _Sandbox().from_string(source).generate(**values):
        length += len(part)
        if length > LONGEST_BODY:
            raise TemplateTooLongError(f"the template writes over {LONGEST_BODY:,} characters")
        parts.append(part)
    return "".join(parts)


class _Sandbox(SandboxedEnvironment):
    """A sandbox for one rendering; it counts the steps."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self) -> None:
        super().__init__(
            loader=None,
            autoescape=False,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=StrictUndefined,
            finalize=_finalized,
            cache_size=0,
        )
        self.steps = 0
        self.filters = {
            **{name: self.filters[name] for name in _FILTERS.split()},
            "code": code_span,
            "block": code_block,
            "join": self._join,
            "link": link,
            _EACH: self._each,
            _TEXT: _joined,
        }
        self.globals = {name: self.globals[name] for name in _GLOBALS}

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Values of data only, and the few methods that cannot make a text grow."""
        for kind, allowed in _METHODS.items():
            if isinstance(obj, kind):
                return attr in allowed
        return not isinstance(obj, list) and super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> None:  # noqa: ARG002 -- jinja2's signature.
        """No way to `str.format`, whose widths have no bound."""
        return

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Calls, counted; what macros and blocks write was escaped when they wrote it."""
        self._step()
        result = super().call(context, obj, *args, **kwargs)
        if isinstance(obj, Macro | BlockReference | LoopContext):
            return Markdown(_short(result))
        return result

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Arithmetic, where it cannot grow without end."""
        if operator == "+" and isinstance(left, str) and isinstance(right, str):
            return _joined([left, right])
        numbers = isinstance(left, int | float) and isinstance(right, int | float)
        bits = sum(n.bit_length() for n in (left, right) if isinstance(n, int))
        if operator == "**" or not numbers or bits > _MOST_BITS:
            raise SecurityError(f"a postmortem's template cannot do this with {operator!r}")
        return super().call_binop(context, operator, left, right)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        """The template with counted loops; refuses what could grow unseen, or reads files."""
        tree = super()._parse(source, name, filename)
        for node in tree.find_all(_REFUSED):
            word = type(node).__name__
            raise SecurityError(f"line {node.lineno}: a postmortem's template knows no {word}")
        return cast("nodes.Template", _Bounding().visit(tree))

    def _each(self, values: Iterable[Any]) -> Iterator[Any]:
        for value in values:
            self._step()
            yield value

    def _join(self, values: Iterable[Any], between: str = "") -> str:
        parts: list[Any] = []
        for value in self._each(values):
            parts += [between, value] if parts else [value]
        return _joined(parts)

    def _step(self) -> None:
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise SecurityError(f"the template takes over {MOST_STEPS:,} steps")


class _Bounding(NodeTransformer):
    """Leads loops and `~` through filters that count."""

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802 -- jinja2's name.
        """A loop over counted rounds."""
        self.generic_visit(node)
        node.iter = _filtered(node.iter, _EACH)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802 -- jinja2's name.
        """A text of at most the length of a body."""
        self.generic_visit(node)
        return _filtered(nodes.List(node.nodes, lineno=node.lineno), _TEXT)


def _filtered(node: nodes.Node, name: str) -> nodes.Filter:
    return nodes.Filter(cast("nodes.Expr", node), name, [], [], None, None, lineno=node.lineno)


def _joined(parts: Iterable[Any]) -> str:
    """The parts as one text; Markdown if one of them is, the others escaped then."""
    texts = [_written(part) for part in parts]
    if sum(map(len, texts)) > LONGEST_BODY:
        raise TemplateTooLongError(f"the template writes over {LONGEST_BODY:,} characters")
    if any(isinstance(text, Markdown) for text in texts):
        return Markdown("".join(map(escape, texts)))
    return "".join(texts)


def _finalized(value: Any) -> str:
    """What an expression writes."""
    return escape(_written(value))


def _written(value: Any) -> str:
    """A plain value as text; None is nothing."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, int | float | Undefined):
        return str(value)  # Of what is undefined, that raises an error with its name.
    raise SecurityError(f"a {type(value).__name__} cannot be written; loop over it, or name a part")


def _short(text: str) -> str:
    if len(text) > LONGEST_BODY:
        raise TemplateTooLongError(f"the template writes over {LONGEST_BODY:,} characters")
    return text
