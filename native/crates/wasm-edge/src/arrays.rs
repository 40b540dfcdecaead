//! Typed arrays: copies in the module's memory, copied back when they were written to.

use std::ops::Deref;

use crate::Result;
use crate::convert::{FromNapiValue, ToNapiValue, expect};
use crate::host::{Handle, Kind};

/// The array types differ in their number and its kind alone.
macro_rules! typed_array {
    ($name:ident, $t:ty) => {
        #[doc = concat!("A `", stringify!($name), "` of the host, or a new one on its way there.")]
        #[derive(Debug)]
        pub struct $name {
            elements: Vec<$t>,
            /// The host's array that this is a copy of.
            source: Handle,
            changed: bool,
        }

        impl $name {
            /// The elements, to be changed; the host's array gets them when this is dropped.
            ///
            /// # Safety
            /// None that a caller has to see to: the copy is this value's own. The signature is that of N-API.
            pub unsafe fn as_mut(&mut self) -> &mut [$t] {
                self.changed = true;
                &mut self.elements
            }
        }

        impl Deref for $name {
            type Target = [$t];

            fn deref(&self) -> &[$t] {
                &self.elements
            }
        }

        impl From<Vec<$t>> for $name {
            fn from(elements: Vec<$t>) -> Self {
                Self {
                    elements,
                    source: Handle::NOTHING,
                    changed: false,
                }
            }
        }

        impl FromNapiValue for $name {
            fn from_value(value: Handle) -> Result<Self> {
                expect(value, Kind::$name)?;
                Ok(Self {
                    // SAFETY: the kind was checked.
                    elements: unsafe { value.elements() },
                    source: value,
                    changed: false,
                })
            }
        }

        impl ToNapiValue for $name {
            fn to_value(self) -> Result<Handle> {
                // SAFETY: the number type is that of the kind.
                Ok(unsafe { Handle::new_array(Kind::$name, &self.elements) })
            }
        }

        impl Drop for $name {
            fn drop(&mut self) {
                if self.changed && self.source != Handle::NOTHING {
                    // SAFETY: the kind was checked when the elements were copied in, and their number is the same.
                    unsafe { self.source.overwrite(&self.elements) };
                }
            }
        }
    };
}

typed_array!(Float32Array, f32);
typed_array!(Float64Array, f64);
typed_array!(Int32Array, i32);
typed_array!(Uint32Array, u32);
typed_array!(Uint8Array, u8);
