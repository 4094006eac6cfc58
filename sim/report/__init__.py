"""Results as data: JSON with committed schemas."""
