"""Liveness: a design that goes on reporting what was read costs copies for ever."""

from model.expr import NONE, PAGES, eventually, every


@eventually
class bitmaps_drain:
    """Once nobody writes any more, every bitmap becomes empty and stays empty, `unread` included.

    A bitmap is every set of pages that the design declares. Of a design with sets of another meaning, such as the
    pages that are armed or mapped, that asks too much.
    """

    needs = ("unread",)

    def cases(program):
        return [v.name for v in program.variables if v.role == "part" and v.sort == PAGES]

    def holds(s, case):
        part = getattr(s, case)
        sort = getattr(part, "sort_of_index", None)
        return every(sort, lambda each: part[each] <= NONE) if sort else part <= NONE
