"""The one exception that is shown to the user as a message instead of a traceback."""


class UserError(Exception):
    """Bad input: says what is wrong, where (file, row, key) and what to do about it."""
