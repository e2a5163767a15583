"""How getting a file fails for good. What may be tried again, `TransferFailed`, stays inside this folder."""


class Unavailable(Exception):
    """One file could not be had; the message says why, `reason` is a key of `ssmttm.tables.REASONS`."""

    def __init__(self, message: str, reason: str = "unavailable") -> None:
        super().__init__(message)
        self.reason = reason


class NoSuchFile(Unavailable):
    """The server says that there is no such file."""
