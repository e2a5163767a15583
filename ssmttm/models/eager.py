"""Functions that the compiler must leave alone, marked without importing it: that takes 2 s."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import torch

_marked: list[Callable[..., Any]] = []
_disabled: dict[int, Callable[..., Any]] = {}


def eager(function: Callable[..., Any]) -> Callable[..., Any]:
    """`torch.compiler.disable` for code that is compiled only after a call of `disable_eager`."""
    number = len(_marked)
    _marked.append(function)

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if torch.compiler.is_dynamo_compiling():
            return _disabled[number](*args, **kwargs)
        return function(*args, **kwargs)

    return call


def disable_eager() -> None:
    """Have the compiler leave out what is marked `eager`; to be called before anything is compiled."""
    for number, function in enumerate(_marked):
        _disabled.setdefault(number, torch.compiler.disable(function))
