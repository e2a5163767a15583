"""Models without weights: their modules and shapes, to be counted."""

from collections.abc import Callable, Iterable
from typing import Any

from torch.overrides import TorchFunctionMode


class Outline(TorchFunctionMode):
    """A module that is built inside, as a context, gets weights that nothing fills, which take no memory until then.

    That is faster than torch's meta device, on which some of what fills weights imports torch's compiler, for seconds.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Iterable[type], args: Any = (), kwargs: Any = None
    ) -> Any:
        """Leave out what `torch.nn.init` does, and call all else."""
        if getattr(func, "__module__", None) == "torch.nn.init":
            return args[0] if args else kwargs["tensor"]
        return func(*args, **(kwargs or {}))
