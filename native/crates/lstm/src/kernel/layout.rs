//! How a batch is cut into tiles of lanes, and how samples move in and out of lanes.

use std::ops::Range;

use macrograd_simd::{Isa, Real};

/// Vectors of lanes in a full tile: with 4 rows of accumulators (8 on 32 registers) they fill the registers.
pub(crate) const TILE_VECTORS: usize = 3;

/// Lanes of one tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TileSize {
    /// Vectors, 1 to [`TILE_VECTORS`].
    pub vectors: usize,
    /// Lanes of all vectors; those at and after `samples` are padding and hold zeros.
    pub lanes: usize,
    /// Lanes that hold a sample.
    pub samples: usize,
}

/// Cuts a batch into tiles: full ones, then one just wide enough for the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TilePlan {
    batch_size: usize,
    vector_lanes: usize,
}

impl TilePlan {
    pub(crate) fn new<T: Real>(batch_size: usize, isa: Isa) -> Self {
        Self {
            batch_size,
            vector_lanes: isa.lanes::<T>(),
        }
    }

    pub(crate) fn tile_count(&self) -> usize {
        self.batch_size.div_ceil(self.full_lanes())
    }

    /// Samples of every tile but the last.
    pub(crate) fn full_lanes(&self) -> usize {
        TILE_VECTORS * self.vector_lanes
    }

    pub(crate) fn tile(&self, index: usize) -> TileSize {
        let samples = self.samples(index).len();
        let vectors = samples.div_ceil(self.vector_lanes);
        TileSize {
            vectors,
            lanes: vectors * self.vector_lanes,
            samples,
        }
    }

    /// Samples of the batch that are a tile's lanes.
    pub(crate) fn samples(&self, index: usize) -> Range<usize> {
        let start = index * self.full_lanes();
        start..(start + self.full_lanes()).min(self.batch_size)
    }
}

/// Moves [sample][column] rows into lanes: out[column][lane]; padding lanes become 0. Sample s starts at
/// `rows[s * stride]`.
pub(crate) fn to_lanes<T: Real>(rows: &[T], stride: usize, columns: usize, tile: TileSize, out: &mut [T]) {
    for (column, out) in out.chunks_exact_mut(tile.lanes).take(columns).enumerate() {
        let (used, padding) = out.split_at_mut(tile.samples);
        for (sample, x) in used.iter_mut().enumerate() {
            *x = rows[sample * stride + column];
        }
        padding.fill(T::ZERO);
    }
}

/// The way back of [`to_lanes`].
pub(crate) fn from_lanes<T: Real>(lanes: &[T], columns: usize, tile: TileSize, rows: &mut [T], stride: usize) {
    for (column, lanes) in lanes.chunks_exact(tile.lanes).take(columns).enumerate() {
        for (sample, &x) in lanes[..tile.samples].iter().enumerate() {
            rows[sample * stride + column] = x;
        }
    }
}
