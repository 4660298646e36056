"""A design with a slip in one operation, as a user writes it in a file."""

HEAD = """\
from model import NONE, Client, Design, Flag, Lock, Pages, Vcpu, choose, every, every_client, operation, wait_for


class Mine(Design):
    '''A design with one thing wrong.'''

    kernel = Pages("the log")
    unread = Pages("ghost", per=Client)
    perv = Pages("per vCPU", per=Vcpu)
    flag = Flag("a flag")
    lock = Lock("a lock")

    @operation
    def clear(s, me, page):
"""


def write_design(directory, body):
    """A file my_design.py with one operation that has this body."""
    file = directory / "my_design.py"
    file.write_text(HEAD + "        " + body + "\n")
    return file
