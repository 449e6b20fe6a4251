//! The words of the graph, bit by bit.
//!
//! ```text
//!   link word   slot 26 | pin 1 | confidence 5            0: no link
//!   node word   state 2 | pins 6 | doubtful 1 | free 1 | given up 1 | 21 | rank 32
//!   entry word  level 8 | upper id 28 | slot 28           0: empty graph
//! ```
//!
//! One word is the unit of publication: a link and its pin, or a node's state, pins and rank,
//! change together or not at all.

use crate::limits::SLOT_BITS;

const SLOT_MASK: u32 = (1 << SLOT_BITS) - 1;
const PIN: u32 = 1 << SLOT_BITS;
const CONFIDENCE_SHIFT: u32 = SLOT_BITS + 1;
const CONFIDENCE_MASK: u32 = 31 << CONFIDENCE_SHIFT;
/// Confidence of a link nobody has spoken about, and the highest: 31 of 31.
pub(crate) const CONFIDENCE_FULL: u8 = 31;

/// A directed link: the target (a slot, or an upper id on upper levels), whether the backbone needs
/// it, and how sure it is.
///
/// Equal links are equal words. Who asks for the link to a node compares targets: its confidence
/// changes at any time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Link(u32);

impl Link {
    /// The absent link: what zeroed memory holds.
    pub(crate) const NONE: Self = Self(0);

    /// A link of full confidence.
    pub(crate) fn new(target: u32, pinned: bool) -> Self {
        debug_assert!(target != 0 && target <= SLOT_MASK);
        let pin = if pinned { PIN } else { 0 };
        Self(target | pin | CONFIDENCE_MASK)
    }

    #[inline(always)]
    pub(crate) fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    #[inline(always)]
    pub(crate) fn bits(self) -> u32 {
        self.0
    }

    /// The target; 0 for [`Self::NONE`].
    #[inline(always)]
    pub(crate) fn target(self) -> u32 {
        self.0 & SLOT_MASK
    }

    /// Whether pruning must keep the link.
    pub(crate) fn pinned(self) -> bool {
        self.0 & PIN != 0
    }

    /// The same link, which pruning must keep.
    pub(crate) fn with_pin(self) -> Self {
        Self(self.0 | PIN)
    }

    /// The same link, which pruning may give up.
    pub(crate) fn without_pin(self) -> Self {
        Self(self.0 & !PIN)
    }

    /// How sure the link is, in steps of 0..=31.
    pub(crate) fn confidence(self) -> u8 {
        (self.0 >> CONFIDENCE_SHIFT) as u8
    }

    /// The same link, as sure as this; steps above 31 count as 31.
    pub(crate) fn with_confidence(self, step: u8) -> Self {
        debug_assert!(!self.is_none(), "the absent link is the word 0");
        let step = u32::from(step.min(CONFIDENCE_FULL));
        Self(self.0 & !CONFIDENCE_MASK | step << CONFIDENCE_SHIFT)
    }

    pub(crate) fn is_none(self) -> bool {
        self.target() == 0
    }
}

/// What a slot is at the moment, and its place in the backbone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Node(u64);

impl Node {
    const LINKED: u64 = 1;
    const ADOPTED: u64 = 2;
    const DEAD: u64 = 3;
    const STATE: u64 = 3;
    const DOUBTFUL: u64 = 1 << 8;
    const FREE: u64 = 1 << 9;
    const GIVEN_UP: u64 = 1 << 10;
    const PINS_SHIFT: u32 = 2;
    const PINS_MASK: u64 = 63;
    const RANK_SHIFT: u32 = 32;

    /// A node that is part of the graph, with this rank and number of pinned out-links.
    pub(crate) fn linked(rank: u32, pins: u32) -> Self {
        debug_assert!(u64::from(pins) <= Self::PINS_MASK);
        Self(
            Self::LINKED
                | u64::from(pins) << Self::PINS_SHIFT
                | u64::from(rank) << Self::RANK_SHIFT,
        )
    }

    /// A node that has a rank and a parent, but is not pinned yet: nobody may hang by it.
    pub(crate) fn adopted(rank: u32) -> Self {
        Self(Self::ADOPTED | u64::from(rank) << Self::RANK_SHIFT)
    }

    /// No node, nothing that leads to it, and nobody has the slot.
    pub(crate) const GIVEN_BACK: Self = Self(Self::FREE);

    pub(crate) fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    pub(crate) fn bits(self) -> u64 {
        self.0
    }

    /// Whether the node is part of the graph for good, or until its item is deleted.
    pub(crate) fn is_linked(self) -> bool {
        self.0 & Self::STATE == Self::LINKED
    }

    /// Whether the node was part of the graph and only leads on to others.
    pub(crate) fn is_dead(self) -> bool {
        self.0 & Self::STATE == Self::DEAD
    }

    /// Whether others may still come by the node, dead or alive.
    pub(crate) fn is_met(self) -> bool {
        self.is_linked() || self.is_dead()
    }

    /// Whether nobody has the slot.
    pub(crate) fn is_given_back(self) -> bool {
        self == Self::GIVEN_BACK
    }

    /// Whether the node is linked and its key, for sure, leads to it.
    #[inline(always)]
    pub(crate) fn is_sure(self) -> bool {
        self.0 & (Self::STATE | Self::DOUBTFUL) == Self::LINKED
    }

    /// The same node, of which only its key tells whether it is an item.
    pub(crate) fn doubtful(self) -> Self {
        Self(self.0 | Self::DOUBTFUL)
    }

    /// The same node, doubtful for good: somebody deletes or replaces its item.
    pub(crate) fn given_up(self) -> Self {
        Self(self.0 | Self::DOUBTFUL | Self::GIVEN_UP)
    }

    /// Whether somebody deletes or replaces its item, or has.
    pub(crate) fn is_given_up(self) -> bool {
        self.0 & Self::GIVEN_UP != 0
    }

    /// The same node, which is an item, unless somebody has given it up meanwhile.
    pub(crate) fn sure(self) -> Self {
        if self.0 & Self::GIVEN_UP == 0 { Self(self.0 & !Self::DOUBTFUL) } else { self }
    }

    /// The same node, dead.
    pub(crate) fn dead(self) -> Self {
        Self(self.0 | Self::DEAD | Self::DOUBTFUL)
    }

    /// Pinned out-links it has or has promised.
    pub(crate) fn pins(self) -> u32 {
        (self.0 >> Self::PINS_SHIFT & Self::PINS_MASK) as u32
    }

    /// Place in the order of insertion; a backbone parent's is smaller.
    pub(crate) fn rank(self) -> u32 {
        (self.0 >> Self::RANK_SHIFT) as u32
    }

    /// The same node with one pin less.
    pub(crate) fn without_pin(self) -> Self {
        debug_assert!(self.pins() > 0, "pins are counted");
        Self(self.0 - (1 << Self::PINS_SHIFT))
    }

    /// The same node with one more pin.
    pub(crate) fn with_pin(self) -> Self {
        Self(self.0 + (1 << Self::PINS_SHIFT))
    }
}

/// Where searches start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Top level of the graph.
    pub(crate) level: usize,
    /// Upper id of the entry node; 0 where `level` is 0.
    pub(crate) upper: u32,
    /// Slot of the entry node.
    pub(crate) slot: u32,
}

impl Entry {
    pub(crate) fn to_bits(self) -> u64 {
        (self.level as u64) << 56 | u64::from(self.upper) << 28 | u64::from(self.slot)
    }

    /// `None` for the empty graph.
    pub(crate) fn from_bits(bits: u64) -> Option<Self> {
        let part = |shift: u32| (bits >> shift) as u32 & SLOT_MASK;
        let entry = Self { level: (bits >> 56) as usize, upper: part(28), slot: part(0) };
        (entry.slot != 0).then_some(entry)
    }
}
