"""The end-to-end form of safety: it decides what is called a loss."""

from model.expr import MIGRATION, NONE, Client, DesignError, Flag, Guest, always, idle, operation, wait_for


@always
class no_lost_write:
    """Once the guest has stopped and a client has synced and read all it was told of, it has read every write.

    The guest stops at some moment, between two writes as pause_all_vcpus() does; from then on one client is watched.
    When it has completed a whole sync that began after the stop, is idle, and has nothing left in `user` and `mine`,
    its `unread` is empty: for MIGRATION, what the source holds is what the destination got. A client other than
    MIGRATION that misses a page is called stale. In an environment with a display only MIGRATION is watched.
    """

    needs = ("user", "mine", "unread", "sync")
    pauses = "stopped"
    stopped = Flag("the guest writes no more")
    watched = Flag("the client whose reads are judged", per=Client)
    began = Flag("the watched client has begun a sync after the stop")
    synced = Flag("it has completed that sync")

    @operation(by=Guest)
    def stop(s, me, client):
        wait_for(~s.stopped)
        if "Display.due" in s:  # no design has a part of that name
            wait_for(client == MIGRATION)
        s.stopped = True
        s.watched[client] = True

    def observe(step, before, s, me):
        if step.operation == "sync" and step.by != Client.name:
            raise DesignError("its sync is not a client's, so no client would ever complete one.")
        if step.operation == "sync":
            if step.first:
                s.began |= s.stopped & s.watched[me]
            if step.last:
                s.synced |= s.began & s.watched[me]

    def holds(s, client):
        finished = s.watched[client] & s.synced & idle(client) & (s.user[client] | s.mine[client] <= NONE)
        return ~finished | (s.unread[client] <= NONE)
