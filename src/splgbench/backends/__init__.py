"""Solver backends, one file each: a `MipModel` and `Limits` go in, a `Solution` comes out."""
