"""What decompositions share: partitions, exact pricing of hospital blocks, multipliers, repair."""
