//! Files of version 1, made once and kept: every later release reads them, and this one writes them
//! to the byte.
//!
//! ```text
//!   made    the changes that made them, and what is there after them
//!   index   whole snapshots, of each kind of rows and codes
//!   store   a store: manifests, a log with every kind of frame, snapshots whole and in parts
//! ```
//! The files are in `fixtures/format`. Where the bytes differ, the format has changed: it gets
//! another number then, its own files beside these, and these are read as before. They are made by
//!
//! ```text
//! cargo test -p ecphory-tests --test golden -- --ignored
//! ```

mod index;
mod made;
mod store;
