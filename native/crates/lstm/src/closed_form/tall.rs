//! Float64 products of matrices that are long in rows: dates, or assets. What a step of the closed-form heads spends its
//! time on (docs/performance.md).

use std::ops::Range;

use faer::{Mat, MatRef};
use macrograd_simd::{Buffer, Isa, Kernel, MAX_LANES, Real, Simd};

/// Vectors of rows in a block of accumulators.
pub(super) const VECTORS: usize = 2;
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
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) values: Buffer<f64>,
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

    /// Numbers of a column, its padding among them.
    pub(super) fn stride(&self) -> usize {
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
pub(super) mod tests {
    use super::*;

    /// Sums of up to a hundred products of numbers below 4.
    const ROUNDING: f64 = 1e-12;

    /// Numbers that differ by place.
    pub(in crate::closed_form) fn tall(rows: usize, columns: usize, seed: usize) -> Tall {
        let mut out = Tall::zeros(rows, columns);
        for column in 0..columns {
            for (row, x) in out.column_mut(column).iter_mut().enumerate() {
                *x = ((7 * row + 13 * column + seed) % 31) as f64 / 8.0 - 1.9;
            }
        }
        out
    }

    pub(in crate::closed_form) fn assert_close(got: MatRef<'_, f64>, want: MatRef<'_, f64>) {
        assert!((got - want).norm_max() < ROUNDING);
    }

    /// Every instruction set of this processor.
    pub(in crate::closed_form) fn isas() -> impl Iterator<Item = Isa> {
        macrograd_simd::IsaName::ALL
            .into_iter()
            .filter_map(|name| Isa::new(name).ok())
    }

    #[test]
    fn dot_products_of_odd_sizes_are_those_of_plain_algebra_on_every_instruction_set() {
        for isa in isas() {
            for (rows, left, right) in [(1, 1, 1), (7, 3, 2), (33, 25, 19), (95, 26, 30)] {
                let (a, b) = (tall(rows, left, 3), tall(rows, right, 11));
                let mut out = Mat::zeros(left, right);
                dots(isa, &a, &b, false, &mut out);
                assert_close(out.as_ref(), (a.view().transpose() * b.view()).as_ref());

                let mut square = Mat::zeros(left, left);
                dots(isa, &a, &a, true, &mut square);
                assert_close(square.as_ref(), (a.view().transpose() * a.view()).as_ref());
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
