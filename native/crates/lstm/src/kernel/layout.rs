//! How a batch is cut into tiles of lanes, and how samples move in and out of lanes.

use std::ops::Range;

use macrograd_simd::{Isa, Kernel, Real, Simd};

/// Vectors of lanes in a full tile. On 32 registers 8 x 3 accumulators leave room for 3 vectors of lanes and a weight; on
/// 16 registers 4 x 2 do. (4 x 3 would just fit, but compilers then keep one accumulator in memory, and its way there and
/// back, being part of the chain of sums, halves the speed.) Numbers of two parts need twice the registers: one vector.
pub(super) fn tile_vectors<T: Real>(isa: Isa) -> usize {
    let vectors = if isa.is_wide() { 3 } else { 2 };
    vectors / T::PARTS
}

/// Lanes of one tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TileSize {
    /// Vectors, 1 to [`tile_vectors`].
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
    full_lanes: usize,
}

impl TilePlan {
    pub(crate) fn new<T: Real>(batch_size: usize, isa: Isa) -> Self {
        let vector_lanes = isa.lanes::<T>();
        Self {
            batch_size,
            vector_lanes,
            full_lanes: tile_vectors::<T>(isa) * vector_lanes,
        }
    }

    pub(crate) fn tile_count(&self) -> usize {
        self.batch_size.div_ceil(self.full_lanes())
    }

    /// Samples of every tile but the last.
    pub(crate) fn full_lanes(&self) -> usize {
        self.full_lanes
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

/// `to[column * to_stride + row] = from[row * from_stride + column]` for all rows and columns. Where they are no whole
/// number of blocks, the last block begins early enough to end with them.
#[inline(always)]
pub(super) fn turn<T: Real, S: Simd<T>>(
    s: S,
    (from, from_stride): (&[T], usize),
    (rows, columns): (usize, usize),
    (to, to_stride): (&mut [T], usize),
) {
    let edge = S::TURN;
    if rows < edge || columns < edge {
        for row in 0..rows {
            for column in 0..columns {
                to[column * to_stride + row] = from[row * from_stride + column];
            }
        }
        return;
    }
    for row_block in 0..rows.div_ceil(edge) {
        let row = (row_block * edge).min(rows - edge);
        for column_block in 0..columns.div_ceil(edge) {
            let column = (column_block * edge).min(columns - edge);
            let block = &from[row * from_stride + column..];
            s.turn(block, from_stride, &mut to[column * to_stride + row..], to_stride);
        }
    }
}

/// [`to_lanes`] within a kernel.
#[inline(always)]
pub(super) fn to_lanes_on<T: Real, S: Simd<T>>(
    s: S,
    rows: &[T],
    stride: usize,
    columns: usize,
    tile: TileSize,
    out: &mut [T],
) {
    if tile.samples < tile.lanes {
        for lanes in out.chunks_exact_mut(tile.lanes).take(columns) {
            lanes[tile.samples..].fill(T::ZERO);
        }
    }
    turn(s, (rows, stride), (tile.samples, columns), (out, tile.lanes));
}

/// Moves `[sample][column]` rows into lanes: out[column][lane]; padding lanes become 0. Sample s starts at
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

/// The way back of [`to_lanes`], on the vectors of `isa`.
pub(crate) fn from_lanes<T: Real>(
    isa: Isa,
    lanes: &[T],
    columns: usize,
    tile: TileSize,
    rows: &mut [T],
    stride: usize,
) {
    let work = FromLanes {
        lanes,
        columns,
        tile,
        rows,
        stride,
    };
    T::dispatch(isa, work);
}

/// Work: [`from_lanes`].
struct FromLanes<'a, T> {
    lanes: &'a [T],
    columns: usize,
    tile: TileSize,
    rows: &'a mut [T],
    stride: usize,
}

impl<T: Real> Kernel<T> for FromLanes<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        let TileSize { lanes, samples, .. } = self.tile;
        turn(
            s,
            (self.lanes, lanes),
            (self.columns, samples),
            (self.rows, self.stride),
        );
    }
}
