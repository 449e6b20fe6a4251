//! The error type of the public interface.
//!
//! One enum, because one table of stable codes serves Rust, the command line and JavaScript. Each
//! message says what was wrong and what to do; no error leaves anything changed.

/// Result with the crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a call refused, and how to make it acceptable.
///
/// [`Error::code`] is stable across releases and languages; messages may improve.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A vector's length is not the index's dimension.
    #[error(
        "expected a vector of {expected} components, got {got}; use the model the index was created for"
    )]
    DimensionMismatch {
        /// Components the index was created with.
        expected: usize,
        /// Components of the vector that was passed.
        got: usize,
    },
    /// A flat buffer does not hold a whole number of vectors, or not one per key.
    #[error(
        "expected {expected} numbers ({rows} vectors), got {got}; pass the vectors one after the other, one per key"
    )]
    ShapeMismatch {
        /// Numbers that the shape asks for.
        expected: usize,
        /// Vectors that were announced.
        rows: usize,
        /// Numbers that were passed.
        got: usize,
    },
    /// A component is NaN or infinite.
    #[error(
        "component {component} of vector {row} is not a finite number; clean the input before indexing or searching"
    )]
    NotFinite {
        /// Position of the vector in the call, 0 for a single one.
        row: usize,
        /// Position of the component.
        component: usize,
    },
    /// A vector is so long that distances would overflow.
    #[error("vector {row} is too long (squared norm above f32::MAX / 8); scale the data down")]
    TooLong {
        /// Position of the vector in the call.
        row: usize,
    },
    /// A vector without direction, under the cosine metric: no component reaches
    /// [`COSINE_COMPONENT_MIN`](crate::limits::COSINE_COMPONENT_MIN).
    #[error(
        "vector {row} is zero, or nearly, and has no direction under the cosine metric; skip it or use l2"
    )]
    ZeroVector {
        /// Position of the vector in the call.
        row: usize,
    },
    /// A component that 16-bit floats do not hold, in an index with
    /// [`Rows::F16`](crate::Rows::F16): larger than
    /// [`F16_MAX`](crate::limits::F16_MAX) or, under the cosine metric, the largest of its vector
    /// and below [`F16_MIN_NORMAL`](crate::limits::F16_MIN_NORMAL).
    #[error(
        "component {component} of vector {row} is out of the range of 16-bit floats (2^-14 to 65,504); scale the data, or keep rows as f32"
    )]
    F16Range {
        /// Position of the vector in the call.
        row: usize,
        /// Position of its largest component.
        component: usize,
    },
    /// A vector outside the range that 7-bit codes were fitted to, in an index with
    /// [`Rows::Codes`](crate::Rows::Codes), which would keep nothing else of it.
    #[error(
        "the vector lies outside the range of the index's codes; leave it out, build anew with vectors like it, or keep rows as f16 or f32"
    )]
    CodeRange,
    /// The vectors of a bulk build lie nearer together than 7-bit codes tell, or too many of them
    /// outside the range of codes for the others, in an index with
    /// [`Rows::Codes`](crate::Rows::Codes).
    #[error(
        "7-bit codes do not tell these vectors apart; keep rows as f16 or f32, or insist with codes = u7"
    )]
    CoarseCodes,
    /// An index with [`Rows::Codes`](crate::Rows::Codes) that has no codes: before its bulk build,
    /// or with [`Codes::None`](crate::Codes::None).
    #[error(
        "rows = codes keeps nothing but codes, which a bulk build fits; build in bulk before inserting, and do not set codes = none"
    )]
    NoCodes,
    /// An option lies outside its bounds.
    #[error("{name} = {value} is outside {min}..={max}; choose a value inside")]
    OptionOutOfRange {
        /// The option.
        name: &'static str,
        /// What was passed.
        value: u64,
        /// Smallest accepted value.
        min: u64,
        /// Largest accepted value.
        max: u64,
    },
    /// A search needs items and there are none.
    #[error("the index is empty; insert items before searching")]
    Empty,
    /// A search asked for more neighbours than there are items.
    #[error("asked for {k} neighbours of {len} items; ask for at most {len}, or use up_to({k})")]
    NotEnoughItems {
        /// Neighbours asked for.
        k: usize,
        /// Items in the index.
        len: usize,
    },
    /// The key is already in the index, or twice in the same call.
    #[error("key {key} is already in the index; remove the duplicate")]
    DuplicateKey {
        /// The key.
        key: u64,
    },
    /// A name that no item can have.
    #[error("an item's name has 1 to 1,024 bytes, and this one has {bytes}; choose another")]
    BadName {
        /// Bytes of the name.
        bytes: usize,
    },
    /// The item of the key that a name stands for has another name: their hashes are equal.
    #[error(
        "an item of another name has the key {key} too; choose a name that differs, by a prefix say"
    )]
    NameTaken {
        /// The key.
        key: u64,
    },
    /// A tag without a name, or with one that is too long.
    #[error("a tag has a name of 1 to 255 bytes, and this one has {bytes}; choose another")]
    BadTag {
        /// Bytes of the name.
        bytes: usize,
    },
    /// The index knows as many tags as it can.
    #[error(
        "the index already knows {limit} tags; use fewer, key sets, or an index for each group"
    )]
    TooManyTags {
        /// Tags an index can know.
        limit: u32,
    },
    /// A text is no filter, or one that is too large.
    #[error(
        "not a filter: {reason} (byte {offset}); write tags with &, | and !, such as (red | blue) & !sold"
    )]
    BadFilter {
        /// What does not fit.
        reason: &'static str,
        /// Where in the text it was seen.
        offset: usize,
    },
    /// A payload longer than [`PAYLOAD_BYTES_MAX`](crate::limits::PAYLOAD_BYTES_MAX).
    #[error(
        "a payload of {bytes} bytes is too long (16 MiB at most); keep a reference to it instead"
    )]
    PayloadTooLong {
        /// Bytes of the payload.
        bytes: usize,
    },
    /// What no memory can have: a confidence, a curve, a weight out of range.
    #[error("{name} must be {accepted}; choose one that is")]
    Memory {
        /// What it was given for.
        name: &'static str,
        /// What would be taken, in words.
        accepted: &'static str,
    },
    /// As many associations lead from an item as there can be.
    #[error(
        "{limit} associations lead from the item, the most there can be; put items between, by topic say"
    )]
    TooManyAssociations {
        /// Associations that fit.
        limit: usize,
    },
    /// The index knows as many kinds of associations as it can, or the kind has no name.
    #[error(
        "a kind of association has a name of 1 to 255 bytes, and an index knows 256 kinds; use another, or weights"
    )]
    BadKind,
    /// A recollection that begins with nothing.
    #[error("a recollection begins with a vector, or with items that are there; pass either")]
    NoCue,
    /// The index holds as many items as its format can name.
    #[error("the index is full at {limit} items; split the data over several indexes")]
    Full {
        /// Items that fit.
        limit: u32,
    },
    /// A search was limited to a distance that is NaN, with which no distance compares.
    #[error("the largest distance is not a number; pass one, or leave it out to find any")]
    DistanceNotANumber,
    /// A search asked for a recall that is none.
    #[error("recall is not between 0 and 1; ask for a share such as 0.95")]
    RecallOutOfRange,
    /// A search asked for recall in an index that does not know what reaches it.
    #[error(
        "the index was never tuned, so nothing is known of its recall; call tune once, or set ef"
    )]
    NotTuned,
    /// A search asked for more recall than any measured breadth reaches.
    #[error(
        "such a recall was not reached when the index was tuned, at most 0.{highest:04}; ask for less, set ef, or search exactly"
    )]
    RecallOutOfReach {
        /// What the widest search reached, in ten-thousandths. (An integer: what prints floats would
        /// be a tenth of the WebAssembly library.)
        highest: u32,
    },
    /// Memory for the call could not be had.
    #[error("could not allocate {bytes} bytes; free memory or split the data over several indexes")]
    OutOfMemory {
        /// Size of the allocation that failed.
        bytes: usize,
    },
    /// A bulk build runs or has items to respect; writes of the other kind are refused meanwhile.
    #[error("{what}; retry when it has finished")]
    Busy {
        /// What is in the way.
        what: &'static str,
    },
    /// Readers keep deleted items from making room for others.
    #[error(
        "{deleted} deleted items wait for readers that began before; let those end, then retry"
    )]
    Overloaded {
        /// Items that were deleted or replaced and are still held.
        deleted: usize,
    },
    /// A bulk build was asked of an index that already holds items.
    #[error(
        "the index already holds {len} items and a bulk build starts from none; use insert, or build a new index"
    )]
    NotEmpty {
        /// Items it holds.
        len: usize,
    },
    /// The work was cancelled by its progress callback.
    #[error("cancelled; the index is unchanged")]
    Cancelled,
    /// The host rounds denormal numbers to zero, so distances would differ between machines.
    #[error("this thread flushes denormal numbers to zero; clear FTZ/DAZ before calling")]
    FlushToZero,
    /// Bytes are not a snapshot, or a damaged one.
    #[error("not a usable snapshot: {reason} (byte {offset}); restore the file from its source")]
    Snapshot {
        /// What does not fit.
        reason: &'static str,
        /// Where in the file it was seen.
        offset: u64,
    },
    /// A snapshot was written by a release that knows more than this one.
    #[error(
        "the snapshot has {what} {found:#x}, unknown to this release; open it with a newer release"
    )]
    UnsupportedSnapshot {
        /// What is unknown: the format version, a feature, the encoding of links.
        what: &'static str,
        /// Its number, or the bits of the features that are unknown.
        found: u64,
    },
}

impl Error {
    /// A short, stable name for programs: `"dimension-mismatch"`, `"duplicate-key"`, …
    pub fn code(&self) -> &'static str {
        match self {
            Self::DimensionMismatch { .. } => "dimension-mismatch",
            Self::ShapeMismatch { .. } => "shape-mismatch",
            Self::NotFinite { .. } => "not-finite",
            Self::TooLong { .. } => "too-long",
            Self::ZeroVector { .. } => "zero-vector",
            Self::F16Range { .. } => "f16-range",
            Self::CodeRange => "code-range",
            Self::CoarseCodes => "coarse-codes",
            Self::NoCodes => "no-codes",
            Self::OptionOutOfRange { .. } => "option-out-of-range",
            Self::Empty => "empty",
            Self::NotEnoughItems { .. } => "not-enough-items",
            Self::DuplicateKey { .. } => "duplicate-key",
            Self::BadName { .. } => "bad-name",
            Self::NameTaken { .. } => "name-taken",
            Self::BadTag { .. } => "bad-tag",
            Self::TooManyTags { .. } => "too-many-tags",
            Self::BadFilter { .. } => "bad-filter",
            Self::PayloadTooLong { .. } => "payload-too-long",
            Self::Memory { .. } => "memory",
            Self::TooManyAssociations { .. } => "too-many-associations",
            Self::BadKind => "bad-kind",
            Self::NoCue => "no-cue",
            Self::Full { .. } => "full",
            Self::DistanceNotANumber => "distance-not-a-number",
            Self::RecallOutOfRange => "recall-out-of-range",
            Self::NotTuned => "not-tuned",
            Self::RecallOutOfReach { .. } => "recall-out-of-reach",
            Self::OutOfMemory { .. } => "out-of-memory",
            Self::Busy { .. } => "busy",
            Self::Overloaded { .. } => "overloaded",
            Self::NotEmpty { .. } => "not-empty",
            Self::Cancelled => "cancelled",
            Self::FlushToZero => "flush-to-zero",
            Self::Snapshot { .. } => "snapshot",
            Self::UnsupportedSnapshot { .. } => "unsupported-snapshot",
        }
    }
}
