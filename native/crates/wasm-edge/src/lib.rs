//! What the node crate needs of the crate `napi`, for a plain WebAssembly module: names and signatures are that crate's,
//! and values are those of a JavaScript host (packages/kernel-wasm), which the module asks for by handle.
//!
//! A call copies the typed arrays that it is given into the module's memory and those that it wrote to back out; its work
//! runs before it returns, on the one thread that there is.

mod arrays;
mod convert;
pub mod host;
mod task;

use std::sync::Once;

pub use task::Task;

use convert::ToNapiValue;
use host::Handle;

/// The names that entries use.
pub mod bindgen_prelude {
    pub use crate::arrays::{Float32Array, Float64Array, Int32Array, Uint8Array, Uint32Array};
    pub use crate::convert::{FromNapiValue, ToNapiValue, argument, field};
    pub use crate::task::AsyncTask;

    /// A type with a name in JavaScript: any.
    pub trait TypeName {}
    impl<T> TypeName for T {}
}

/// The host's environment, of which nothing is needed.
#[derive(Debug, Clone, Copy)]
pub struct Env;

/// Why a call failed: a text that starts with a stable code and a colon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error(String);

/// What a call gives.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error with that text.
    pub fn from_reason(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }

    /// The same error, in a part of that name.
    pub(crate) fn within(self, part: &str) -> Self {
        Self(format!("{} in {part}", self.0))
    }
}

/// Runs an entry for the host: its result as a handle, or 0 after the error's text was passed on.
pub fn call<T: ToNapiValue>(entry: impl FnOnce() -> Result<T>) -> u32 {
    static HOOK: Once = Once::new();
    // A panic ends the module; the host shall know why.
    HOOK.call_once(|| {
        std::panic::set_hook(Box::new(|panic| {
            host::fail(&format!("native_failure: the kernel panicked: {panic}"));
        }));
    });
    match entry().and_then(T::to_value) {
        Ok(value) => value.raw(),
        Err(error) => {
            host::fail(&error.0);
            Handle::NOTHING.raw()
        }
    }
}
