//! Takes dead nodes out of the graph, a piece at a time, so that their slots can be used again.
//!
//! ```text
//!   collect   the nodes that are dead by now, the youngest first
//!     grace   whoever began before they died is through: nobody links to them or pins below them
//!   move      their children hang by others; then nothing hangs by them, and their own pin goes
//!   sweep     no row names them: each link to one makes room for one to a neighbour of it; if
//!             searches start at one, they start elsewhere from now on
//!     grace   whoever copied a row that named them is through
//!   free      their rows are emptied, their slots given back
//! ```
//!
//! One thread at a time does this, beside readers and inserts: it is handed a [`Reclaim`] and puts
//! it back after each [step](Reclaim::step). Nobody waits for it. A node whose children find no
//! other parent stays for the next round; it only leads on to others meanwhile.
//!
//! # Why nothing is lost
//! A child is pinned by its new parent, of smaller rank, before the old one lets go of it, so the
//! tree of pins reaches it at every instant. Dead nodes promise no room, and those that had
//! promised some before they died have kept it by the first grace. Only one in-link of a node is
//! pinned, so no other is needed to reach it.

use std::sync::Arc;

use super::confidence::Surety;
use super::layout::{Graph, node, node_word};
use super::mend::{Gone, MendScratch, Rows};
use super::word::{Entry, Node};
use crate::store::{Grace, Space};
use crate::sync::Step;
use crate::sync::atomic::{AtomicBool, Ordering};

/// Share of the nodes that is dead when a round begins: one in so many.
const SHARE: usize = 100;

/// What one step does at most: node words looked at, dead nodes whose children move or whose rows
/// are emptied, rows looked at, and rows of those that are mended.
const LOOKS: u32 = 16_384;
const MOVES: usize = 12;
const ROWS: u32 = 2048;
const MENDS: usize = 32;

/// A round of reclaiming, and memory for the next.
pub(crate) struct Reclaim {
    stage: Stage,
    /// Dead nodes that the last round left, because their children found no other parent.
    stayed: usize,
    /// Where the stage goes on: a slot, an upper id, or a place in `doomed`.
    cursor: u32,
    doomed: Vec<u32>,
    /// A bit for each slot that nothing hangs by any more.
    gone: Vec<u64>,
    /// Upper ids of those, by slot.
    uppers: Vec<(u32, u32)>,
    /// The highest linked node that the upper rows have shown so far.
    highest: Entry,
    /// Set when the readers of a grace period are through.
    is_over: Arc<AtomicBool>,
    scratch: MendScratch,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Rest,
    Collect,
    FirstGrace,
    Move,
    SweepUpper,
    Raise,
    Sweep,
    SecondGrace,
    Free,
}

impl Reclaim {
    pub(crate) fn new(space: &Space) -> Self {
        Self {
            stage: Stage::Rest,
            stayed: 0,
            cursor: 0,
            doomed: Vec::new(),
            gone: Vec::new(),
            uppers: Vec::new(),
            highest: Entry { level: 0, upper: 0, slot: 0 },
            is_over: Arc::default(),
            scratch: MendScratch::new(space),
        }
    }

    /// Does a bounded piece of work, if there is any; false if there is none to do. What the last
    /// round left is not tried again alone, unless somebody waits for it. `surety` says how sure the
    /// links are that take the place of others.
    pub(crate) fn step(
        &mut self,
        graph: &Graph,
        space: &Space,
        surety: Surety<'_>,
        grace: &impl Grace,
        is_urgent: bool,
    ) -> bool {
        let stage = self.stage;
        match stage {
            Stage::Rest => self.begin(graph, space, is_urgent),
            Stage::Collect => self.collect(space, grace),
            Stage::FirstGrace => self.wait(Stage::Move, grace),
            Stage::Move => self.move_children(graph, space, surety),
            Stage::SweepUpper => self.sweep_upper(graph, space, surety),
            Stage::Raise => self.raise_entry(graph, space),
            Stage::Sweep => self.sweep(graph, space, surety, grace),
            Stage::SecondGrace => self.wait(Stage::Free, grace),
            Stage::Free => self.free(graph, space),
        }
        stage != Stage::Rest || self.stage != Stage::Rest
    }

    fn enter(&mut self, stage: Stage, cursor: u32) {
        (self.stage, self.cursor) = (stage, cursor);
    }

    fn begin(&mut self, graph: &Graph, space: &Space, is_urgent: bool) {
        // Of few nodes, so few that the dead leave room for pins; and more than stayed before.
        let least = (graph.pins_limit() as usize / 4).max(space.end() as usize / SHARE);
        if is_urgent || graph.dead() >= self.stayed + least {
            self.doomed.clear();
            self.enter(Stage::Collect, 1);
        }
    }

    fn collect(&mut self, space: &Space, grace: &impl Grace) {
        let end = space.end();
        let stop = end.min(self.cursor.saturating_add(LOOKS));
        for slot in self.cursor..stop {
            if node(space, slot).is_dead() {
                // Without memory for more, the others wait for the next round.
                if self.doomed.try_reserve(1).is_err() {
                    break;
                }
                self.doomed.push(slot);
                Step::Doomed.done();
            }
        }
        self.cursor = stop;
        if stop < end {
            return;
        }
        let words = (end as usize).div_ceil(64);
        self.gone.clear();
        self.uppers.clear();
        if self.doomed.is_empty() || self.gone.try_reserve_exact(words).is_err() {
            return self.enter(Stage::Rest, 0);
        }
        self.gone.resize(words, 0);
        self.doomed.sort_unstable_by_key(|&slot| std::cmp::Reverse(node(space, slot).rank()));
        self.enter(Stage::FirstGrace, 0);
        self.ask(grace);
    }

    /// Begins a grace period.
    fn ask(&mut self, grace: &impl Grace) {
        self.is_over = Arc::default();
        grace.tell(&self.is_over);
        Step::GraceAsked.done();
    }

    fn wait(&mut self, next: Stage, grace: &impl Grace) {
        // Acquire pairs with the release of whoever found that all readers are through.
        if self.is_over.load(Ordering::Acquire) {
            self.enter(next, 0);
        } else {
            grace.nudge();
        }
    }

    fn move_children(&mut self, graph: &Graph, space: &Space, surety: Surety<'_>) {
        self.scratch.begin(space);
        let start = self.cursor as usize;
        let stop = self.doomed.len().min(start + MOVES);
        for place in start..stop {
            let slot = self.doomed[place];
            if self.scratch.empty_out(graph, space, surety, slot) {
                self.gone[slot as usize / 64] |= 1 << (slot % 64);
                Step::EmptiedOut.done();
            }
        }
        self.cursor = stop as u32;
        if stop == self.doomed.len() {
            let gone = Gone(&self.gone);
            let all = self.doomed.len();
            self.doomed.retain(|&slot| gone.has(slot));
            self.stayed = all - self.doomed.len();
            for place in graph.recent() {
                let slot = place.load(Ordering::Relaxed);
                if gone.has(slot) {
                    // Whoever has read it is through after the second grace; if another slot took
                    // the place meanwhile, that is as good.
                    let relaxed = Ordering::Relaxed;
                    let _ = place.compare_exchange(slot, 0, relaxed, relaxed);
                }
            }
            self.highest = Entry { level: 0, upper: 0, slot: graph.anchor() };
            self.enter(Stage::SweepUpper, 1);
        }
    }

    /// Rows of upper levels, by the runs of rows that belong to one slot each.
    fn sweep_upper(&mut self, graph: &Graph, space: &Space, surety: Surety<'_>) {
        let end = graph.heads().upper_next;
        let (mut id, mut mended) = (self.cursor, 0);
        let stop = id.saturating_add(ROWS);
        let gone = Gone(&self.gone);
        while id < end.min(stop) && mended < MENDS {
            let slot = graph.slot_of(id);
            let rows = graph.upper_rows_of(id, end);
            if gone.has(slot) {
                self.uppers.push((slot, id));
            }
            // Also of what goes itself: it goes piece by piece, and names nothing that went before.
            if node(space, slot).is_met() {
                for level in 1..=rows {
                    let layer = Rows {
                        row: &|name| graph.upper_row(name, level),
                        slot_of: &|name| graph.slot_of(name),
                    };
                    mended += usize::from(self.scratch.mend(space, &layer, surety, id, &gone));
                }
            }
            self.highest = highest(self.highest, space, slot, (id, rows));
            id += rows as u32;
        }
        self.cursor = id;
        if id >= end {
            self.uppers.sort_unstable();
            match graph.entry().filter(|entry| gone.has(entry.slot)) {
                Some(entry) => {
                    // It fails only where an insert has raised the entry.
                    graph.exchange_entry(entry, self.highest);
                    Step::EntryReplaced.done();
                    self.enter(Stage::Raise, 1);
                }
                None => self.enter(Stage::Sweep, 1),
            }
        }
    }

    /// Raises a new entry to the highest node that the first look has missed. An insert that met
    /// the old entry has linked its node before it looked, so it is seen now; one that looks later
    /// meets the new entry, and raises it.
    fn raise_entry(&mut self, graph: &Graph, space: &Space) {
        let end = graph.heads().upper_next;
        let (mut id, stop) = (self.cursor, self.cursor.saturating_add(LOOKS));
        while id < end.min(stop) {
            let (slot, rows) = (graph.slot_of(id), graph.upper_rows_of(id, end));
            self.highest = highest(self.highest, space, slot, (id, rows));
            id += rows as u32;
        }
        self.cursor = id;
        if id >= end {
            graph.raise_entry(self.highest);
            self.enter(Stage::Sweep, 1);
        }
    }

    fn sweep(&mut self, graph: &Graph, space: &Space, surety: Surety<'_>, grace: &impl Grace) {
        // Slots taken later are those of inserts that began after the nodes had died.
        let end = space.end();
        let gone = Gone(&self.gone);
        let layer = Rows { row: &|name| graph.row(name), slot_of: &|name| name };
        let stop = end.min(self.cursor.saturating_add(ROWS));
        let (mut slot, mut mended) = (self.cursor, 0);
        while slot < stop && mended < MENDS {
            // Also that of what goes itself, as above.
            if !node(space, slot).is_given_back() {
                mended += usize::from(self.scratch.mend(space, &layer, surety, slot, &gone));
                Step::RowSwept.done();
            }
            slot += 1;
        }
        self.cursor = slot;
        if slot == end {
            self.enter(Stage::SecondGrace, 0);
            self.ask(grace);
        }
    }

    fn free(&mut self, graph: &Graph, space: &Space) {
        let start = self.cursor as usize;
        let stop = self.doomed.len().min(start + 8 * MOVES);
        for &slot in &self.doomed[start..stop] {
            let place = self.uppers.binary_search_by_key(&slot, |&(slot, _)| slot);
            let upper = place.map_or(0, |place| self.uppers[place].1);
            graph.empty(slot, upper);
            Step::RowsEmptied.done();
            // Relaxed: released when the slot is given back.
            node_word(space, slot).store(Node::GIVEN_BACK.bits(), Ordering::Relaxed);
            Step::GivenBack.done();
            space.give_back(slot, upper);
            Step::SlotFree.done();
            graph.count_reclaimed();
        }
        self.cursor = stop as u32;
        if stop == self.doomed.len() {
            self.enter(Stage::Rest, 0);
        }
    }
}

/// The higher of what was the highest so far and the node of a slot with `(upper id, level)`, if it
/// is linked.
fn highest(so_far: Entry, space: &Space, slot: u32, (upper, level): (u32, usize)) -> Entry {
    let is_higher = level > so_far.level && node(space, slot).is_linked();
    if is_higher { Entry { level, upper, slot } } else { so_far }
}
