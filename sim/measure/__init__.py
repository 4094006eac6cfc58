"""Measured from outside: operators, functions, memory; nothing of it is in the firmware."""
