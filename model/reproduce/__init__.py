"""Losses of QEMU, brought about on a QEMU that the user names."""
