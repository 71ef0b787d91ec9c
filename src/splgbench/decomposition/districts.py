"""Districts: blocks put together along the planning regions, as large as one MILP may be, so that few cells are cut.

    1. Blocks start together that have the same smallest region among those that their cells lie in.
    2. Two groups that fit together are joined, those first that meet most for their sizes, until none do.

Every block keeps whole, so links and hospital-areas join no two districts, only demand does. Two groups meet as much as
they have offers in common cells, the fewer of the two in each, over the root of the product of their sizes.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array, csr_array

from splgbench.decomposition.partition import Partition, labelled
from splgbench.instance import IntArray
from splgbench.model import FloatArray
from splgbench.presolve import Presolved


def districts(offers: Presolved, blocks: Partition, most: int) -> Partition:
    """Districts of at most so many live offers each, but where a single block has more.

    Parameters
    ----------
    offers : the presolved offers.
    blocks : whose blocks are kept whole; they meet in demand only.
    most : live offers of a district.

    Returns
    -------
    Partition
        of kind "district"; connected components lie within one each or are made of several.
    """
    instance = offers.instance
    live = np.flatnonzero(offers.live)
    block, cell = blocks.block[live], instance.offer_cell[live]
    region = np.maximum(instance.cell_region[cell], 0)
    # The smallest region of each block; ties go to the first.
    order = np.lexsort((region, np.bincount(region)[region], block))
    opens = np.ones(len(order), dtype=np.bool_)
    opens[1:] = block[order][1:] != block[order][:-1]
    _, home = np.unique(region[order][opens], return_inverse=True)
    group = home[block]
    binding = offers.binding_cells[cell]
    presence = coo_array(
        (np.ones(int(binding.sum()), dtype=np.int64), (group[binding], cell[binding])),
        shape=(int(home.max(initial=-1)) + 1, instance.n_cells),
    ).tocsr()
    label = np.zeros(instance.n_offers, dtype=np.int64)
    label[live] = _joined(_meetings(presence), np.bincount(group), most)[group]
    return labelled(offers, "district", label)


def _meetings(presence: csr_array) -> FloatArray:
    """Shape (groups, groups): offers in common cells, the fewer of the two in each."""
    n = presence.shape[0]
    found = np.zeros((n, n))
    for g in range(n):
        own = presence[[g]].toarray()[0]
        cells = np.flatnonzero(own)
        met = presence[:, cells].minimum(csr_array(np.broadcast_to(own[cells], (n, len(cells)))))
        found[g] = met.sum(axis=1)
    np.fill_diagonal(found, 0.0)
    return found


def _joined(met: FloatArray, size: IntArray, most: int) -> IntArray:
    """Shape (groups,): groups of one number are joined."""
    size, label = size.astype(np.float64), np.arange(len(size))
    while len(size):
        worth = np.where(size[:, np.newaxis] + size <= most, met / np.sqrt(np.outer(size, size)), 0.0)
        one, other = np.unravel_index(int(np.argmax(worth)), worth.shape)
        if worth[one, other] <= 0:
            break
        met[one] += met[other]
        met[:, one] += met[:, other]
        met[one, one] = 0.0
        met[other] = met[:, other] = 0.0
        size[one] += size[other]
        label[label == other] = one
    return label
