//! Random numbers shared by the tests of this folder.

/// Uniform numbers in (-1, 1) from a 64-bit linear congruential generator (Knuth's constants).
pub struct Lcg(pub u64);

impl Lcg {
    /// Next number.
    pub fn next(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }

    /// Roughly normal with SD 1: sum of 12 uniforms.
    pub fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.next()).sum::<f64>() / 2.0
    }
}
