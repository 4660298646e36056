"""Writers that are no vCPU, and other programs that track writes: vhost, VFIO, Xen, Firecracker, the block mirror."""
