//! The steps of writers, named, so that tests can stop a writer at each of them.
//!
//! A writer that stands still anywhere, for ever, keeps nobody waiting: neither searches nor those
//! that write other keys. So whatever others may meet half done is followed by a step here, and
//! `index::frozen_tests` goes over all of them. In a normal build, a step is nothing at all.

macro_rules! steps {
    ($($(#[$what:meta])+ $step:ident,)+) => {
        /// What a writer has just done.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Step { $($(#[$what])+ $step,)+ }

        #[cfg(all(test, not(loom)))]
        impl Step {
            /// Every step that there is.
            pub(crate) const ALL: &[Self] = &[$(Self::$step,)+];
        }
    };
}

steps! {
    /// The links of a file were found sound; what it left free is not free yet.
    Judged,

    // A slot and its rows.
    /// A chunk of rows can be reached; whoever frees it does not know of it yet.
    ChunkPublished,
    /// A free slot is off the stack, and counted nowhere.
    FreeTaken,
    /// A slot is taken.
    SlotTaken,
    /// Its vector, code and key are written.
    RowWritten,
    /// Upper ids are taken, and name no slot.
    UpperTaken,

    // A key.
    /// A place is one claim's, and has no name.
    PlaceHeld,
    /// It is named; whether the claim has the key is open.
    PlaceNamed,
    /// The claim is in turn in its lane.
    InTurn,
    /// It is decided, and its turn not ended.
    Decided,
    /// The key is claimed.
    KeyClaimed,
    /// The key leads to its first slot.
    KeyPublished,
    /// Its item is counted.
    Counted,

    // A node.
    /// The first node is the anchor, and searches have no place to start.
    Anchored,
    /// Links of an upper level are written.
    UpperWritten,
    /// The node is known to inserts that run beside its own.
    Announced,
    /// A link stands in a row, perhaps twice.
    LinkPut,
    /// Its links are written.
    LinksWritten,
    /// A parent has promised room for a pin.
    Promised,
    /// The node has a rank.
    Adopted,
    /// It hangs by its parent.
    Pinned,
    /// Others may hang by it.
    Linked,
    /// A neighbour was asked for a link back.
    Offered,
    /// The node is the entry, if it is high enough.
    Raised,
    /// Nobody needs to ask its key.
    Trusted,

    // Another node in its place, or none.
    /// An update has begun.
    UpdateBegun,
    /// A removal has begun.
    RemovalBegun,
    /// Whoever meets the old node asks its key.
    GivenUp,
    /// The key leads to the new node.
    KeyReplaced,
    /// The key leads nowhere.
    KeyRemoved,
    /// The item is not counted any more.
    CountedOff,
    /// A dead node is counted, and lives.
    DeadCounted,
    /// The old node is dead.
    Killed,

    // Codes.
    /// Somebody fits codes.
    CodesBegun,
    /// There is a quantiser.
    CodesFitted,
    /// Slots taken from now on get codes.
    CodesAdopted,
    /// The last writer without a code is through with its slot, and encodes those before.
    LastSettled,
    /// All have codes, and nobody reads them.
    Encoded,

    // Dead nodes on their way out.
    /// One writer is alone at it.
    ReclaimTaken,
    /// A dead node is found.
    Doomed,
    /// The dead are known, and a grace period is asked for.
    GraceAsked,
    /// A child of a dead node has another parent, and still the old one.
    ChildHung,
    /// It has only that; the old one still counts it.
    ChildUnpinned,
    /// The dead node hangs by nothing; its parent still counts it.
    DeadUnpinned,
    /// Nothing hangs by it.
    EmptiedOut,
    /// Searches start at a node that stays, perhaps not the highest.
    EntryReplaced,
    /// A link that named a dead node is another, or none.
    LinkMended,
    /// No row below names it, of those that were swept.
    RowSwept,
    /// Its rows are empty.
    RowsEmptied,
    /// It is no node any more.
    GivenBack,
    /// Its slot knows what is below it on the stack.
    FreeLinked,
    /// Its slot is free.
    SlotFree,
}

impl Step {
    /// Says that the step is done.
    #[cfg(any(not(test), loom))]
    #[inline(always)]
    #[allow(clippy::unused_self, reason = "only tests look")]
    pub(crate) fn done(self) {}
}

#[cfg(all(test, not(loom)))]
pub(crate) use watched::watch;

#[cfg(all(test, not(loom)))]
mod watched {
    use std::cell::RefCell;

    use super::Step;

    type Watcher = Box<dyn FnMut(Step)>;

    thread_local! {
        static WATCHER: RefCell<Option<Watcher>> = const { RefCell::new(None) };
    }

    /// Has `watcher` called for each step of this thread from now on.
    pub(crate) fn watch(watcher: impl FnMut(Step) + 'static) {
        WATCHER.with_borrow_mut(|place| *place = Some(Box::new(watcher)));
    }

    impl Step {
        /// Says that the step is done.
        pub(crate) fn done(self) {
            WATCHER.with_borrow_mut(|watcher| {
                if let Some(watcher) = watcher {
                    watcher(self);
                }
            });
        }
    }
}
