//! The JavaScript host, behind safe functions: values are numbers into a table that lives as long as a call.

/// A value of the host during one call; 0 is undefined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Handle(u32);

/// What a value is, as far as conversions tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Kind {
    /// Undefined or null.
    Nothing = 0,
    /// A truth value.
    Boolean = 1,
    /// A number.
    Number = 2,
    /// Text.
    Text = 3,
    /// An `Array`.
    List = 4,
    /// `Float32Array`.
    Float32Array = 5,
    /// `Float64Array`.
    Float64Array = 6,
    /// `Int32Array`.
    Int32Array = 7,
    /// `Uint32Array`.
    Uint32Array = 8,
    /// `Uint8Array`.
    Uint8Array = 9,
    /// Anything else.
    Object = 10,
}

impl Kind {
    const ALL: [Self; 11] = [
        Self::Nothing,
        Self::Boolean,
        Self::Number,
        Self::Text,
        Self::List,
        Self::Float32Array,
        Self::Float64Array,
        Self::Int32Array,
        Self::Uint32Array,
        Self::Uint8Array,
        Self::Object,
    ];
}

/// Imports, as packages/kernel-wasm/src/host.ts defines them. Pointers are into the module's memory.
mod import {
    #[link(wasm_import_module = "host")]
    unsafe extern "C" {
        /// A [`super::Kind`].
        pub(super) safe fn kind(value: u32) -> u32;
        /// A number, or a truth value as 0 or 1.
        pub(super) safe fn number(value: u32) -> f64;
        /// Elements of a list or typed array, bytes of a text.
        pub(super) safe fn length(value: u32) -> usize;
        pub(super) safe fn item(list: u32, index: usize) -> u32;
        pub(super) fn property(object: u32, name: *const u8, length: usize) -> u32;
        /// Copies all bytes of a text or typed array to `out`.
        pub(super) fn read(value: u32, out: *mut u8);
        /// Copies bytes over those of a typed array.
        pub(super) fn write(value: u32, bytes: *const u8);
        pub(super) safe fn new_boolean(value: u32) -> u32;
        pub(super) safe fn new_number(value: f64) -> u32;
        pub(super) fn new_text(bytes: *const u8, length: usize) -> u32;
        pub(super) safe fn new_list() -> u32;
        pub(super) safe fn push(list: u32, value: u32);
        pub(super) safe fn new_object() -> u32;
        pub(super) fn set(object: u32, name: *const u8, length: usize, value: u32);
        /// `length` counts elements.
        pub(super) fn new_array(kind: u32, elements: *const u8, length: usize) -> u32;
        /// Tells of progress; whether the call is to stop.
        pub(super) safe fn report(fraction: f64) -> u32;
        /// Seconds from some moment on.
        pub(super) safe fn seconds() -> f64;
        /// Keeps the text of the error that the call is about to end with.
        pub(super) fn fail(text: *const u8, length: usize);
    }
}

impl Handle {
    /// Undefined.
    pub const NOTHING: Self = Self(0);

    /// The value that the host passed as a number.
    #[must_use]
    pub fn from_raw(raw: u32) -> Self {
        Self(raw)
    }

    /// The number by which the host knows it.
    #[must_use]
    pub fn raw(self) -> u32 {
        self.0
    }

    /// What it is.
    #[must_use]
    pub fn kind(self) -> Kind {
        Kind::ALL[import::kind(self.0) as usize]
    }

    /// A number, or a truth value as 0 or 1.
    #[must_use]
    pub fn number(self) -> f64 {
        import::number(self.0)
    }

    /// Elements of a list or typed array, bytes of a text.
    #[must_use]
    pub fn length(self) -> usize {
        import::length(self.0)
    }

    /// An element of a list.
    #[must_use]
    pub fn item(self, index: usize) -> Self {
        Self(import::item(self.0, index))
    }

    /// A property of an object; undefined where it has none.
    #[must_use]
    pub fn property(self, name: &str) -> Self {
        // SAFETY: the host reads the name's bytes and keeps no pointer.
        Self(unsafe { import::property(self.0, name.as_ptr(), name.len()) })
    }

    /// The bytes of a text.
    #[must_use]
    pub fn text_bytes(self) -> Vec<u8> {
        let mut bytes = vec![0; self.length()];
        // SAFETY: there is room for all of its bytes.
        unsafe { import::read(self.0, bytes.as_mut_ptr()) };
        bytes
    }

    /// The elements of a typed array.
    ///
    /// # Safety
    /// `T` is the number type of the value's kind.
    pub(crate) unsafe fn elements<T: Copy + Default>(self) -> Vec<T> {
        let mut elements = vec![T::default(); self.length()];
        // SAFETY: there is room for all elements, and any bits make such a number.
        unsafe { import::read(self.0, elements.as_mut_ptr().cast()) };
        elements
    }

    /// Overwrites the elements of a typed array.
    ///
    /// # Safety
    /// `T` is the number type of the value's kind, and `elements` are as many as it has.
    pub(crate) unsafe fn overwrite<T: Copy>(self, elements: &[T]) {
        // SAFETY: the host reads as many bytes as its array has.
        unsafe { import::write(self.0, elements.as_ptr().cast()) };
    }

    /// A new truth value.
    #[must_use]
    pub fn new_boolean(value: bool) -> Self {
        Self(import::new_boolean(value.into()))
    }

    /// A new number.
    #[must_use]
    pub fn new_number(value: f64) -> Self {
        Self(import::new_number(value))
    }

    /// A new text.
    #[must_use]
    pub fn new_text(text: &str) -> Self {
        // SAFETY: the host reads the text's bytes and keeps no pointer.
        Self(unsafe { import::new_text(text.as_ptr(), text.len()) })
    }

    /// A new list of values.
    #[must_use]
    pub fn new_list(values: impl IntoIterator<Item = Self>) -> Self {
        let list = import::new_list();
        for value in values {
            import::push(list, value.0);
        }
        Self(list)
    }

    /// A new object without properties.
    #[must_use]
    pub fn new_object() -> Self {
        Self(import::new_object())
    }

    /// Sets a property of an object.
    pub fn set(self, name: &str, value: Self) {
        // SAFETY: the host reads the name's bytes and keeps no pointer.
        unsafe { import::set(self.0, name.as_ptr(), name.len(), value.0) };
    }

    /// A new typed array with a copy of the elements.
    ///
    /// # Safety
    /// `T` is the number type of `kind`.
    pub(crate) unsafe fn new_array<T: Copy>(kind: Kind, elements: &[T]) -> Self {
        // SAFETY: the host reads as many elements of the kind as there are, and keeps no pointer.
        Self(unsafe { import::new_array(kind as u32, elements.as_ptr().cast(), elements.len()) })
    }
}

/// Tells the host of progress, a fraction in [0, 1]; whether the caller has asked the work to stop.
#[must_use]
pub fn report(fraction: f64) -> bool {
    import::report(fraction) != 0
}

/// Seconds from some moment on, by the host's clock.
#[must_use]
pub fn seconds() -> f64 {
    import::seconds()
}

/// Gives the host the text of the error that the call ends with.
pub fn fail(text: &str) {
    // SAFETY: the host reads the text's bytes and keeps no pointer.
    unsafe { import::fail(text.as_ptr(), text.len()) };
}
