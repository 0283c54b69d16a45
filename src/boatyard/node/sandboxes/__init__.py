"""Ways to isolate, one file each, found by name. They run inside the supervisor: standard library only."""
