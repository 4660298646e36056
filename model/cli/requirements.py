"""What is said where a package that clearorder needs is not installed. Needs nothing but Python itself."""

from __future__ import annotations

INSTALL = "python3 -m venv .venv && . .venv/bin/activate && pip install -q ."
NEEDED = ("click", "jinja2", "networkx", "numpy", "qemu", "rich", "scipy", "z3")


def not_installed(missing: ModuleNotFoundError) -> str:
    """Which package is missing and the line that installs it; empty where it is none of ours."""
    package = (missing.name or "").partition(".")[0]
    if package not in NEEDED:
        return ""
    return f"the Python package {package} is not installed here. In a clone of clearorder, type\n  {INSTALL}"
