"""QEMU: its dirty bitmaps and their users, from the first proposals of 2019 to readings of today's code."""
