"""The network, its weights on disk, its form in eight-bit integers, its outlier statistics, and where versions are."""
