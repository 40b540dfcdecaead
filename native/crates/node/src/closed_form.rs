//! Entries of the pooled trainer whose heads are integrated out in closed form.
