"""How fast, compared with what: each file prints ratios of interleaved runs."""
