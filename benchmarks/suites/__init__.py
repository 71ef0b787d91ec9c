"""What is measured, as asv suites; the gate measures the same (benchmarks/README.md)."""
