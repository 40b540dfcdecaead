//! The one way in which native work runs for JavaScript: off its thread, stoppable, and never able to take the
//! process down.
//!
//! ```ignore
//! #[napi]
//! pub fn rolling_ols(
//!     call: RollingCall,
//!     threads: u32,
//!     token: Option<&CancelToken>,
//!     on_progress: Option<ProgressListener>,
//! ) -> AsyncTask<Work<Float64Array>> {
//!     Work::spawn(control(threads, token, on_progress), move |control| {
//!         linear::rolling(&call.x, control).map(Into::into).map_err(|error| Failure::new("bad_argument", error))
//!     })
//! }
//! ```
//! On the TypeScript side: `runNative((native, run) => native.rollingOls(call, ...run), options)`.
//! An error's message starts with a stable code and a colon (`shape_mismatch: ...`); the TypeScript facade turns
//! it into the `MacrogradError` of that code.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use macrograd_simd::{Cancelled, Control};
use napi::bindgen_prelude::{AsyncTask, ToNapiValue};
use napi::{Env, Task};

pub use crate::control::{CancelToken, ProgressListener, control};

/// Why native work failed, with the stable code that JavaScript sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// One of the facade's error codes, as `shape_mismatch`.
    pub code: &'static str,
    /// What was wrong and what to do about it, in words.
    pub message: String,
}

impl Failure {
    /// A failure with a code and its words.
    pub fn new(code: &'static str, message: impl ToString) -> Self {
        Self {
            code,
            message: message.to_string(),
        }
    }
}

impl From<Cancelled> for Failure {
    fn from(_: Cancelled) -> Self {
        Self::new("cancelled", "the work was cancelled")
    }
}

impl From<Failure> for napi::Error {
    fn from(failure: Failure) -> Self {
        Self::from_reason(format!("{}: {}", failure.code, failure.message))
    }
}

/// Native work on its way through Node's thread pool, with a `T` for a result.
///
/// The closure lives until the task is dropped on the JavaScript thread, so that the typed arrays which it owns
/// are released there.
pub struct Work<T> {
    body: Body<T>,
    control: Control,
}

type Body<T> = Box<dyn FnMut(&Control) -> Result<T, Failure> + Send>;

impl<T: Send + 'static> Work<T> {
    /// A promise for what `body` returns; a panic in it becomes an error with the code `native_failure`.
    pub fn spawn(control: Control, body: impl FnMut(&Control) -> Result<T, Failure> + Send + 'static) -> AsyncTask<Self>
    where
        T: ToNapiValue + napi::bindgen_prelude::TypeName,
    {
        AsyncTask::new(Self {
            body: Box::new(body),
            control,
        })
    }
}

impl<T: Send + 'static + ToNapiValue + napi::bindgen_prelude::TypeName> Task for Work<T> {
    type Output = T;
    type JsValue = T;

    fn compute(&mut self) -> napi::Result<T> {
        self.control.check().map_err(Failure::from)?;
        Ok(guarded(|| (self.body)(&self.control))?)
    }

    fn resolve(&mut self, _: Env, output: T) -> napi::Result<T> {
        Ok(output)
    }
}

/// Runs `body`; a panic becomes a [`Failure`] with the code `native_failure`. For synchronous entries too, where a
/// panic would otherwise abort the process.
///
/// # Errors
/// What `body` fails with, or `native_failure`.
pub fn guarded<T>(body: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    // Unwind safety: what the closure captured is not looked at again after a panic, only dropped.
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| {
        Err(Failure::new(
            "native_failure",
            format!("the native code panicked: {}", panic_text(&*panic)),
        ))
    })
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (_, Some(text)) => text.clone(),
        _ => "no message".to_owned(),
    }
}
