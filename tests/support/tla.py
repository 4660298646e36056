"""What the TLA+ grammar of tree-sitter cannot read."""

import warnings

import pytest


def errors(text):
    """Places that the TLA+ grammar of tree-sitter cannot read."""
    grammar, parser = pytest.importorskip("tree_sitter_tlaplus"), pytest.importorskip("tree_sitter")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the grammar's package hands over an int
        language = parser.Language(grammar.language())
    found, todo = [], [parser.Parser(language).parse(text.encode()).root_node]
    while todo:
        node = todo.pop()
        found += [node.text] if node.type == "ERROR" or node.is_missing else []
        todo += node.children
    return found
