"""The host's side of the port: what firmware asks through the mailbox, and the answers."""
