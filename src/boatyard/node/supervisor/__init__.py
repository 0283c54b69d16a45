"""The process that outlives the agent: one per pod, standard library only, started as ``python -I -S supervisor/__main__.py``."""
