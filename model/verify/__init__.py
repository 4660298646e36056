"""One question about a design, and one result: verdict, counterexample, cause, narration. The Python API.

The words that a design is written with are in `model`; asking about a design is here:

>>> from model.verify import Limits, verify
>>> verify("top-layer", pages=1, limits=Limits(seconds=60))
<Result top-layer no_lost_write: refuted, 10 moves, 1 page, 2 clients>
"""

from model.instance.trace import Trace
from model.limits import Limits
from model.verdict import Proved, Refuted, Undetermined
from model.verify.api import designs, properties, verify
from model.verify.result import Result

__all__ = [
    "Limits",
    "Proved",
    "Refuted",
    "Result",
    "Trace",
    "Undetermined",
    "designs",
    "properties",
    "verify",
]
