//! Arrays that JavaScript lends to a call, which writes its results there.

use napi::bindgen_prelude::{Float32Array, Float64Array};

/// A typed array that the facade lends to one call, and that nobody else touches until the call ends.
pub trait Lent {
    /// Type of its numbers.
    type Element;

    /// Its numbers, to be written.
    fn lent(&mut self) -> &mut [Self::Element];
}

macro_rules! lent {
    ($($array:ty: $element:ty),+) => {$(
        impl Lent for $array {
            type Element = $element;

            fn lent(&mut self) -> &mut [$element] {
                // SAFETY: the facade lends the array for this call alone, and nobody else touches it until it ends.
                unsafe { self.as_mut() }
            }
        }
    )+};
}

lent!(Float32Array: f32, Float64Array: f64);
