"""Sensors speak physics: a stimulus is a quantity over board time, a part turns it into raw codes."""
