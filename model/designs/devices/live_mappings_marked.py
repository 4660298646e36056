"""libvfio-user: every open mapping counts as dirty, at the start and after every report."""

from model import operation, wait_for
from model.designs.devices.dirty_log import OneClient
from model.designs.devices.live_mappings import LiveMappings


class LiveMappingsMarked(LiveMappings):
    """Whenever the log is emptied, the pages that are mapped for writing at that moment are marked at once.

    A page that the device can write is then always in the log, so the report after the device has stopped has it.

    Source: libvfio-user pull request 551 "clear dirty pages bitmap after getting dirty pages but keep mapped
    segments", issue 595; lib/dma.c.
    """

    @operation(by=OneClient)
    def start(s, me):
        wait_for(~s.logging)
        s.logging = True
        s.kernel = s.open

    @operation(by=OneClient)
    def sync(s, me):
        wait_for(s.logging)
        s.mine[me] |= s.kernel
        s.kernel = s.open                      # "we immediately mark dirty all extant maps again"
