//! The words of the key table: what a place is, and whose turn a lane is.

use crate::limits::{SLOT_BITS, SLOTS_MAX};

/// A slot, or one of the states below.
const WHAT_BITS: u32 = SLOT_BITS + 1;
/// Bits of a key's hash that stand beside what its place is.
const MARK_BITS: u32 = 8;
const VERSION_BITS: u32 = 64 - WHAT_BITS - MARK_BITS;

/// Nobody's: never taken, or given back.
pub(super) const FREE: u32 = 0;
/// A claim has succeeded; its slot follows, or the claim is given back.
pub(super) const CLAIMED: u32 = SLOTS_MAX;
/// A claim is to be decided, by anybody.
const PENDING: u32 = SLOTS_MAX + 1;
/// One claim's alone, and no key's: its name is being written, or it was refused.
const HELD: u32 = SLOTS_MAX + 2;

/// Whether a word, or what a place is, is a slot.
pub(super) fn is_slot(what: u32) -> bool {
    what != FREE && what < SLOTS_MAX
}

/// What a place is: `version | mark | what`. The version is one more whenever the place is taken,
/// so two equal versions have one name between them. All zero: nobody ever took the place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct State(u64);

impl State {
    pub(super) fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    pub(super) fn bits(self) -> u64 {
        self.0
    }

    pub(super) fn was_never_taken(self) -> bool {
        self.0 == 0
    }

    pub(super) fn what(self) -> u32 {
        (self.0 & ((1 << WHAT_BITS) - 1)) as u32
    }

    pub(super) fn mark(self) -> u8 {
        (self.0 >> WHAT_BITS) as u8
    }

    pub(super) fn version(self) -> u32 {
        (self.0 >> (WHAT_BITS + MARK_BITS)) as u32
    }

    pub(super) fn is_free(self) -> bool {
        self.what() == FREE
    }

    pub(super) fn is_pending(self) -> bool {
        self.what() == PENDING
    }

    pub(super) fn is_claimed(self) -> bool {
        self.what() == CLAIMED
    }

    /// Whether the place's name is taken: nobody else may have the key.
    pub(super) fn is_taken(self) -> bool {
        self.is_claimed() || is_slot(self.what())
    }

    /// The same place and name, being something else.
    pub(super) fn with(self, what: u32) -> Self {
        Self(self.0 >> WHAT_BITS << WHAT_BITS | u64::from(what))
    }

    /// A free place, taken. Versions wrap past zero, which is left to places nobody ever took.
    pub(super) fn held(self) -> Self {
        let next = (self.version() + 1) & ((1 << VERSION_BITS) - 1);
        Self(u64::from(next.max(1)) << (WHAT_BITS + MARK_BITS)).with(HELD)
    }

    /// A held place, named by a key with this mark.
    pub(super) fn pending(self, mark: u8) -> Self {
        debug_assert!(self.mark() == 0, "named once a version");
        Self(self.0 | u64::from(mark) << WHAT_BITS).with(PENDING)
    }

    /// A pending place, decided.
    pub(super) fn decided(self, won: bool) -> Self {
        self.with(if won { CLAIMED } else { HELD })
    }
}

/// Whose turn it is in a lane: one claim, by place and version; or nobody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Turn(u64);

impl Turn {
    pub(super) const NONE: Self = Self(0);

    pub(super) fn new(place: u32, state: State) -> Self {
        // A taken place has a version above zero, so a turn is never `NONE`.
        Self(u64::from(place) << VERSION_BITS | u64::from(state.version()))
    }

    pub(super) fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    pub(super) fn bits(self) -> u64 {
        self.0
    }

    pub(super) fn place(self) -> u32 {
        (self.0 >> VERSION_BITS) as u32
    }

    /// Whether this is the turn of the claim that made the place's word.
    pub(super) fn is_of(self, state: State) -> bool {
        Self::new(self.place(), state) == self
    }
}

#[test]
fn what_a_place_is_leaves_version_and_mark_alone() {
    let taken = State::from_bits(0).held();
    assert!(!taken.is_free() && !taken.is_taken() && !taken.is_pending());
    let pending = taken.pending(0xab);
    assert_eq!((pending.version(), pending.mark()), (1, 0xab));
    assert!(pending.is_pending() && !pending.is_taken());
    let claimed = pending.decided(true);
    assert!(claimed.is_claimed() && claimed.is_taken() && !pending.decided(false).is_taken());
    for slot in [1, SLOTS_MAX - 1] {
        let published = claimed.with(slot);
        assert_eq!((published.what(), published.mark(), published.version()), (slot, 0xab, 1));
        assert!(published.is_taken() && !published.is_claimed());
        let freed = published.with(FREE);
        assert!(freed.is_free() && !freed.was_never_taken());
        assert_eq!((freed.held().version(), freed.held().mark()), (2, 0));
    }
}

#[test]
fn versions_wrap_past_zero() {
    let last = State::from_bits(u64::MAX).with(FREE);
    assert_eq!(last.held().version(), 1);
    let turn = Turn::new(u32::MAX, last);
    assert!(turn.is_of(last) && !turn.is_of(last.held()));
    assert_eq!(turn.place(), u32::MAX);
}
