"""Evidence of a failure: decoded fault, backtrace, state of the machine, last console lines."""
