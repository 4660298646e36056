"""What names may be, and how one is written where another language reads it as a word."""

from __future__ import annotations

from model.errors import DesignError, Place

LONGEST = 120  # characters of a name; a table and the name of a file hold it


def one_line(name: object, what: str, place: Place | None = None) -> str:
    """`name`, as text that stands on one line of a trace, a query or an export.

    Raises:
        DesignError: it is not text, is empty or longer than 120 characters, or has a character that does not print.
    """
    if not isinstance(name, str) or not name.strip():
        raise DesignError(f"{what} is {name!r}; a name is text that can be read.", place)
    if len(name) > LONGEST:
        raise DesignError(f"{what} has {len(name):,} characters; a name has at most {LONGEST}.", place)
    if not name.isprintable():
        wrong = next(c for c in name if not c.isprintable())
        raise DesignError(
            f"{what} is {name!r}, and {wrong!r} does not print. A name stands on one line of every trace, query and "
            f"export; write letters, digits, spaces and signs only.",
            place,
        )
    return name


def identifier(name: object, what: str, place: Place | None = None) -> str:
    """`name`, as a word of Python: what a part, an operation, a register, a parameter or a design is called.

    Raises:
        DesignError: it is none.
    """
    word = one_line(name, what, place)
    if not word.isidentifier():
        raise DesignError(f"{what} is called {word!r}; it needs a name as a Python variable has one.", place)
    return word


def word(prefix: str, name: str) -> str:
    """The name as an identifier of C and of Python; different names of one prefix are different identifiers.

    The one way by which a name reaches generated source. What is not plain ASCII is written in hexadecimal: Python
    takes some letters for each other, and C takes few.
    """
    plain = name.isascii() and name.isidentifier()
    return f"{prefix}_{name}" if plain else f"{prefix}x_{name.encode().hex()}"
