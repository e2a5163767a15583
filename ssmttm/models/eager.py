"""Keep a function out of torch.compile, without importing what compiles: that takes a second, and most never do."""

import sys
from collections.abc import Callable
from functools import cache, wraps
from typing import Any, ParamSpec, TypeVar, cast

import torch

P = ParamSpec("P")
R = TypeVar("R")


def eager(function: Callable[P, R]) -> Callable[P, R]:
    """As `torch.compiler.disable`: a compiled caller calls `function` as it is."""

    @cache
    def disabled() -> Callable[P, R]:
        return cast(Callable[P, R], torch.compiler.disable(function))

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        return (disabled() if "torch._dynamo" in sys.modules else function)(*args, **kwargs)

    cast(Any, call)._torchdynamo_disable = True  # a caller that is compiled doesn't look inside
    return call
