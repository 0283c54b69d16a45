"""Listening: sockets, and how many connections they take. For every program that serves HTTP."""
