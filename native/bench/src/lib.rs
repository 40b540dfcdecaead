//! Benchmarks stand in benches/.
