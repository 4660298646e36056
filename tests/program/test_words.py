"""An observer compares what it sees of a step with words of the design, or is refused."""

import pytest

from model import Flag
from model.designs.catalogue import find_property, gallery_designs, load
from model.errors import UsageError
from model.expr import always
from model.instance.problem import Problem
from model.program.design import record


def watching(looks):
    """A property whose observer asks `looks(step)`."""

    @always
    class watched:
        """Never seen."""

        seen = Flag("it was seen")

        def observe(step, before, s, me):
            if looks(step):
                s.seen = True

        def holds(s):
            return ~s.seen

    return watched


MISSPELT = {
    "operation": (lambda step: step.operation == "cleer", "the operation 'cleer', which PerSlotCache does not have"),
    "from the left": (lambda step: "cleer" == step.operation, "did you mean 'clear'?"),
    "differs": (lambda step: step.operation != "cleer", "did you mean 'clear'?"),
    "among others": (lambda step: step.operation in ("collect", "cleer"), "did you mean 'clear'?"),
    "step": (lambda step: step.name == "claered", "the step 'claered'"),
    "label": (lambda step: step.label == "clear.claered", "did you mean 'clear.cleared'?"),
    "thread": (lambda step: step.by == "client", "did you mean 'Client'?"),
    "part": (lambda step: "kernal" in step.writes, "the part 'kernal', which PerSlotCache does not have"),
    "read": (lambda step: "kernal" in step.reads, "did you mean 'kernel'?"),
}


@pytest.mark.parametrize("what", MISSPELT)
def test_a_word_that_the_design_does_not_have_is_refused(what):
    """It equals nothing, so nothing would be watched and the property hold."""
    looks, said = MISSPELT[what]
    with pytest.raises(UsageError) as caught:
        Problem.of(record(load("per-slot-cache")), watching(looks))
    assert said in caught.value.message
    assert "test_words.py" in caught.value.place.file


RIGHT = {
    "operation": lambda step: step.operation == "clear" and step.name == "cleared",
    "builtin sort": lambda step: step.by == "Vcpu",
    "unnamed": lambda step: step.name == "",
    "part": lambda step: "kernel" in step.writes and "cache" in step.reads,
    "set": lambda step: {"kernel", "user"} & step.writes,
    "other attributes": lambda step: step.first and not step.last,
}


@pytest.mark.parametrize("what", RIGHT)
def test_words_of_the_design_are_compared_as_ever(what):
    Problem.of(record(load("per-slot-cache")), watching(RIGHT[what]))


def test_built_in_properties_may_look_for_what_a_design_lacks():
    """`no_blind_clear` looks for a sync wherever it is asked."""
    for name in gallery_designs():
        try:
            Problem.of(record(load(name)), find_property("no_blind_clear"))
        except UsageError as reason:
            assert "it looks for" not in reason.message
