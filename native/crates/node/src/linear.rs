//! Entries of the traditional methods.
