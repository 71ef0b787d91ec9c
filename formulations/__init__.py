"""Formulations, one file each; the file's name is the formulation's name.

A file defines a `Formulation` under its own name. Files added here are found without further registration.
"""
