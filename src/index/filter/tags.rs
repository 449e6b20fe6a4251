//! Which items may be found by their tags.
//!
//! An expression is kept as its steps in the order of evaluation, operands before operators, so
//! that it can be evaluated without recursion: for one slot on a stack of bits, for 4,096 slots at
//! once on a stack of blocks.

use std::ops::{BitAnd, BitOr, Not};
use std::sync::atomic::Ordering;

use super::{COMPARE, Filter, filtered};
use crate::error::{Error, Result};
use crate::graph::Scratch;
use crate::index::find::Sought;
use crate::index::root::Root;
use crate::index::search::{Hit, Work};
use crate::limits::FILTER_STEPS_MAX;
use crate::store::{TAG_BLOCK, Tag, WORDS, ones};

/// Operands that wait for their operators, at most: what a word of bits holds.
pub(super) const DEPTH_MAX: usize = 64;

/// Items by their tags: see [`Search::tagged`](crate::Search::tagged).
///
/// Expressions are put together with `&`, `|` and `!`, or read from a text.
///
/// ```
/// use ecphory::TagFilter;
///
/// let wanted = (TagFilter::tag("red") | TagFilter::tag("blue")) & !TagFilter::tag("sold");
/// assert_eq!("(red | blue) & !sold".parse(), Ok(wanted));
/// # Ok::<(), ecphory::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagFilter {
    steps: Vec<Step>,
    depth: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Tag(Box<str>),
    /// All items, or none.
    Any(bool),
    And,
    Or,
    Not,
}

impl TagFilter {
    /// Items with this tag.
    pub fn tag(name: impl Into<Box<str>>) -> Self {
        Self { steps: vec![Step::Tag(name.into())], depth: 1 }
    }

    /// Items with every one of these tags: all items if there are none.
    pub fn all<T: Into<Box<str>>>(names: impl IntoIterator<Item = T>) -> Self {
        let tags = names.into_iter().map(Self::tag);
        tags.reduce(BitAnd::bitand).unwrap_or_else(|| Self::constant(true))
    }

    /// Items with at least one of these tags: no items if there are none.
    pub fn any<T: Into<Box<str>>>(names: impl IntoIterator<Item = T>) -> Self {
        let tags = names.into_iter().map(Self::tag);
        tags.reduce(BitOr::bitor).unwrap_or_else(|| Self::constant(false))
    }

    fn constant(value: bool) -> Self {
        Self { steps: vec![Step::Any(value)], depth: 1 }
    }

    fn join(mut self, other: Self, step: Step) -> Self {
        // What the left one left waits while the right one is evaluated.
        self.depth = self.depth.max(1 + other.depth);
        self.steps.extend(other.steps);
        self.steps.push(step);
        self
    }

    /// Refuses an expression that takes too long to evaluate.
    pub(in crate::index) fn check(&self) -> Result<()> {
        let refuse = |reason| Err(Error::BadFilter { reason, offset: 0 });
        if self.steps.len() > FILTER_STEPS_MAX {
            return refuse("it has more than 4,096 tags and operators");
        }
        if self.depth > DEPTH_MAX {
            return refuse("it is nested more than 64 deep");
        }
        Ok(())
    }
}

impl BitAnd for TagFilter {
    type Output = Self;

    /// Items that both admit.
    fn bitand(self, other: Self) -> Self {
        self.join(other, Step::And)
    }
}

impl BitOr for TagFilter {
    type Output = Self;

    /// Items that either admits.
    fn bitor(self, other: Self) -> Self {
        self.join(other, Step::Or)
    }
}

impl Not for TagFilter {
    type Output = Self;

    /// Items that it does not admit.
    fn not(mut self) -> Self {
        self.steps.push(Step::Not);
        self
    }
}

/// So few are compared whatever the share near the query, and are not counted before.
const FEW: usize = 4096;

/// A step whose tag was looked up; none has a tag that was never given.
enum Found<'a> {
    Tag(Option<&'a Tag>),
    Any(bool),
    And,
    Or,
    Not,
}

/// An expression over the tags of one root.
struct Prepared<'a> {
    steps: Vec<Found<'a>>,
    depth: usize,
    /// Slots that it admits, at most.
    most: usize,
}

impl TagFilter {
    fn prepare<'a>(&'a self, root: &'a Root) -> Prepared<'a> {
        let find = |step: &'a Step| match step {
            Step::Tag(name) => Found::Tag(root.space.tags.find(name)),
            Step::Any(value) => Found::Any(*value),
            Step::And => Found::And,
            Step::Or => Found::Or,
            Step::Not => Found::Not,
        };
        let steps = self.steps.iter().map(find).collect();
        let mut prepared = Prepared { steps, depth: self.depth, most: 0 };
        prepared.most = prepared.bound(root);
        if prepared.steps.len() > 1 && prepared.most > FEW {
            let mut most = 0;
            prepared.each_block(root, |_, block| most += admitted(block));
            prepared.most = most;
        }
        prepared
    }
}

/// A bit for each of [`TAG_BLOCK`] slots.
type Block = [u64; WORDS];

fn admitted(block: &Block) -> usize {
    block.iter().map(|word| word.count_ones() as usize).sum()
}

impl Prepared<'_> {
    fn is_admitted(&self, slot: u32) -> bool {
        self.word(slot / 64) >> (slot % 64) & 1 == 1
    }

    /// Which of the 64 slots under a word of bits are admitted.
    fn word(&self, word: u32) -> u64 {
        let mut stack = [0; DEPTH_MAX + 2];
        // The top is `stack[top]`; below the first operand there is a word that nobody reads.
        let mut top = 0;
        for step in &self.steps {
            match step {
                Found::Tag(_) | Found::Any(_) => top += 1,
                Found::And | Found::Or => top -= 1,
                Found::Not => {}
            }
            let other = stack[top + 1];
            let value = &mut stack[top];
            match step {
                Found::Tag(tag) => *value = tag.map_or(0, |tag| tag.word(word)),
                Found::Any(all) => *value = if *all { u64::MAX } else { 0 },
                Found::And => *value &= other,
                Found::Or => *value |= other,
                Found::Not => *value = !*value,
            }
        }
        stack[top]
    }

    /// Slots that it admits at most, by how many each tag has.
    fn bound(&self, root: &Root) -> usize {
        let end = root.space.end() as usize;
        let mut stack = Vec::with_capacity(DEPTH_MAX);
        for step in &self.steps {
            let top = match step {
                Found::Tag(tag) => tag.map_or(0, |tag| tag.count() as usize),
                Found::Any(value) => usize::from(*value) * end,
                Found::Not => stack.pop().map_or(0, |_| end),
                Found::And | Found::Or => {
                    let (right, left) = (stack.pop().unwrap_or(0), stack.pop().unwrap_or(0));
                    if matches!(step, Found::And) { left.min(right) } else { end.min(left + right) }
                }
            };
            stack.push(top);
        }
        stack.pop().unwrap_or(0)
    }

    /// Tells of each block of slots the first, and which of them are admitted.
    fn each_block(&self, root: &Root, mut seen: impl FnMut(u32, &Block)) {
        let mut stack = vec![[0; WORDS]; self.depth + 1];
        for block in 0..root.space.end().div_ceil(TAG_BLOCK) {
            self.evaluate(block, &mut stack);
            seen(block * TAG_BLOCK, &stack[1]);
        }
    }

    /// As [`Self::word`], for a block; what is admitted is left in `stack[1]`.
    fn evaluate(&self, block: u32, stack: &mut [Block]) {
        let mut top = 0;
        for step in &self.steps {
            match step {
                Found::Tag(tag) => {
                    top += 1;
                    match tag.and_then(|tag| tag.block(block)) {
                        // Relaxed: as in `Tag`.
                        Some(words) => (stack[top].iter_mut().zip(words))
                            .for_each(|(to, from)| *to = from.load(Ordering::Relaxed)),
                        None => stack[top] = [0; WORDS],
                    }
                }
                Found::Any(all) => {
                    top += 1;
                    stack[top] = [if *all { u64::MAX } else { 0 }; WORDS];
                }
                Found::Not => stack[top].iter_mut().for_each(|word| *word = !*word),
                Found::And | Found::Or => {
                    let (left, right) = stack.split_at_mut(top);
                    top -= 1;
                    let both = matches!(step, Found::And);
                    let join = |(l, r): (&mut u64, &u64)| *l = if both { *l & r } else { *l | r };
                    left[top].iter_mut().zip(&right[0]).for_each(join);
                }
            }
        }
    }
}

impl Filter for Prepared<'_> {
    fn admits(&self, _: &Root, slot: u32) -> bool {
        self.is_admitted(slot)
    }

    fn slots(&self, root: &Root) -> Vec<u32> {
        let then = (root.updates.now(), root.removals.now());
        let end = root.space.end();
        let (mut items, mut moved) = (Vec::with_capacity(self.most), Vec::new());
        self.each_block(root, |first, block| {
            for (place, &word) in (0..).zip(block).filter(|&(_, &word)| word != 0) {
                let mut sure = 0;
                let first = first + 64 * place;
                for bit in ones(word) {
                    let slot = first + bit;
                    let item = (0 < slot && slot < end).then(|| root.item_of(slot)).flatten();
                    if item == Some(slot) {
                        sure |= 1 << bit;
                    } else {
                        moved.extend(item);
                    }
                }
                // A bit may have been that of an item that was there before: bits are no secret as
                // rows are. Those of a slot that is an item now are its own.
                items.extend(ones(sure & self.word(first / 64)).map(|bit| first + bit));
            }
        });
        items.extend(moved.iter().filter(|&&slot| self.is_admitted(slot)));
        let rested = root.updates.have_rested(then.0) && root.removals.have_rested(then.1);
        if !(moved.is_empty() && rested) {
            root.keep_one_each(&mut items);
        }
        items
    }

    fn cost(&self, _: &Root, _: f64) -> usize {
        COMPARE * self.most
    }

    fn is_counted(&self) -> bool {
        true
    }

    fn search(&self, sought: &Sought<'_>, scratch: &mut Scratch, hits: &mut Vec<Hit>) -> Work {
        filtered(self, sought, scratch, hits)
    }
}

impl Filter for TagFilter {
    fn check(&self) -> Result<()> {
        Self::check(self)
    }

    fn admits(&self, root: &Root, slot: u32) -> bool {
        self.prepare(root).is_admitted(slot)
    }

    fn slots(&self, root: &Root) -> Vec<u32> {
        self.prepare(root).slots(root)
    }

    fn search(&self, sought: &Sought<'_>, scratch: &mut Scratch, hits: &mut Vec<Hit>) -> Work {
        self.prepare(sought.root).search(sought, scratch, hits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared(filter: &TagFilter, of: impl Fn(&str) -> bool) -> bool {
        let find = |step: &Step| match step {
            Step::Tag(name) => Found::Any(of(name)),
            Step::Any(value) => Found::Any(*value),
            Step::And => Found::And,
            Step::Or => Found::Or,
            Step::Not => Found::Not,
        };
        let steps: Vec<_> = filter.steps.iter().map(find).collect();
        let prepared = Prepared { steps, depth: filter.depth, most: 0 };
        let one = prepared.is_admitted(7);
        let mut stack = vec![[0; WORDS]; filter.depth + 1];
        prepared.evaluate(0, &mut stack);
        assert_eq!(stack[1], [if one { u64::MAX } else { 0 }; WORDS]);
        one
    }

    #[test]
    fn expressions_mean_what_they_say() {
        let tag = |name: &str| TagFilter::tag(name);
        for bits in 0..8 {
            let of = |name: &str| bits >> (name.as_bytes()[0] - b'a') & 1 == 1;
            let (a, b, c) = (of("a"), of("b"), of("c"));
            let (x, y, z) = (tag("a"), tag("b"), tag("c"));
            let cases = [
                (x.clone() & y.clone() | z.clone(), a && b || c),
                (x.clone() & (y.clone() | !z.clone()), a && (b || !c)),
                (!(x.clone() | y.clone()) & z.clone(), !(a || b) && c),
                (!!x.clone() & !(y.clone() & z.clone()), a && !(b && c)),
                (TagFilter::all(["a", "b", "c"]), a && b && c),
                (TagFilter::any(["a", "b", "c"]), a || b || c),
                (TagFilter::all::<&str>([]), true),
                (TagFilter::any::<&str>([]), false),
            ];
            for (filter, wanted) in cases {
                assert_eq!(prepared(&filter, of), wanted, "{filter:?} of {bits:b}");
            }
        }
    }

    #[test]
    fn expressions_have_bounds() {
        let deep = |depth| (1..depth).fold(TagFilter::tag("a"), |all, _| TagFilter::tag("b") & all);
        assert!(deep(DEPTH_MAX).check().is_ok());
        assert!(prepared(&deep(DEPTH_MAX), |_| true) && !prepared(&deep(DEPTH_MAX), |n| n != "a"));
        assert!(matches!(deep(DEPTH_MAX + 1).check(), Err(Error::BadFilter { .. })));
        let long = |tags| TagFilter::any(vec!["a"; tags]);
        assert!(long(FILTER_STEPS_MAX / 2).check().is_ok());
        assert!(matches!(long(FILTER_STEPS_MAX / 2 + 1).check(), Err(Error::BadFilter { .. })));
    }
}
