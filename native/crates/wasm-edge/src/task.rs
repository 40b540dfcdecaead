//! Work that N-API would run on another thread: here it runs at once.

use crate::convert::ToNapiValue;
use crate::host::Handle;
use crate::{Env, Result};

/// Work with a result for the host.
pub trait Task {
    /// What the work makes.
    type Output;
    /// What the host gets.
    type JsValue: ToNapiValue;

    /// Does the work.
    ///
    /// # Errors
    /// Those of the work.
    fn compute(&mut self) -> Result<Self::Output>;

    /// Turns what was made into what the host gets.
    ///
    /// # Errors
    /// Those of the conversion.
    fn resolve(&mut self, env: Env, output: Self::Output) -> Result<Self::JsValue>;
}

/// A task that has not run yet; it does when its result is asked for.
pub struct AsyncTask<T: Task>(T);

impl<T: Task> AsyncTask<T> {
    /// The task, not run yet.
    pub fn new(task: T) -> Self {
        Self(task)
    }
}

impl<T: Task> ToNapiValue for AsyncTask<T> {
    fn to_value(mut self) -> Result<Handle> {
        let output = self.0.compute()?;
        self.0.resolve(Env, output)?.to_value()
    }
}
