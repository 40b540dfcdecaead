//! Growable arrays that start on a cache line, so that no vector straddles two.

use std::ops::{Deref, DerefMut};

use crate::Real;

/// Bytes of a cache line, and of the widest vector.
const LINE: usize = 64;

/// An array whose first element lies on a cache line; keeps its memory when it is resized to less.
#[derive(Debug, Default)]
pub struct Buffer<T> {
    /// One line longer than needed.
    storage: Vec<T>,
    start: usize,
    length: usize,
}

impl<T: Real> Buffer<T> {
    /// `length` zeros.
    #[must_use]
    pub fn zeros(length: usize) -> Self {
        let mut buffer = Self {
            storage: Vec::new(),
            start: 0,
            length: 0,
        };
        buffer.resize(length);
        buffer
    }

    /// Makes the length `length`; what the elements then hold is unspecified.
    pub fn resize(&mut self, length: usize) {
        let padding = LINE / size_of::<T>();
        if self.storage.len() < length + padding {
            self.storage = vec![T::ZERO; length + padding];
            self.start = match self.storage.as_ptr().align_offset(LINE) {
                // No whole number of elements leads to a cache line, as of pairs at an address that is no multiple of them.
                usize::MAX => 0,
                offset => offset,
            };
        }
        self.length = length;
    }
}

impl<T> Deref for Buffer<T> {
    type Target = [T];

    // Inlined into kernels, whose instruction set a called function would not have.
    #[inline(always)]
    fn deref(&self) -> &[T] {
        &self.storage[self.start..][..self.length]
    }
}

impl<T> DerefMut for Buffer<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.storage[self.start..][..self.length]
    }
}
