//! Small matrices and vectors of one step, used again in the next.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};

use faer::{Accum, Mat, MatRef};

use super::dense::{multiply, times_vector_into, transposed_times_vector_into};

/// Lends matrices and vectors whose memory came back from earlier ones: a step that asks for what the step before it asked
/// for allocates nothing.
#[derive(Debug, Default)]
pub(super) struct Pool {
    rows: usize,
    columns: usize,
    matrices: RefCell<Vec<Mat<f64>>>,
    vectors: RefCell<Vec<Vec<f64>>>,
}

/// A matrix or vector that goes back to its pool.
#[derive(Debug)]
pub(super) struct Lent<'a, T> {
    value: T,
    home: &'a RefCell<Vec<T>>,
    /// What stands in its place afterwards.
    empty: fn() -> T,
}

impl Pool {
    /// With room for matrices of up to `rows` x `columns` and vectors of up to `rows` numbers; larger ones grow when they are
    /// asked for.
    pub fn new(rows: usize, columns: usize) -> Self {
        Self {
            rows,
            columns,
            ..Self::default()
        }
    }

    /// What its entries are is unspecified.
    fn matrix(&self, rows: usize, columns: usize) -> Lent<'_, Mat<f64>> {
        let kept = self.matrices.borrow_mut().pop();
        let mut value = kept.unwrap_or_else(|| Mat::with_capacity(self.rows, self.columns));
        value.resize_with(rows, columns, |_, _| 0.0);
        Lent {
            value,
            home: &self.matrices,
            empty: Mat::new,
        }
    }

    /// An empty vector.
    fn empty(&self) -> Lent<'_, Vec<f64>> {
        let kept = self.vectors.borrow_mut().pop();
        let mut value = kept.unwrap_or_else(|| Vec::with_capacity(self.rows));
        value.clear();
        Lent {
            value,
            home: &self.vectors,
            empty: Vec::new,
        }
    }

    /// A matrix by its entries.
    pub fn with_entries(
        &self,
        rows: usize,
        columns: usize,
        mut entry: impl FnMut(usize, usize) -> f64,
    ) -> Lent<'_, Mat<f64>> {
        let mut out = self.matrix(rows, columns);
        for j in 0..columns {
            for i in 0..rows {
                out[(i, j)] = entry(i, j);
            }
        }
        out
    }

    /// A vector by its entries.
    pub fn vector(&self, entries: impl Iterator<Item = f64>) -> Lent<'_, Vec<f64>> {
        let mut out = self.empty();
        out.extend(entries);
        out
    }

    /// `a b`.
    pub fn product(&self, a: MatRef<'_, f64>, b: MatRef<'_, f64>) -> Lent<'_, Mat<f64>> {
        let mut out = self.matrix(a.nrows(), b.ncols());
        multiply(out.as_mut(), Accum::Replace, a, b, 1.0);
        out
    }

    /// `factor a`.
    pub fn scaled(&self, a: MatRef<'_, f64>, factor: f64) -> Lent<'_, Mat<f64>> {
        self.with_entries(a.nrows(), a.ncols(), |i, j| factor * a[(i, j)])
    }

    /// `a - b` for vectors.
    pub fn subtract(&self, a: &[f64], b: &[f64]) -> Lent<'_, Vec<f64>> {
        self.vector(a.iter().zip(b).map(|(x, y)| x - y))
    }

    /// `a b` for a vector b.
    pub fn times_vector(&self, a: MatRef<'_, f64>, b: &[f64]) -> Lent<'_, Vec<f64>> {
        let mut out = self.empty();
        times_vector_into(a, b, &mut out);
        out
    }

    /// `a' b` for a vector b.
    pub fn transposed_times_vector(&self, a: MatRef<'_, f64>, b: &[f64]) -> Lent<'_, Vec<f64>> {
        let mut out = self.empty();
        transposed_times_vector_into(a, b, &mut out);
        out
    }
}

impl<T> Deref for Lent<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Lent<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T> Drop for Lent<'_, T> {
    fn drop(&mut self) {
        let value = std::mem::replace(&mut self.value, (self.empty)());
        self.home.borrow_mut().push(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lent_again_has_the_size_and_entries_asked_for() {
        let pool = Pool::new(3, 3);
        for (rows, columns) in [(3, 2), (1, 3), (2, 2)] {
            let a = pool.with_entries(rows, columns, |i, j| (10 * i + j) as f64);
            let b = pool.vector((0..columns).map(|j| j as f64));
            let found = pool.times_vector(a.as_ref(), &b);
            let expected = (0..rows).map(|i| (0..columns).map(|j| ((10 * i + j) * j) as f64).sum());
            assert_eq!(*found, expected.collect::<Vec<f64>>());
        }
        assert_eq!(pool.matrices.borrow().len(), 1);
        assert_eq!(pool.vectors.borrow().len(), 2);
    }
}
