"""The colour of each bitmap, the same in pages, pictures and the explorer."""

from __future__ import annotations

# Each has a contrast of at least 4.5 to its ground, as the cells of the pages have digits in them.
LIGHT = {
    "kernel": "#0550ae",
    "cache": "#6639ba",
    "user": "#116329",
    "mine": "#8a4600",
    "unread": "#a40e26",
    "spare0": "#0f5e6b",
    "spare1": "#99286e",
    "spare2": "#4d5200",
    "spare3": "#424a53",
}
DARK = {
    "kernel": "#79c0ff",
    "cache": "#d2a8ff",
    "user": "#7ee787",
    "mine": "#ffa657",
    "unread": "#ff938a",
    "spare0": "#76e3ea",
    "spare1": "#f778ba",
    "spare2": "#d9d375",
    "spare3": "#b1bac4",
}


def properties(colours: dict[str, str]) -> str:
    """`--kernel:#0550ae;--cache:...`: custom properties of a style sheet."""
    return ";".join(f"--{name}:{colour}" for name, colour in colours.items())
