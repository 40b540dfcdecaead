/// Copies numbers to memory that nobody reads soon: past the caches, so that a line is written without being read first.
/// Results of several times the cache's size take half the memory traffic; small ones are better left in the cache.
///
/// What was copied is ordered before what this thread writes after the copier was dropped.
///
/// ```
/// let mut to = vec![0.0; 5];
/// macrograd_simd::PastCaches::new().copy(&[1.0, 2.0, 3.0], &mut to[1..4]);
/// assert_eq!(to, [0.0, 1.0, 2.0, 3.0, 0.0]);
/// ```
#[derive(Debug, Default)]
pub struct PastCaches(());

impl PastCaches {
    /// A copier.
    #[must_use]
    pub fn new() -> Self {
        Self(())
    }

    /// Copies as many numbers as both have.
    #[inline]
    pub fn copy(&self, from: &[f64], to: &mut [f64]) {
        #[cfg(target_arch = "x86_64")]
        copy_pairs(from, to);
        #[cfg(not(target_arch = "x86_64"))]
        to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
    }
}

impl Drop for PastCaches {
    fn drop(&mut self) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: SSE is part of x86-64.
        unsafe {
            std::arch::x86_64::_mm_sfence();
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[inline]
fn copy_pairs(from: &[f64], to: &mut [f64]) {
    use std::arch::x86_64::{_mm_loadu_pd, _mm_stream_pd};
    let count = from.len().min(to.len());
    let (from, to) = (&from[..count], &mut to[..count]);
    // Stores past the caches want 16-byte places.
    let head = usize::from(to.as_ptr().align_offset(16) != 0).min(count);
    to[..head].copy_from_slice(&from[..head]);
    let pairs = (count - head) / 2;
    for at in (head..head + 2 * pairs).step_by(2) {
        // SAFETY: SSE2 is part of x86-64; at + 1 < count, the length of both; `to` is aligned to 16 bytes at `head` and so
        // two numbers on.
        unsafe { _mm_stream_pd(to.as_mut_ptr().add(at), _mm_loadu_pd(from.as_ptr().add(at))) };
    }
    let tail = head + 2 * pairs;
    to[tail..].copy_from_slice(&from[tail..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_at_every_place_is_copied_and_nothing_beside_it() {
        let from: Vec<f64> = (1..40).map(f64::from).collect();
        for start in 0..4 {
            for length in 0..20 {
                let mut to = vec![0.0; 30];
                PastCaches::new().copy(&from[..length], &mut to[start..start + length]);
                assert_eq!(to[start..start + length], from[..length]);
                assert_eq!(to.iter().filter(|x| **x == 0.0).count(), 30 - length);
            }
        }
    }
}
