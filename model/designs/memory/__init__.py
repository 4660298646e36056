"""The same shape in Linux itself: page tables, write-back, soft-dirty bits."""
