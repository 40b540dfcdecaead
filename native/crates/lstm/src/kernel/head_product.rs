//! Product of the heads of many assets with one date's hidden Jacobian.

use macrograd_simd::{Buffer, Isa, Kernel, MAX_LANES, Real, Simd};

use super::layout::tile_vectors;
use super::pack::block_rows;
use super::product::product;

/// Assets whose packed heads and results stay in the second-level cache while all panels pass by.
const CHUNK_ASSETS: usize = 32;

/// Largest panel: three vectors.
const MAX_PANEL: usize = 3 * MAX_LANES;

/// Packs heads [assets, H] to [block of rows][H][row]; missing rows are 0.
pub(crate) fn pack_heads<T: Real>(weight: &[T], hidden_size: usize, isa: Isa, out: &mut Buffer<T>) {
    let rows = block_rows(isa);
    let assets = weight.len() / hidden_size;
    out.resize(assets.next_multiple_of(rows) * hidden_size);
    out.fill(T::ZERO);
    for (asset, weight) in weight.chunks_exact(hidden_size).enumerate() {
        let block = &mut out[asset / rows * rows * hidden_size..][..rows * hidden_size];
        for (out, &w) in block.iter_mut().skip(asset % rows).step_by(rows).zip(weight) {
            *out = w;
        }
    }
}

/// Packs one date's [H, columns] to panels [panel][H][lane]; columns that fill the last panel up are 0.
#[inline(always)]
pub(crate) fn pack_columns<T: Real>(hidden: &[T], hidden_size: usize, isa: Isa, out: &mut Buffer<T>) {
    let width = tile_vectors::<T>(isa) * isa.lanes::<T>();
    let columns = hidden.len() / hidden_size;
    out.resize(columns.div_ceil(width) * hidden_size * width);
    for (panel, out) in out.chunks_exact_mut(hidden_size * width).enumerate() {
        let first = panel * width;
        let used = width.min(columns - first);
        for (row, out) in hidden.chunks_exact(columns).zip(out.chunks_exact_mut(width)) {
            out[..used].copy_from_slice(&row[first..][..used]);
            out[used..].fill(T::ZERO);
        }
    }
}

/// Work: some assets of one date.
pub(crate) struct HeadProduct<'a, T> {
    /// All assets, from [`pack_heads`].
    pub heads: &'a [T],
    /// A multiple of the block of rows.
    pub first_asset: usize,
    pub hidden_size: usize,
    /// From [`pack_columns`].
    pub panels: &'a [T],
    pub columns: usize,
    /// `[asset][columns]`.
    pub out: &'a mut [T],
}

impl<T: Real> Kernel<T> for HeadProduct<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        match (S::WIDE, T::PARTS) {
            (false, 1) => self.all::<S, 4, 2>(s),
            (false, _) => self.all::<S, 4, 1>(s),
            (true, 1) => self.all::<S, 8, 3>(s),
            (true, _) => self.all::<S, 8, 1>(s),
        }
    }
}

impl<T: Real> HeadProduct<'_, T> {
    /// Panels pass by chunks of assets: a panel stays in the first-level cache for the whole chunk, and the chunk's rows
    /// of results are complete before they leave the second-level one.
    #[inline(always)]
    fn all<S: Simd<T>, const ROWS: usize, const VECTORS: usize>(self, s: S) {
        let (h, columns, width) = (self.hidden_size, self.columns, VECTORS * S::LANES);
        let heads = &self.heads[self.first_asset * h..];
        let chunks = self
            .out
            .chunks_mut(CHUNK_ASSETS * columns)
            .zip(heads.chunks(CHUNK_ASSETS * h));
        for (out, heads) in chunks {
            for (panel, operand) in self.panels.chunks_exact(h * width).enumerate() {
                let first = panel * width;
                let used = width.min(columns - first);
                let blocks = out.chunks_mut(ROWS * columns).zip(heads.chunks_exact(ROWS * h));
                for (out, weights) in blocks {
                    let zero = [[s.splat(T::ZERO); VECTORS]; ROWS];
                    let acc = product::<T, S, ROWS, VECTORS>(s, weights, operand, h, zero);
                    for (acc, row) in acc.iter().zip(out.chunks_exact_mut(columns)) {
                        store_row(s, acc, &mut row[first..][..used]);
                    }
                }
            }
        }
    }
}

/// Writes as many lanes as `out` has room for.
#[inline(always)]
fn store_row<T: Real, S: Simd<T>, const VECTORS: usize>(s: S, acc: &[S::V; VECTORS], out: &mut [T]) {
    if out.len() == VECTORS * S::LANES {
        for (vector, &acc) in acc.iter().enumerate() {
            s.store(acc, &mut out[vector * S::LANES..]);
        }
        return;
    }
    let mut lanes = [T::ZERO; MAX_PANEL];
    for (vector, &acc) in acc.iter().enumerate() {
        s.store(acc, &mut lanes[vector * S::LANES..]);
    }
    out.copy_from_slice(&lanes[..out.len()]);
}
