//! Products of tall matrices with small ones, and of packed matrices with tall ones: blocks of rows by columns of
//! accumulators (docs/performance.md).

use std::ops::Range;

use macrograd_simd::{Buffer, Isa, Kernel, Real, Simd};

use super::tall::{Tall, VECTORS};

/// Columns in a block of accumulators: sizes with enough independent sums to hide their latency, of which the one that leaves
/// least room unused is taken.
const COLUMN_BLOCKS: [usize; 3] = [6, 5, 4];

/// A product whose columns go by blocks of a width that the compiler knows.
trait Blocked {
    /// One of [`COLUMN_BLOCKS`].
    fn block(&self) -> usize;

    fn all<S: Simd<f64>, const COLUMNS: usize>(self, s: S);
}

struct ByBlocks<K>(K);

impl<K: Blocked> Kernel<f64> for ByBlocks<K> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<f64>>(self, s: S) {
        const { assert!(matches!(COLUMN_BLOCKS, [6, 5, 4])) };
        match self.0.block() {
            6 => self.0.all::<S, 6>(s),
            5 => self.0.all::<S, 5>(s),
            _ => self.0.all::<S, 4>(s),
        }
    }
}

/// Coefficients on the right of a product, packed `[block of columns][k][column]`.
#[derive(Debug, Default)]
pub(super) struct Coefficients {
    inner: usize,
    columns: usize,
    block: usize,
    values: Buffer<f64>,
}

impl Coefficients {
    /// Room for `columns` columns of `inner` numbers.
    pub fn prepare(&mut self, inner: usize, columns: usize) {
        let block = COLUMN_BLOCKS
            .into_iter()
            .min_by_key(|block| columns.next_multiple_of(*block));
        let block = block.unwrap_or(COLUMN_BLOCKS[0]);
        *self = Self {
            inner,
            columns,
            block,
            values: std::mem::take(&mut self.values),
        };
        self.values.resize(columns.next_multiple_of(block) * inner);
        self.values.fill(0.0);
    }

    /// All columns of a matrix.
    pub fn copy_from(&mut self, from: &Tall) {
        self.prepare(from.rows, from.columns);
        self.set(0, (0..from.columns).map(|column| from.column(column)));
    }

    /// Sets rows from `first` on to those of `part`, by columns.
    pub fn set<'a>(&mut self, first: usize, part: impl Iterator<Item = &'a [f64]>) {
        let (inner, block) = (self.inner, self.block);
        for (column, from) in part.enumerate() {
            let start = (column / block * inner + first) * block + column % block;
            let to = self.values[start..].iter_mut().step_by(block);
            to.zip(from).for_each(|(to, from)| *to = *from);
        }
    }
}

/// `out = [parts] coefficients`: the columns of all parts side by side times as many rows of coefficients.
pub(super) fn combine(isa: Isa, parts: &[&Tall], coefficients: &Coefficients, out: &mut Tall) {
    assert!(parts.iter().all(|part| part.rows == out.rows) && coefficients.columns == out.columns);
    assert_eq!(parts.iter().map(|part| part.columns).sum::<usize>(), coefficients.inner);
    let product = Combine {
        parts,
        coefficients,
        out,
    };
    f64::dispatch(isa, ByBlocks(product));
}

struct Combine<'a> {
    parts: &'a [&'a Tall],
    coefficients: &'a Coefficients,
    out: &'a mut Tall,
}

impl Blocked for Combine<'_> {
    fn block(&self) -> usize {
        self.coefficients.block
    }

    #[inline(always)]
    fn all<S: Simd<f64>, const COLUMNS: usize>(self, s: S) {
        let Coefficients { inner, ref values, .. } = *self.coefficients;
        for row in (0..self.out.stride()).step_by(VECTORS * S::LANES) {
            for (block, values) in values.chunks_exact(inner * COLUMNS).enumerate() {
                let mut sums = [[s.splat(0.0); VECTORS]; COLUMNS];
                let mut first = 0;
                for part in self.parts {
                    let values = &values[first * COLUMNS..][..part.columns * COLUMNS];
                    // SAFETY: every column of the part has `stride` rows, of which a block starts at `row`.
                    sums = unsafe { accumulate(s, part.values[row..].as_ptr(), part.stride(), values, sums) };
                    first += part.columns;
                }
                store_columns(s, &sums, self.out, row, block * COLUMNS..self.coefficients.columns);
            }
        }
    }
}

/// A matrix that is multiplied again and again, packed once: `[block of rows][k][row]`.
#[derive(Debug, Clone)]
pub(super) struct Packed {
    rows: usize,
    inner: usize,
    isa: Isa,
    values: Vec<f64>,
}

impl Packed {
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// `value(row, k)` for all rows and k.
    pub fn from_fn(isa: Isa, rows: usize, inner: usize, value: impl Fn(usize, usize) -> f64) -> Self {
        let block = VECTORS * isa.lanes::<f64>();
        let mut values = vec![0.0; rows.next_multiple_of(block) * inner];
        for (index, panel) in values.chunks_exact_mut(block * inner).enumerate() {
            let first = index * block;
            for (k, panel) in panel.chunks_exact_mut(block).enumerate() {
                for (row, to) in (first..rows).zip(panel) {
                    *to = value(row, k);
                }
            }
        }
        Self {
            rows,
            inner,
            isa,
            values,
        }
    }

    /// Writes the product with `coefficients` to the first columns of `out`.
    pub fn apply(&self, coefficients: &Coefficients, out: &mut Tall) {
        assert!(coefficients.inner == self.inner && out.rows == self.rows && coefficients.columns <= out.columns);
        let product = Apply {
            packed: self,
            coefficients,
            out,
        };
        f64::dispatch(self.isa, ByBlocks(product));
    }
}

struct Apply<'a> {
    packed: &'a Packed,
    coefficients: &'a Coefficients,
    out: &'a mut Tall,
}

impl Blocked for Apply<'_> {
    fn block(&self) -> usize {
        self.coefficients.block
    }

    #[inline(always)]
    fn all<S: Simd<f64>, const COLUMNS: usize>(self, s: S) {
        let (inner, block) = (self.packed.inner, VECTORS * S::LANES);
        for (index, panel) in self.packed.values.chunks_exact(block * inner).enumerate() {
            for (place, values) in self.coefficients.values.chunks_exact(inner * COLUMNS).enumerate() {
                let zero = [[s.splat(0.0); VECTORS]; COLUMNS];
                // SAFETY: the panel holds `inner` blocks of rows after each other.
                let sums = unsafe { accumulate(s, panel.as_ptr(), block, values, zero) };
                store_columns(
                    s,
                    &sums,
                    self.out,
                    index * block,
                    place * COLUMNS..self.coefficients.columns,
                );
            }
        }
    }
}

/// sums[column] += sum over k of the rows at `rows + k stride` times `values[k][column]`.
///
/// # Safety
/// There are [`VECTORS`] vectors of numbers at `rows + k stride` for every k of `values`.
#[inline(always)]
unsafe fn accumulate<S: Simd<f64>, const COLUMNS: usize>(
    s: S,
    rows: *const f64,
    stride: usize,
    values: &[f64],
    mut sums: [[S::V; VECTORS]; COLUMNS],
) -> [[S::V; VECTORS]; COLUMNS] {
    let (mut rows, mut value) = (rows, values.as_ptr());
    for _ in 0..values.len() / COLUMNS {
        // SAFETY: as the caller vouches; whole steps of COLUMNS values lie in the slice, and pointers are moved past the
        // end at most by the last step, which is why `rows` moves without a claim on where it points.
        unsafe {
            let mut x = [s.splat(0.0); VECTORS];
            for (vector, x) in x.iter_mut().enumerate() {
                *x = s.load_pointer(rows.add(vector * S::LANES));
            }
            for (column, sums) in sums.iter_mut().enumerate() {
                let factor = s.splat(*value.add(column));
                for vector in 0..VECTORS {
                    sums[vector] = s.mul_add(x[vector], factor, sums[vector]);
                }
            }
            value = value.add(COLUMNS);
        }
        rows = rows.wrapping_add(stride);
    }
    sums
}

/// Writes a block of sums to the columns of `out` from `columns.start` on, none from `columns.end` on.
#[inline(always)]
fn store_columns<S: Simd<f64>, const COLUMNS: usize>(
    s: S,
    sums: &[[S::V; VECTORS]; COLUMNS],
    out: &mut Tall,
    row: usize,
    columns: Range<usize>,
) {
    let stride = out.stride();
    let first = columns.start;
    for (column, sums) in sums.iter().enumerate() {
        // A constant number of turns, so that the sums stay in registers.
        if first + column < columns.end {
            let to = &mut out.values[(first + column) * stride + row..];
            for (vector, &sum) in sums.iter().enumerate() {
                s.store(sum, &mut to[vector * S::LANES..]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::closed_form::tall::tests::{assert_close, isas, tall};

    fn coefficients(columns: &Tall) -> Coefficients {
        let mut out = Coefficients::default();
        out.copy_from(columns);
        out
    }

    #[test]
    fn products_of_odd_sizes_are_those_of_plain_algebra_on_every_instruction_set() {
        for isa in isas() {
            for (rows, left, right) in [(1, 1, 1), (7, 3, 2), (33, 25, 19), (95, 26, 30)] {
                let (a, b) = (tall(rows, left, 3), tall(rows, right, 11));
                let weights = tall(left + right, 9, 5);
                let mut combined = Tall::zeros(rows, 9);
                combine(isa, &[&a, &b], &coefficients(&weights), &mut combined);
                let (top, bottom) = weights.view().split_at_row(left);
                assert_close(combined.view(), (a.view() * top + b.view() * bottom).as_ref());

                let packed = Packed::from_fn(isa, left, rows, |i, k| a.column(i)[k]);
                // What lies behind the product's columns stays as it is, whatever the number of columns.
                let mut applied = tall(left, right + 1, 1);
                let behind = applied.column(right).to_vec();
                packed.apply(&coefficients(&b), &mut applied);
                assert_close(
                    applied.view().subcols(0, right),
                    (a.view().transpose() * b.view()).as_ref(),
                );
                assert_eq!(applied.column(right), behind);
            }
        }
    }
}
