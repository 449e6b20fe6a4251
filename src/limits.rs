//! Every bound of the crate in one place.
//!
//! A caller's value outside these bounds is refused with a typed error; nothing in the crate
//! allocates, loops or recurses past them.

/// Components of a vector, at most. `dim × 127 × 127` stays below 2^31, so a sum of code products
/// is exact in an `i32` on every target.
pub const DIM_MAX: usize = 65_536;

/// Links of a node on the upper levels (`m` of the paper): the smallest that keeps a backbone.
pub const M_MIN: usize = 4;
/// Links of a node on the upper levels, at most.
pub const M_MAX: usize = 64;
/// Links of a level-0 row, at most (`2 m`): what a reader copies to its stack.
pub const M0_MAX: usize = 2 * M_MAX;

/// Candidates kept while searching or inserting, at most.
pub const EF_MAX: usize = 1 << 16;
/// Hits of one query, at most.
pub const K_MAX: usize = EF_MAX;

/// Bits of a link word that name a slot.
pub const SLOT_BITS: u32 = 26;
/// Slots of one index, at most; slot 0 is never used, so that 0 can mean "no link".
pub const SLOTS_MAX: u32 = 1 << SLOT_BITS;

/// Tags of one index, at most. Who needs more, one for each user say, is better served by an index
/// for each, or by key sets.
pub const TAGS_MAX: u32 = 65_536;
/// Bytes of a tag's name, at most.
pub const TAG_BYTES_MAX: usize = 255;
/// Steps of a tag filter, at most: a name or an operator each.
pub const FILTER_STEPS_MAX: usize = 4096;
/// Bytes of an item's name, at most.
pub const NAME_BYTES_MAX: usize = 1024;
/// Bytes of an item's payload, at most.
pub const PAYLOAD_BYTES_MAX: usize = 1 << 24;

/// Associations that lead from one item, at most: a change of one copies them all.
pub const ASSOCIATIONS_MAX: usize = 65_536;
/// Kinds of associations in one index, at most.
pub const KINDS_MAX: usize = 256;
/// Bytes of the name of a kind, at most.
pub const KIND_BYTES_MAX: usize = 255;

/// Spaces of one store, at most.
pub const SPACES_MAX: usize = 16_384;

/// Highest level of a node. With `m` ≥ 4 a level above 15 has probability 4^-15.
pub const LEVEL_MAX: usize = 15;

/// Smallest largest component of a vector under cosine: a shorter one has too few digits left for a
/// direction.
pub const COSINE_COMPONENT_MIN: f32 = 1e-30;

/// Largest component of a row of 16-bit floats.
pub const F16_MAX: f32 = 65_504.0;
/// Smallest 16-bit float with all its digits, 2^-14: under cosine the largest component of a row of
/// 16-bit floats reaches it.
pub const F16_MIN_NORMAL: f32 = 1.0 / 16_384.0;

/// Largest squared norm of a vector, so that a distance of two vectors cannot overflow an `f32`.
pub const NORM_SQUARED_MAX: f32 = f32::MAX / 8.0;

const _: () = assert!(DIM_MAX as u64 * 127 * 127 < 1 << 31);
const _: () = assert!(SLOT_BITS + 1 + 5 == 32, "a link word is slot, pin and confidence");
