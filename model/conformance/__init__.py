"""Is what a VMM did a behaviour of a design? Trace validation of recordings of KVM's dirty-log ioctls."""
