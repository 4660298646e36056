"""Any number of pages and clients: a Program over uninterpreted sorts, and the search for its inductive invariant."""
