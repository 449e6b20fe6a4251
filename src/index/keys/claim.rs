//! The protocol of the live table: how a key's place is found, taken and decided.
//!
//! ```text
//!   FREE ──take──► HELD ──name──► PENDING ──anybody──► CLAIMED ──publish──► slot ──replace──► slot
//!    ▲▲              │ ▲             │ the key is taken    │ dropped          │ removed
//!    │└──given back──┘ └─────────────┘                     │                  │
//!    └─────────────────────────────────────────────────────┴──────────────────┘
//! ```
//! A place's version is one more whenever it is taken, and otherwise stays.
//!
//! # Names
//! A place is named only while it is held, before its version is first pending, and never again in
//! that version. The exchange that takes a place comes before its new name, so a look that reads a
//! word, the name and the word again and meets one version twice has read that version's name
//! ([`name_of`]). It takes no retry: where the versions differ, the place was given back in
//! between, and a key that stood there was in no place at that instant.
//!
//! # Windows
//! A word that was ever taken is never zero again. Whoever takes a place has met none in the window
//! before it that was never taken, so the first such place ends a search of the window ([`seek`]).
//!
//! # Turns
//! Two claims of one key may take two places. They share a lane, chosen by the key's hash, and a
//! lane has one turn at a time ([`settle`]):
//!
//! 1. A claim enters its lane, by an exchange that needs the lane to be nobody's, with its place
//!    and version: a turn is never repeated.
//! 2. Anybody who meets a turn decides it ([`help`]): searches the key, and exchanges pending for
//!    claimed if no place has it, else for held. Then anybody ends the turn. So a claim whose
//!    thread stands still delays nobody.
//!
//! No two places have a key at once. A turn ends only after its claim is decided, and the next
//! begins by an exchange on the same lane: so whoever decides a turn sees all that earlier turns
//! of its lane decided, and as long as it is undecided no other claim of its lane becomes claimed.
//! What a search did not find cannot appear before the exchange it is meant for; if that comes too
//! late, the claim is decided and the exchange fails.
//!
//! Nobody is refused a key that nobody has: to be held again takes a search, made in one's own
//! turn, that met another place with the key claimed or published. Lock-free: to wait for a lane
//! is to decide and end the turn of another claim.
//!
//! # Versions
//! Versions wrap. A thread that stands still between two accesses, for exactly a multiple of
//! 2^29 − 1 takings of one place, takes the last for the first: minutes of nothing but takings of
//! that place, and then a chance of one in half a billion.

use std::sync::atomic::Ordering;

use super::word::{FREE, State, Turn};
use crate::sync::{Step, Word};

/// Places, each a word and a name, and lanes.
pub(super) trait Table {
    type Word: Word;

    fn word(&self, place: u32) -> &Self::Word;
    fn name(&self, place: u32) -> &Self::Word;
    /// Where a key may stand; the same for one key always.
    fn probe(&self, key: u64) -> Probe;
    /// The places where it may stand, as far as there are places; in any order, for a key stands in
    /// one of them.
    fn windows(&self, probe: Probe) -> impl Iterator<Item = Window<'_, Self::Word>>;
    /// The lane of the key's claims.
    fn lane(&self, probe: Probe) -> &Self::Word;
}

/// The words of places that lie side by side, and the first of these.
pub(super) struct Window<'a, W> {
    pub(super) first: u32,
    pub(super) words: &'a [W],
}

impl<'a, W> Window<'a, W> {
    pub(super) fn places(self) -> impl Iterator<Item = (u32, &'a W)> {
        (self.first..).zip(self.words)
    }
}

/// A key and the hash that chooses its windows, mark and lane.
#[derive(Clone, Copy)]
pub(super) struct Probe {
    pub(super) key: u64,
    pub(super) hash: u64,
}

impl Probe {
    /// What stands in the word of a place that has the key: names are read where it fits.
    fn mark(self) -> u8 {
        (self.hash >> 56) as u8
    }
}

/// A place that has a key, or has it at stake.
pub(super) struct Taken<'a, W> {
    word: &'a W,
    place: u32,
    /// The word as it was seen or made; version and mark are the key's while it stands here.
    state: State,
}

impl<W: Word> Taken<'_, W> {
    /// What the place was.
    pub(super) fn what(&self) -> u32 {
        self.state.what()
    }

    /// Makes the place something else, if it is still `old` and this key's.
    pub(super) fn exchange(&self, old: u32, new: u32) -> bool {
        self.word.exchange(self.state.with(old).bits(), self.state.with(new).bits()).is_ok()
    }

    /// Makes the place something else, while nobody but the caller changes it: a held or claimed
    /// one.
    pub(super) fn set(&self, what: u32) {
        // Release: the rows of a slot are complete, and the next who takes a place that is given
        // back comes after all that was done with it. Pairs with the acquire in `look`.
        self.word.store(self.state.with(what).bits(), Ordering::Release);
    }

    pub(super) fn turn(&self) -> Turn {
        Turn::new(self.place, self.state)
    }
}

/// What a place is by its word.
#[inline(always)]
pub(super) fn look<W: Word>(word: &W) -> State {
    // Acquire pairs with the release by which the place became what it is: its name, and the rows
    // of its slot, are visible.
    State::from_bits(word.load(Ordering::Acquire))
}

/// The name of a place that was `first`, with what the place was at an instant at which it had
/// that name; `None` if it was not claimed or published, or was taken again since.
pub(super) fn name_of<T: Table>(table: &T, place: u32, first: State) -> Option<(u64, State)> {
    if !first.is_taken() {
        return None;
    }
    // Acquire pairs with the release in `take`: whoever reads a later name reads a later version.
    let name = table.name(place).load(Ordering::Acquire);
    let second = look(table.word(place));
    (second.version() == first.version()).then_some((name, second))
}

/// The place that has a key, claimed or published. Wait-free.
pub(super) fn seek<T: Table>(table: &T, probe: Probe) -> Option<Taken<'_, T::Word>> {
    for window in table.windows(probe) {
        for (place, word) in window.places() {
            let first = look(word);
            if first.was_never_taken() {
                break;
            }
            if first.mark() == probe.mark()
                && let Some((name, state)) = name_of(table, place, first)
                && name == probe.key
                && state.is_taken()
            {
                return Some(Taken { word, place, state });
            }
        }
    }
    None
}

/// Takes and names the first free place of a window, the next one of the key's.
pub(super) fn take<'a, T: Table>(
    table: &T,
    probe: Probe,
    window: Window<'a, T::Word>,
) -> Option<Taken<'a, T::Word>> {
    let (place, word, held) =
        window.places().find_map(|(place, word)| Some((place, word, hold(word)?)))?;
    Step::PlaceHeld.done();
    // Release pairs with the acquire in `name_of`.
    table.name(place).store(probe.key, Ordering::Release);
    let state = held.pending(probe.mark());
    // Release: whoever decides the claim reads its name. Nobody else changes a held word.
    word.store(state.bits(), Ordering::Release);
    Step::PlaceNamed.done();
    Some(Taken { word, place, state })
}

/// Takes a place if it is free. The caller names it before it becomes anything else.
fn hold<W: Word>(word: &W) -> Option<State> {
    let free = look(word);
    let held = free.held();
    (free.is_free() && word.exchange(free.bits(), held.bits()).is_ok()).then_some(held)
}

/// Whether a claim that was taken has its key now. Otherwise its place is given back, and another
/// place had the key when this looked.
pub(super) fn settle<T: Table>(table: &T, probe: Probe, taken: &Taken<'_, T::Word>) -> bool {
    enter(table, probe, taken.turn());
    // Decided, so nobody else changes the word.
    let won = look(taken.word).is_claimed();
    if !won {
        taken.set(FREE);
    }
    won
}

/// Has a claim decided, after all those that its lane meets first.
fn enter<T: Table>(table: &T, probe: Probe, mine: Turn) {
    let lane = table.lane(probe);
    while let Err(other) = lane.exchange(Turn::NONE.bits(), mine.bits()) {
        help(table, lane, Turn::from_bits(other));
    }
    Step::InTurn.done();
    help(table, lane, mine);
}

/// Decides the claim whose turn it is in a lane, unless that was done, and ends the turn.
fn help<T: Table>(table: &T, lane: &T::Word, turn: Turn) {
    let place = turn.place();
    let word = table.word(place);
    let seen = look(word);
    if seen.is_pending() && turn.is_of(seen) {
        // Acquire as in `name_of`. A name of a later version does no harm: the exchange fails.
        let key = table.name(place).load(Ordering::Acquire);
        let decided = seen.decided(seek(table, table.probe(key)).is_none());
        // Fails if somebody else has decided.
        let _ = word.exchange(seen.bits(), decided.bits());
        Step::Decided.done();
    }
    // Fails if somebody else has ended the turn.
    let _ = lane.exchange(turn.bits(), Turn::NONE.bits());
}

#[cfg(test)]
mod tests {
    use super::super::tiny::tiny;
    use super::*;

    const KEY: u64 = 5;
    const OTHER: u64 = 6;

    #[test]
    fn a_claim_that_stands_still_delays_nobody() {
        // The steps of a claim, each of which may be its last for a long time.
        for steps in 0..=4 {
            let table = tiny(4);
            let (probe, other) = (table.probe(KEY), table.probe(OTHER));
            let taken = if steps == 0 {
                // Taken, and not named yet.
                hold(table.word(0)).map(|_| None)
            } else {
                Some(take(&table, probe, table.all()))
            };
            let taken = taken.expect("the first place is free");
            let turn = taken.as_ref().map(Taken::turn);
            if let Some(turn) = turn.filter(|_| steps >= 2) {
                assert!(table.lane(probe).exchange(0, turn.bits()).is_ok());
            }
            if let Some(taken) = taken.as_ref().filter(|_| steps >= 3) {
                let claimed = taken.state.decided(true);
                assert!(taken.word.exchange(taken.state.bits(), claimed.bits()).is_ok());
            }
            if let Some(turn) = turn.filter(|_| steps >= 4) {
                help(&table, table.lane(probe), turn);
            }

            // Another key of the lane.
            let won = table.claim(OTHER).expect("nobody has it");
            won.set(9);
            assert_eq!(table.find(OTHER), Some(9));
            assert!(table.change(OTHER, FREE) && !table.change(OTHER, FREE));
            // The key itself: whoever was in turn has it.
            let again = table.claim(KEY);
            assert_eq!(again.is_some(), steps < 2, "standing still after step {steps}");
            assert!(table.is_calm());

            // It goes on.
            match taken {
                Some(taken) if steps < 2 => {
                    assert!(!settle(&table, probe, &taken), "another was in turn");
                    assert!(look(taken.word).is_free());
                }
                Some(taken) => {
                    assert!(look(taken.word).is_claimed());
                    taken.set(FREE);
                    assert!(table.claim(KEY).is_some());
                }
                None => assert_eq!(look(table.word(0)), State::from_bits(0).held()),
            }
            assert!(table.is_calm() && seek(&table, other).is_none());
        }
    }

    #[test]
    fn a_helper_that_comes_late_changes_nothing() {
        let table = tiny(2);
        let probe = table.probe(KEY);
        let first = take(&table, probe, table.all()).unwrap();
        let late = first.turn();
        assert!(settle(&table, probe, &first));
        first.set(FREE);
        // The place is another claim's now, which is in turn.
        let second = table.stand_still(OTHER);
        let before = (table.states(), table.lane(probe).load(Ordering::Relaxed));
        help(&table, table.lane(probe), late);
        assert_eq!((table.states(), table.lane(probe).load(Ordering::Relaxed)), before);
        help(&table, table.lane(probe), second.turn());
        assert!(table.is_calm() && look(table.word(0)).is_claimed());
    }

    #[test]
    fn a_name_is_read_with_its_own_version() {
        let table = tiny(1);
        table.claim(KEY).unwrap().set(9);
        let first = look(table.word(0));
        assert_eq!(name_of(&table, 0, first), Some((KEY, first)));
        assert!(table.change(KEY, FREE));
        assert_eq!(name_of(&table, 0, first), Some((KEY, first.with(FREE))));
        // Taken again, by the same key even.
        for key in [KEY, OTHER] {
            let claimed = table.claim(key).unwrap();
            assert_eq!(name_of(&table, 0, first), None);
            claimed.set(FREE);
        }
        let free = look(table.word(0));
        assert_eq!(name_of(&table, 0, free), None, "a free place has no name");
        assert_eq!(name_of(&table, 0, hold(table.word(0)).unwrap()), None, "nor has a held one");
    }
}
