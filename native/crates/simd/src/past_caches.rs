/// Numbers of a cache line.
const LINE: usize = 8;

/// Copies numbers to memory that nobody reads soon: past the caches, so that a line is written without being read first.
/// Results of several times the cache's size take half the memory traffic; small ones are better left in the cache.
/// Lines that are not filled whole are written the ordinary way.
///
/// What was copied is ordered before what this thread writes after the copier was dropped.
///
/// ```
/// let mut to = vec![0.0; 5];
/// macrograd_simd::PastCaches::new().copy(&[1.0, 2.0, 3.0], &mut to[1..4]);
/// assert_eq!(to, [0.0, 1.0, 2.0, 3.0, 0.0]);
/// ```
#[derive(Debug)]
pub struct PastCaches {
    /// Whether the processor stores 32 bytes at once.
    #[cfg(target_arch = "x86_64")]
    wide: bool,
}

impl Default for PastCaches {
    fn default() -> Self {
        Self::new()
    }
}

impl PastCaches {
    /// A copier.
    #[must_use]
    pub fn new() -> Self {
        Self {
            #[cfg(target_arch = "x86_64")]
            wide: is_x86_feature_detected!("avx"),
        }
    }

    /// Copies as many numbers as both have.
    #[inline]
    pub fn copy(&self, from: &[f64], to: &mut [f64]) {
        let count = from.len().min(to.len());
        let (from, to) = (&from[..count], &mut to[..count]);
        let head = if cfg!(target_arch = "x86_64") {
            to.as_ptr().align_offset(LINE * size_of::<f64>()).min(count)
        } else {
            count
        };
        let tail = head + (count - head) / LINE * LINE;
        to[..head].copy_from_slice(&from[..head]);
        #[cfg(target_arch = "x86_64")]
        {
            let lines = (
                from[head..tail].as_chunks::<LINE>().0,
                to[head..tail].as_chunks_mut::<LINE>().0,
            );
            // SAFETY: `wide` says that the processor has AVX; lines of `to` start at 64 bytes.
            unsafe {
                if self.wide {
                    copy_wide(lines.0, lines.1)
                } else {
                    copy_narrow(lines.0, lines.1)
                }
            }
        }
        to[tail..].copy_from_slice(&from[tail..]);
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

/// Copies lines.
///
/// # Safety
/// `to` is aligned to 32 bytes.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx")]
unsafe fn copy_wide(from: &[[f64; LINE]], to: &mut [[f64; LINE]]) {
    use std::arch::x86_64::{_mm256_loadu_pd, _mm256_stream_pd};
    for (from, to) in from.iter().zip(to) {
        for at in [0, 4] {
            // SAFETY: at + 3 < LINE; the caller vouches for the alignment.
            unsafe { _mm256_stream_pd(to.as_mut_ptr().add(at), _mm256_loadu_pd(from.as_ptr().add(at))) };
        }
    }
}

/// Copies lines.
///
/// # Safety
/// `to` is aligned to 16 bytes.
#[cfg(target_arch = "x86_64")]
unsafe fn copy_narrow(from: &[[f64; LINE]], to: &mut [[f64; LINE]]) {
    use std::arch::x86_64::{_mm_loadu_pd, _mm_stream_pd};
    for (from, to) in from.iter().zip(to) {
        for at in [0, 2, 4, 6] {
            // SAFETY: SSE2 is part of x86-64; at + 1 < LINE; the caller vouches for the alignment.
            unsafe { _mm_stream_pd(to.as_mut_ptr().add(at), _mm_loadu_pd(from.as_ptr().add(at))) };
        }
    }
}

/// Asks for the cache line of a number that is read soon, where the processor would not see it coming. Any address will do.
#[inline(always)]
pub fn fetch_ahead<T>(number: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: SSE is part of x86-64, and nothing is read: the line is only brought near.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(number.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = number;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg_attr(miri, ignore = "stores past the caches are assembly there")]
    fn every_length_at_every_place_is_copied_and_nothing_beside_it() {
        let from: Vec<f64> = (1..60).map(f64::from).collect();
        for start in 0..9 {
            for length in 0..40 {
                let mut to = vec![0.0; 50];
                #[cfg(target_arch = "x86_64")]
                let copiers = [PastCaches::new(), PastCaches { wide: false }];
                #[cfg(not(target_arch = "x86_64"))]
                let copiers = [PastCaches::new()];
                for copier in copiers {
                    to.fill(0.0);
                    copier.copy(&from[..length], &mut to[start..start + length]);
                    assert_eq!(to[start..start + length], from[..length]);
                    assert_eq!(to.iter().filter(|x| **x == 0.0).count(), 50 - length);
                }
            }
        }
    }
}
