"""The regression gate: two revisions, the same measurements, one verdict (docs/performance.md)."""
