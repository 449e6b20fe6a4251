//! Models of what hands out slots, keeps things for the next and swaps values: the shipped code in
//! every order the memory model allows, over a model of the epochs that keeps their promise and no
//! more.

use std::cell::Cell;
use std::sync::Arc as Counted;
use std::sync::atomic::{AtomicUsize, Ordering};

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, AtomicU64};
use loom::thread;

use super::cell::{Grace, SwapCell};
use super::shelf::Shelf;
use super::slots::{Coded, Slots, Ticket};
use crate::exec::Sequential;
use crate::quantize::{Quantizer, fit};
use crate::sync::{atomic, explore};

fn spawn<M: 'static, T: 'static>(
    model: &Arc<M>,
    run: impl FnOnce(&M) -> T + 'static,
) -> thread::JoinHandle<T> {
    let model = Arc::clone(model);
    thread::spawn(move || run(&model))
}

/// Plain memory that one thread at a time may touch: loom fails a model in which two could, or one
/// without seeing all that the one before did.
#[derive(Default)]
struct Own(UnsafeCell<u32>);

impl Own {
    fn touch(&self) {
        // SAFETY: the caller is alone here; loom checks that very thing.
        self.0.with_mut(|times| unsafe { *times += 1 });
    }

    fn read(&self) -> u32 {
        // SAFETY: as above, but for others that read.
        self.0.with(|times| unsafe { *times })
    }
}

/// Slots `1..=N`, with the words that link free ones.
struct Stack<const N: usize> {
    slots: Slots,
    words: [AtomicU64; N],
    rows: [Own; N],
}

impl<const N: usize> Stack<N> {
    /// All are free, 1 on top.
    fn new() -> Arc<Self> {
        let words = std::array::from_fn(|_| AtomicU64::new(0));
        let rows = std::array::from_fn(|_| Own::default());
        let stack = Self { slots: Slots::new(N as u32 + 1, Coded::Never), words, rows };
        (1..=N as u32).rev().for_each(|slot| stack.push(slot));
        Arc::new(stack)
    }

    fn word(&self, slot: u32) -> &AtomicU64 {
        &self.words[slot as usize - 1]
    }

    fn push(&self, slot: u32) {
        self.slots.push(slot, 10 * slot, self.word(slot));
    }

    /// Takes a slot and writes its row.
    fn take(&self) -> Option<u32> {
        let (Ticket { slot, .. }, note) = self.slots.take_free(|slot| self.word(slot))?;
        assert_eq!(note, 10 * slot, "the note is the slot's own");
        self.rows[slot as usize - 1].touch();
        Some(slot)
    }

    fn touch(&self, slot: u32) {
        self.rows[slot as usize - 1].touch();
    }
}

#[test]
fn loom_a_free_slot_is_taken_once() {
    explore("free slots", Some(3), || {
        let stack = Stack::<2>::new();
        let work = |stack: &Stack<2>| {
            let taken = stack.take().expect("there is one for each");
            stack.push(taken);
        };
        let other = spawn(&stack, work);
        work(&stack);
        other.join().unwrap();
        let mut left = [stack.take(), stack.take()].map(Option::unwrap);
        left.sort_unstable();
        assert_eq!((left, stack.take()), ([1, 2], None));
    });
}

#[test]
fn loom_a_slot_that_comes_back_does_not_pass_for_what_it_was() {
    explore("free slots, one back", Some(3), || {
        let stack = Stack::<2>::new();
        let other = spawn(&stack, |stack| {
            let (first, second) = (stack.take(), stack.take());
            // The first is on top again, and what was below it is not free.
            if let Some(first) = first {
                stack.push(first);
            }
            if let Some(second) = second {
                stack.touch(second);
            }
            second
        });
        let mine = stack.take();
        if let Some(mine) = mine {
            stack.touch(mine);
        }
        let theirs = other.join().unwrap();
        assert!(mine.is_none() || mine != theirs, "{mine:?} is held twice");
    });
}

/// Slots whose codes come late, with rows and codes as plain memory.
struct Late {
    slots: Slots,
    words: [AtomicU64; 4],
    published: [AtomicBool; 4],
    vectors: [Own; 4],
    codes: [Own; 4],
}

fn quantizer() -> Quantizer {
    fit(2, 1, &|i| (&[[0.0], [1.0]][i], 1.0), &Sequential).quantizer
}

impl Late {
    /// The slots below `next` are taken.
    fn new(next: u32) -> Arc<Self> {
        Arc::new(Self {
            slots: Slots::new(next, Coded::Later),
            words: std::array::from_fn(|_| AtomicU64::new(0)),
            published: std::array::from_fn(|_| AtomicBool::new(false)),
            vectors: std::array::from_fn(|_| Own::default()),
            codes: std::array::from_fn(|_| Own::default()),
        })
    }

    fn encode(&self, slot: u32) {
        assert!(self.slots.quantizer().is_some(), "who encodes has a quantiser");
        assert!(self.vectors[slot as usize].read() > 0, "what is encoded is written");
        self.codes[slot as usize].touch();
    }

    fn take(&self) -> Ticket {
        loop {
            if let Some(ticket) = self.slots.take(self.slots.end()) {
                return ticket;
            }
        }
    }

    /// What an insert does with a slot; `begins` if it may fit codes.
    fn write(&self, Ticket { slot, coded }: Ticket, begins: bool) {
        self.vectors[slot as usize].touch();
        if coded {
            self.encode(slot);
        }
        self.published[slot as usize].store(true, Ordering::Release);
        if begins && self.slots.begin() {
            self.slots.adopt(quantizer());
        }
        if !coded && let Some(end) = self.slots.settle() {
            let is_item = |&slot: &u32| self.published[slot as usize].load(Ordering::Acquire);
            (1..end).filter(is_item).for_each(|slot| self.encode(slot));
            self.slots.finish();
        }
    }

    /// What a search does: reads codes, once all that are published have one.
    fn read(&self) -> bool {
        let are_coded = self.slots.are_coded();
        if are_coded {
            for slot in 1..4 {
                if self.published[slot].load(Ordering::Acquire) {
                    assert_eq!(self.codes[slot].read(), 1, "slot {slot} has a code");
                }
            }
        }
        are_coded
    }
}

#[test]
fn loom_the_last_writer_without_a_code_encodes_what_was_before() {
    explore("late codes", Some(2), || {
        let late = Late::new(1);
        let fitting = spawn(&late, |late| late.write(late.take(), true));
        let reading = spawn(&late, Late::read);
        late.write(late.take(), false);
        fitting.join().unwrap();
        reading.join().unwrap();
        assert!(late.read(), "all writers are through");
        let coded = late.take();
        assert!(coded.coded && coded.slot == 3);
        late.write(coded, false);
        assert!(late.read());
    });
}

#[test]
fn loom_a_slot_that_is_taken_again_is_encoded_once() {
    explore("late codes of a free slot", Some(3), || {
        let late = Late::new(2);
        late.slots.push(1, 0, &late.words[1]);
        let fitting = spawn(&late, |late| late.write(late.take(), true));
        let again = late.slots.take_free(|slot| &late.words[slot as usize]);
        if let Some((ticket, _)) = again {
            late.write(ticket, false);
        }
        fitting.join().unwrap();
        assert!(late.read(), "all writers are through");
        if again.is_none() {
            let (ticket, _) = late.slots.take_free(|slot| &late.words[slot as usize]).unwrap();
            late.write(ticket, false);
            assert!(late.read());
        }
    });
}

/// Something to keep, which knows how many of it there are.
struct Thing {
    used: Own,
    alive: Counted<AtomicUsize>,
}

impl Thing {
    fn new(alive: &Counted<AtomicUsize>) -> Self {
        alive.fetch_add(1, Ordering::Relaxed);
        Self { used: Own::default(), alive: Counted::clone(alive) }
    }
}

impl Drop for Thing {
    fn drop(&mut self) {
        self.used.touch();
        self.alive.fetch_sub(1, Ordering::Relaxed);
    }
}

#[test]
fn loom_a_thing_from_the_shelf_is_one_threads_at_a_time() {
    explore("shelf", Some(3), || {
        let alive = Counted::new(AtomicUsize::new(0));
        let shelf: Arc<Shelf<Thing, 2>> = Arc::new(Shelf::new());
        let work = {
            let alive = Counted::clone(&alive);
            move |shelf: &Shelf<Thing, 2>| {
                for _ in 0..2 {
                    shelf.take(|| Thing::new(&alive)).used.touch();
                }
            }
        };
        let other = spawn(&shelf, work.clone());
        work(&shelf);
        other.join().unwrap();
        assert!((1..=2).contains(&alive.load(Ordering::Relaxed)));
        drop(shelf);
        assert_eq!(alive.load(Ordering::Relaxed), 0, "each was dropped once");
    });
}

#[test]
fn loom_a_full_shelf_drops_what_it_has_no_place_for() {
    explore("full shelf", Some(3), || {
        let alive = Counted::new(AtomicUsize::new(0));
        let shelf: Arc<Shelf<Thing, 1>> = Arc::new(Shelf::of(Thing::new(&alive)));
        let work = {
            let alive = Counted::clone(&alive);
            move |shelf: &Shelf<Thing, 1>| shelf.take(|| Thing::new(&alive)).used.touch()
        };
        let others = [spawn(&shelf, work.clone()), spawn(&shelf, work)];
        let one = shelf.try_take();
        if let Some(one) = &one {
            one.used.touch();
        }
        drop(one);
        others.into_iter().for_each(|other| other.join().unwrap());
        assert_eq!(alive.load(Ordering::Relaxed), 1);
        drop(shelf);
        assert_eq!(alive.load(Ordering::Relaxed), 0);
    });
}

/// A value of a cell, whose end is marked outside of it.
struct Value {
    number: usize,
    ends: *const [UnsafeCell<bool>; 3],
}

// SAFETY: the marks outlive the model's threads, and loom checks how they are used.
unsafe impl Send for Value {}
// SAFETY: as above.
unsafe impl Sync for Value {}

impl Value {
    /// Reads the value: nobody may drop it meanwhile, or have dropped it.
    fn look(&self) -> usize {
        // SAFETY: the marks outlive the model; loom checks the access.
        let ended = unsafe { (&*self.ends)[self.number].with(|ended| *ended) };
        assert!(!ended, "value {} is gone", self.number);
        self.number
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        // SAFETY: as in `look`.
        unsafe {
            (&*self.ends)[self.number].with_mut(|ended| {
                assert!(!*ended, "value {} is dropped twice", self.number);
                *ended = true;
            });
        }
    }
}

#[test]
fn loom_a_pinned_value_stays_while_others_take_its_place() {
    explore("swap", Some(3), || {
        let ends: Box<[UnsafeCell<bool>; 3]> =
            Box::new(std::array::from_fn(|_| UnsafeCell::new(false)));
        let marks: *const _ = &raw const *ends;
        let value = move |number| Value { number, ends: marks };
        let cell = Arc::new(SwapCell::new(value(0)));
        let first = value(1);
        let swapping = spawn(&cell, move |cell| cell.swap(first));
        let reading = spawn(&cell, |cell| {
            let pinned = cell.pin();
            let (first, again) = (pinned.look(), pinned.look());
            assert_eq!(first, again);
            drop(pinned);
            assert!(cell.pin().look() >= first, "newer, or the same");
        });
        let pinned = cell.pin();
        pinned.look();
        drop(pinned);
        swapping.join().unwrap();
        reading.join().unwrap();
        cell.swap(value(2));
        assert_eq!(cell.pin().look(), 2);
        drop(cell);
        // The threads' handles are gone, and with them the collector.
        for end in &*ends {
            // SAFETY: nobody else is left.
            assert!(end.with(|ended| unsafe { *ended }), "each is dropped");
        }
    });
}

/// A row that readers come by through a word, and that is written again when nobody can.
struct Reused {
    cell: SwapCell<()>,
    word: AtomicU64,
    row: Own,
}

impl Reused {
    fn read(&self) {
        let _pinned = self.cell.pin();
        if self.word.load(Ordering::Acquire) == 1 {
            self.row.read();
        }
    }

    /// Takes the word away, waits as `Reclaim` does, and writes the row.
    fn reuse(&self, tries: usize) -> bool {
        let is_over = Counted::new(atomic::AtomicBool::new(false));
        let pinned = self.cell.pin();
        self.word.store(0, Ordering::Release);
        pinned.tell(&is_over);
        drop(pinned);
        for _ in 0..tries {
            if is_over.load(Ordering::Acquire) {
                self.row.touch();
                return true;
            }
            self.cell.pin().nudge();
        }
        false
    }
}

#[test]
fn loom_a_row_is_written_again_when_its_readers_are_through() {
    thread_local! { static REUSED: Cell<usize> = const { Cell::new(0) } }
    explore("grace", Some(3), || {
        let reused = Arc::new(Reused {
            cell: SwapCell::new(()),
            word: AtomicU64::new(1),
            row: Own::default(),
        });
        let readers = [spawn(&reused, Reused::read), spawn(&reused, Reused::read)];
        let was_reused = reused.reuse(2);
        REUSED.set(REUSED.get() + usize::from(was_reused));
        readers.into_iter().for_each(|reader| reader.join().unwrap());
    });
    assert!(REUSED.get() > 0, "the row was written in none of them");
}
