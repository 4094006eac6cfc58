"""The process that Renode runs in. Its files need nothing of boardless: its interpreter may not have it."""
