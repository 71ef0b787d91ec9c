"""Compiled exact pricing of blocks: their units' sets of mandates, and what links between units leave of them.

`plans` prices and `probes` probes; `structure` is what they read and `work` what they write. Most blocks are solved by
`elimination` once and its `rows` at every price: by the `ordering` of a block, the `choices` of every step and the
`tables` that it keeps. Blocks too wide for it, or with units too large to list, are solved by
`ascent` and `search` over `decisions`.

Numba's cache knows a kernel's own file only: after an edit here remove `__pycache__`.
"""
