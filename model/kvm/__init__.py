"""A run on a real guest: the moves of a design as ioctls on /dev/kvm."""
