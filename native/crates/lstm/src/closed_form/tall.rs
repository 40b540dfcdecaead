//! Float64 products of matrices that are long in rows: dates, or assets. What a step of the closed-form heads spends its
//! time on (docs/performance.md).

use std::ops::Range;

use faer::{Mat, MatRef};
use macrograd_simd::{Buffer, Isa, Kernel, MAX_LANES, Real, Simd};

/// Vectors of rows in a block of accumulators.
const VECTORS: usize = 2;
/// Columns padded to this many rows are whole blocks on every instruction set.
const ROW_BLOCK: usize = VECTORS * MAX_LANES / 2;
/// Columns of both sides in a block of dot products: 12 sums and 7 operands, which 16 registers hold as the operands of one
/// side come from memory.
const DOT_LEFT: usize = 3;
const DOT_RIGHT: usize = 4;
/// Columns on the right whose rows stay in the second-level cache while those on the left pass by.
pub(super) const DOT_PANEL: usize = 24;

/// A matrix by columns, each on a cache line and padded with zeros to whole blocks of rows.
#[derive(Debug, Default)]
pub(super) struct Tall {
    rows: usize,
    columns: usize,
    values: Buffer<f64>,
}

impl Tall {
    /// Zeros.
    pub fn zeros(rows: usize, columns: usize) -> Self {
        let mut values = Buffer::zeros(rows.next_multiple_of(ROW_BLOCK) * columns);
        values.fill(0.0);
        Self { rows, columns, values }
    }

    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Changes the sizes; what it then holds is unspecified but for the padding, which is written with every column.
    pub fn resize(&mut self, rows: usize, columns: usize) {
        if (self.rows, self.columns) != (rows, columns) {
            *self = Self::zeros(rows, columns);
        }
    }

    fn stride(&self) -> usize {
        self.rows.next_multiple_of(ROW_BLOCK)
    }

    /// One column without its padding.
    pub fn column(&self, index: usize) -> &[f64] {
        &self.values[index * self.stride()..][..self.rows]
    }

    /// One column without its padding.
    pub fn column_mut(&mut self, index: usize) -> &mut [f64] {
        let stride = self.stride();
        &mut self.values[index * stride..][..self.rows]
    }

    /// The same for other algebra.
    pub fn view(&self) -> MatRef<'_, f64> {
        MatRef::from_column_major_slice_with_stride(&self.values, self.rows, self.columns, self.stride())
    }
}

/// `out = left' right`, both of the same rows. With `symmetric` (left and right are the same) only one triangle is
/// computed and mirrored.
pub(super) fn dots(isa: Isa, left: &Tall, right: &Tall, symmetric: bool, out: &mut Mat<f64>) {
    assert!(out.nrows() == left.columns && out.ncols() == right.columns);
    for first in (0..right.columns).step_by(DOT_PANEL) {
        let columns = first..right.columns.min(first + DOT_PANEL);
        let add = |i: usize, j: usize, value: f64| out[(i, j)] = value;
        let panel = Dots {
            left,
            right,
            columns,
            symmetric,
            put: add,
        };
        f64::dispatch(isa, panel);
    }
    if symmetric {
        for i in 0..left.columns {
            for j in 0..i {
                out[(i, j)] = out[(j, i)];
            }
        }
    }
}

/// Adds `left' right` for as many columns of `right` from `first` on as `out` `[column][row]` holds (at most
/// [`DOT_PANEL`]). With `symmetric` only what lies above the diagonal, or in a block that it crosses, is added.
pub(super) fn add_dots(isa: Isa, left: &Tall, right: &Tall, first: usize, symmetric: bool, out: &mut [f64]) {
    let rows = left.columns;
    let columns = first..first + out.len() / rows;
    let put = |i: usize, j: usize, value: f64| out[(j - first) * rows + i] += value;
    f64::dispatch(
        isa,
        Dots {
            left,
            right,
            columns,
            symmetric,
            put,
        },
    );
}

/// Dot products of all columns on the left with some on the right.
struct Dots<'a, F> {
    left: &'a Tall,
    right: &'a Tall,
    columns: Range<usize>,
    symmetric: bool,
    /// Takes `(left column, right column, product)`.
    put: F,
}

impl<F: FnMut(usize, usize, f64)> Kernel<f64> for Dots<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<f64>>(mut self, s: S) {
        assert_eq!(self.left.rows, self.right.rows);
        let rows = self.left.columns;
        for i in (0..rows).step_by(DOT_LEFT) {
            for j in self.columns.clone().step_by(DOT_RIGHT) {
                if self.symmetric && j + DOT_RIGHT <= i {
                    continue;
                }
                // Columns beyond the last one are the last one once more, and not used.
                let (mut left, mut right) = ([padded(self.left, i); DOT_LEFT], [padded(self.right, j); DOT_RIGHT]);
                for (k, column) in left.iter_mut().enumerate() {
                    *column = padded(self.left, (i + k).min(rows - 1));
                }
                for (k, column) in right.iter_mut().enumerate() {
                    *column = padded(self.right, (j + k).min(self.columns.end - 1));
                }
                let block = dot_block(s, left, right);
                for (k, row) in block.iter().enumerate().take(rows - i) {
                    for (l, &value) in row.iter().enumerate().take(self.columns.end - j) {
                        (self.put)(i + k, j + l, value);
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn padded(tall: &Tall, column: usize) -> &[f64] {
    &tall.values[column * tall.stride()..][..tall.stride()]
}

#[inline(always)]
fn dot_block<S: Simd<f64>>(s: S, left: [&[f64]; DOT_LEFT], right: [&[f64]; DOT_RIGHT]) -> [[f64; DOT_RIGHT]; DOT_LEFT] {
    let length = left[0].len();
    assert!(left.iter().chain(&right).all(|column| column.len() == length));
    let mut sums = [[s.splat(0.0); DOT_RIGHT]; DOT_LEFT];
    for row in (0..length - length % S::LANES).step_by(S::LANES) {
        // SAFETY: a whole vector lies after `row` in every column, all of one length as asserted above.
        unsafe {
            let mut x = [s.splat(0.0); DOT_LEFT];
            for k in 0..DOT_LEFT {
                x[k] = s.load_pointer(left[k].as_ptr().add(row));
            }
            for l in 0..DOT_RIGHT {
                let y = s.load_pointer(right[l].as_ptr().add(row));
                for k in 0..DOT_LEFT {
                    sums[k][l] = s.mul_add(x[k], y, sums[k][l]);
                }
            }
        }
    }
    let mut out = [[0.0; DOT_RIGHT]; DOT_LEFT];
    for (out, sums) in out.iter_mut().zip(sums) {
        for (out, sum) in out.iter_mut().zip(sums) {
            *out = s.sum(sum);
        }
    }
    out
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
        // Of the sizes with enough independent sums to hide their latency, the one that leaves least room unused.
        let block = [6, 5, 4]
            .into_iter()
            .min_by_key(|block| columns.next_multiple_of(*block));
        let block = block.unwrap_or(4);
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
    f64::dispatch(
        isa,
        Combine {
            parts,
            coefficients,
            out,
        },
    );
}

struct Combine<'a> {
    parts: &'a [&'a Tall],
    coefficients: &'a Coefficients,
    out: &'a mut Tall,
}

impl Kernel<f64> for Combine<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<f64>>(self, s: S) {
        match self.coefficients.block {
            6 => self.all::<S, 6>(s),
            5 => self.all::<S, 5>(s),
            _ => self.all::<S, 4>(s),
        }
    }
}

impl Combine<'_> {
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
        f64::dispatch(
            self.isa,
            Apply {
                packed: self,
                coefficients,
                out,
            },
        );
    }
}

struct Apply<'a> {
    packed: &'a Packed,
    coefficients: &'a Coefficients,
    out: &'a mut Tall,
}

impl Kernel<f64> for Apply<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<f64>>(self, s: S) {
        match self.coefficients.block {
            6 => self.all::<S, 6>(s),
            5 => self.all::<S, 5>(s),
            _ => self.all::<S, 4>(s),
        }
    }
}

impl Apply<'_> {
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

/// Takes its mean over the rows off every column, and writes the means.
pub(super) fn centre(isa: Isa, values: &mut Tall, means: &mut [f64]) {
    assert_eq!(means.len(), values.columns);
    f64::dispatch(isa, Centre { values, means });
}

struct Centre<'a> {
    values: &'a mut Tall,
    means: &'a mut [f64],
}

impl Kernel<f64> for Centre<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<f64>>(self, s: S) {
        let (rows, stride) = (self.values.rows, self.values.stride());
        for (column, mean) in self.values.values.chunks_exact_mut(stride).zip(self.means) {
            let mut sums = [s.splat(0.0); VECTORS];
            for block in column.chunks_exact(VECTORS * S::LANES) {
                for (vector, sum) in sums.iter_mut().enumerate() {
                    *sum = s.add(*sum, s.load(&block[vector * S::LANES..]));
                }
            }
            *mean = s.sum(s.add(sums[0], sums[1])) / rows.max(1) as f64;
            let taken = s.splat(*mean);
            let mut vectors = column[..rows].chunks_exact_mut(S::LANES);
            for vector in &mut vectors {
                s.store(s.sub(s.load(vector), taken), vector);
            }
            vectors.into_remainder().iter_mut().for_each(|x| *x -= *mean);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sums of up to a hundred products of numbers below 4.
    const ROUNDING: f64 = 1e-12;

    fn tall(rows: usize, columns: usize, seed: usize) -> Tall {
        let mut out = Tall::zeros(rows, columns);
        for column in 0..columns {
            for (row, x) in out.column_mut(column).iter_mut().enumerate() {
                *x = ((7 * row + 13 * column + seed) % 31) as f64 / 8.0 - 1.9;
            }
        }
        out
    }

    fn coefficients(columns: &Tall) -> Coefficients {
        let mut out = Coefficients::default();
        out.copy_from(columns);
        out
    }

    fn assert_close(got: MatRef<'_, f64>, want: MatRef<'_, f64>) {
        assert!((got - want).norm_max() < ROUNDING);
    }

    /// Every instruction set of this processor.
    fn isas() -> impl Iterator<Item = Isa> {
        macrograd_simd::IsaName::ALL
            .into_iter()
            .filter_map(|name| Isa::new(name).ok())
    }

    #[test]
    fn products_of_odd_sizes_are_those_of_plain_algebra_on_every_instruction_set() {
        for isa in isas() {
            for (rows, left, right) in [(1, 1, 1), (7, 3, 2), (33, 25, 19), (95, 26, 30)] {
                let (a, b) = (tall(rows, left, 3), tall(rows, right, 11));
                let mut out = Mat::zeros(left, right);
                dots(isa, &a, &b, false, &mut out);
                assert_close(out.as_ref(), (a.view().transpose() * b.view()).as_ref());

                let mut square = Mat::zeros(left, left);
                dots(isa, &a, &a, true, &mut square);
                assert_close(square.as_ref(), (a.view().transpose() * a.view()).as_ref());

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

    #[test]
    fn centred_columns_have_no_mean_and_keep_their_padding() {
        for isa in isas() {
            let (plain, mut centred) = (tall(37, 3, 2), tall(37, 3, 2));
            let mut means = [0.0; 3];
            centre(isa, &mut centred, &mut means);
            for (column, mean) in means.iter().enumerate() {
                assert!((plain.column(column).iter().sum::<f64>() / 37.0 - mean).abs() < ROUNDING);
                assert!((plain.column(column)[5] - mean - centred.column(column)[5]).abs() < ROUNDING);
                assert_eq!(padded(&centred, column)[37..], padded(&plain, column)[37..]);
            }
        }
    }
}
