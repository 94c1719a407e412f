"""PromQL text parsed and checked without a server.

Stands between floors 0 and 1: config and prometheus both read PromQL, and only
this module knows the parser. Selectors and expressions are parsed, never
spliced as strings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import promql_parser

from slo.domain.selector import Matcher, Selector

if TYPE_CHECKING:
    from slo.domain.selector import MatchOp

# Pairs, because the parser's operators cannot be hashed.
_OPS: tuple[tuple[promql_parser.MatchOp, MatchOp], ...] = (
    (promql_parser.MatchOp.Equal, "="),
    (promql_parser.MatchOp.NotEqual, "!="),
    (promql_parser.MatchOp.Re, "=~"),
    (promql_parser.MatchOp.NotRe, "!~"),
)
WINDOW = "$window"


class PromQLError(ValueError):
    """The text is no PromQL of the wanted kind; the message says why."""


def parse_selector(text: str) -> Selector:
    """The selector that `text` writes, such as `http_requests_total{code=~"5.."}`.

    Ranges, offsets, functions and `or` inside braces are refused: counting needs the plain series.
    """
    expression = _parse(text)
    if not isinstance(expression, promql_parser.VectorSelector):
        raise PromQLError(
            f"{text!r} is an expression; a plain selector is needed, such as "
            'http_requests_total{job="api"}, without function, range or operator'
        )
    if expression.offset is not None or expression.at is not None:
        raise PromQLError(f"{text!r} must not have an offset or @")
    if expression.matchers.or_matchers:
        raise PromQLError(f"{text!r} must not use `or` between matchers")
    name = expression.name
    matchers = []
    for matcher in expression.matchers.matchers:
        op = next(text for known, text in _OPS if known == matcher.op)
        if matcher.name == "__name__" and op == "=":
            name = matcher.value
        else:
            matchers.append(Matcher(matcher.name, op, matcher.value))
    return Selector(name, tuple(sorted(set(matchers))))


def ensure_expression(text: str, *, windowed: bool = False) -> None:
    """Refuse `text` unless it is PromQL that gives an instant vector or a scalar.

    With `windowed` it must use `$window` as its range.
    """
    if windowed and WINDOW not in text:
        raise PromQLError(f"{text!r} must use {WINDOW} as its range, as in increase(x[{WINDOW}])")
    expression = _parse(text.replace(WINDOW, "75s") if windowed else text)
    while isinstance(expression, promql_parser.ParenExpr):
        expression = expression.expr
    if isinstance(expression, promql_parser.MatrixSelector | promql_parser.SubqueryExpr):
        raise PromQLError(f"{text!r} gives a range of samples; wrap it, as in max_over_time(...)")
    if isinstance(expression, promql_parser.StringLiteral):
        raise PromQLError(f"{text!r} is a string, not a value")


def _parse(text: str) -> promql_parser.Expr:
    try:
        return promql_parser.parse(text)
    except ValueError as error:
        raise PromQLError(f"{text!r} is not PromQL: {error}") from None
