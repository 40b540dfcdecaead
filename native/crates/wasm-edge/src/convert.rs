//! Values of the host as Rust's, and back.

use crate::host::{Handle, Kind};
use crate::{Error, Result};

/// A type that values of the host convert to.
pub trait FromNapiValue: Sized {
    /// The value as this type.
    ///
    /// # Errors
    /// When it is of another kind.
    fn from_value(value: Handle) -> Result<Self>;
}

/// A type that becomes a value of the host.
pub trait ToNapiValue {
    /// This as a value of the host.
    ///
    /// # Errors
    /// Those of work that runs for its sake.
    fn to_value(self) -> Result<Handle>;
}

/// The kind, if it is the wanted one.
pub(crate) fn expect(value: Handle, wanted: Kind) -> Result<()> {
    match value.kind() {
        kind if kind == wanted => Ok(()),
        kind => Err(Error::from_reason(format!(
            "bad_argument: got {kind:?}, wanted {wanted:?}"
        ))),
    }
}

/// A property of an object as a field of a struct; errors name it.
///
/// # Errors
/// Those of the field's conversion.
pub fn field<T: FromNapiValue>(object: Handle, name: &str) -> Result<T> {
    T::from_value(object.property(name)).map_err(|error| error.within(name))
}

/// The `index`th argument of a call; errors name it.
///
/// # Errors
/// Those of the argument's conversion.
pub fn argument<T: FromNapiValue>(arguments: Handle, index: usize, name: &str) -> Result<T> {
    T::from_value(arguments.item(index)).map_err(|error| error.within(name))
}

impl FromNapiValue for f64 {
    fn from_value(value: Handle) -> Result<Self> {
        expect(value, Kind::Number)?;
        Ok(value.number())
    }
}

impl FromNapiValue for u32 {
    fn from_value(value: Handle) -> Result<Self> {
        Ok(f64::from_value(value)? as Self)
    }
}

impl FromNapiValue for i32 {
    fn from_value(value: Handle) -> Result<Self> {
        Ok(f64::from_value(value)? as Self)
    }
}

impl FromNapiValue for bool {
    fn from_value(value: Handle) -> Result<Self> {
        expect(value, Kind::Boolean)?;
        Ok(value.number() != 0.0)
    }
}

impl FromNapiValue for String {
    fn from_value(value: Handle) -> Result<Self> {
        expect(value, Kind::Text)?;
        Ok(Self::from_utf8_lossy(&value.text_bytes()).into_owned())
    }
}

impl<T: FromNapiValue> FromNapiValue for Option<T> {
    fn from_value(value: Handle) -> Result<Self> {
        match value.kind() {
            Kind::Nothing => Ok(None),
            _ => T::from_value(value).map(Some),
        }
    }
}

impl<T: FromNapiValue> FromNapiValue for Vec<T> {
    fn from_value(value: Handle) -> Result<Self> {
        expect(value, Kind::List)?;
        (0..value.length())
            .map(|index| argument(value, index, &index.to_string()))
            .collect()
    }
}

impl ToNapiValue for () {
    fn to_value(self) -> Result<Handle> {
        Ok(Handle::NOTHING)
    }
}

impl ToNapiValue for f64 {
    fn to_value(self) -> Result<Handle> {
        Ok(Handle::new_number(self))
    }
}

impl ToNapiValue for u32 {
    fn to_value(self) -> Result<Handle> {
        Ok(Handle::new_number(self.into()))
    }
}

impl ToNapiValue for i32 {
    fn to_value(self) -> Result<Handle> {
        Ok(Handle::new_number(self.into()))
    }
}

impl ToNapiValue for bool {
    fn to_value(self) -> Result<Handle> {
        Ok(Handle::new_boolean(self))
    }
}

impl ToNapiValue for String {
    fn to_value(self) -> Result<Handle> {
        Ok(Handle::new_text(&self))
    }
}

impl<T: ToNapiValue> ToNapiValue for Option<T> {
    fn to_value(self) -> Result<Handle> {
        self.map_or(Ok(Handle::NOTHING), T::to_value)
    }
}

impl<T: ToNapiValue> ToNapiValue for Vec<T> {
    fn to_value(self) -> Result<Handle> {
        let values: Vec<Handle> = self.into_iter().map(T::to_value).collect::<Result<_>>()?;
        Ok(Handle::new_list(values))
    }
}

impl<T: ToNapiValue> ToNapiValue for Result<T> {
    fn to_value(self) -> Result<Handle> {
        self?.to_value()
    }
}
