"""Decompositions, one file each; the file's name is the decomposition's name.

A file defines an object under its own name that follows `splgbench.methods.Method`. Files added here are found
without further registration.
"""
