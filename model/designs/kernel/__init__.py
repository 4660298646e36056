"""KVM's side: how a write is logged, and how the log is handed out, cleared and armed again."""
