"""One walk for all: nearest first, a shortest way to each node, and an end wherever somebody asks for it."""

from model.instance.breadth_first import BreadthFirst

ROADS = {"a": "bc", "b": "d", "c": "dea", "d": "f", "e": "f", "f": ""}


def walk(*starts, visit=lambda node: ""):
    return BreadthFirst(starts, lambda node: [(f"{node}{to}", to) for to in ROADS[node]], visit)


def test_levels_are_the_distances():
    made = walk("a")
    assert [["a"], ["b", "c"], ["d", "e"], ["f"]] == list(made.levels())
    assert 8 == made.edges


def test_the_way_to_a_node_is_the_first_of_the_shortest():
    """By b, which was reached before c."""
    made = walk("a")
    assert made.finished()
    assert (["ab", "bd", "df"], ["a", "b", "d", "f"]) == made.path("f")
    assert ([], ["a"]) == made.path("a")


def test_a_walk_may_have_several_starts():
    assert [["e", "b"], ["f", "d"]] == list(walk("e", "b").levels())


def test_a_walk_ends_where_visit_says_why():
    """What was reached until then is known, and the level that was not finished is not handed out."""
    made = walk("a", visit=lambda node: "enough" if node == "b" else "")
    assert [["a"], ["b", "c"]] == list(made.levels())
    assert "enough" == made.stopped
    assert list("abcd") == list(made.came)
    assert not walk("a", visit=lambda node: "enough").finished()


def test_nothing_is_followed_that_nobody_asks_for():
    made = walk("a")
    assert "a" == next(iter(made))
    assert 0 == made.edges
