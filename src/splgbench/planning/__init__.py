"""The planning chain: from hospital statistics to a hospital list, one module a step.

Every step is a function that takes tables of any common library (pandas, polars, pyarrow, mappings of columns) and
gives columns by name, which `pandas.DataFrame` and `polars.DataFrame` take as they are.
"""
