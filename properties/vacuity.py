"""Checks against vacuity: a design in which nothing happens satisfies everything."""

from model.expr import sometimes


@sometimes
def something_happens(s, program):
    """Every step fires, every bitmap fills, every flag is set, and every client reads a page."""
    for step in program.steps:
        yield f"{step.label} fires", program.fires(step)
    for variable in program.variables:
        if variable.role == "part":
            yield f"{variable.name} is not empty", program.fills(variable)
