"""Keeps the secrets that URLs may hold out of files and messages."""

import re


def redacted(url: str) -> str:
    """A URL without the user and password that it, or its query, may hold."""
    if "://" not in url:
        return url
    return re.sub(r"\?.*", "", _without_user(url))


def first_line(error: BaseException) -> str:
    """An error in one line, without a password that a URL in it may hold."""
    text = (str(error).splitlines() or [""])[0]
    text = re.sub(r"(://\S*?)\?\S*", r"\1", _without_user(text))
    return f"{type(error).__name__}: {text}"[:300]


def _without_user(text: str) -> str:
    """A text without what is before the @ of a URL in it."""
    return re.sub(r"://\S*@", "://", text)
