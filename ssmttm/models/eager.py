"""Keep a function out of torch.compile, without importing what compiles: that takes a second, and most never do."""

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

import torch

P = ParamSpec("P")
R = TypeVar("R")


def eager(function: Callable[P, R]) -> Callable[P, R]:
    """As `torch.compiler.disable`: a compiled caller calls `function` as it is."""

    disabled: list[Callable[P, R]] = []

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        if "torch._dynamo" not in sys.modules:
            return function(*args, **kwargs)
        if not disabled:
            disabled.append(cast(Callable[P, R], torch.compiler.disable(function)))
        return disabled[0](*args, **kwargs)

    cast(Any, call)._torchdynamo_disable = True  # a caller that is compiled doesn't look inside
    return call


def constant(function: Callable[P, R]) -> Callable[P, R]:
    """As `torch.compiler.assume_constant_result`: a compiled caller calls `function` once, while it is compiled."""
    cast(Any, function)._dynamo_marked_constant = True
    return function
