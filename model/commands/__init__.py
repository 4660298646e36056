"""The other commands of `clearorder`, one a file; each is a thin face over what it shows."""
