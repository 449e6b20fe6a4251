//! Which items may be found by their tags.
//!
//! An expression is kept as its steps in the order of evaluation, operands before operators, so
//! that it can be evaluated without recursion: for one slot on a stack of bits, for 4,096 slots at
//! once on a stack of blocks.

use std::ops::{BitAnd, BitOr, Not};
use std::sync::atomic::Ordering;

use super::{Filter, filtered};
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
        let mut prepared = Prepared { steps: self.steps.iter().map(find).collect(), most: 0 };
        prepared.most = prepared.bound(root);
        if prepared.steps.len() > 1 && prepared.most > FEW {
            prepared.most = prepared.blocks(root).map(|(_, block)| admitted(&block)).sum();
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
        let mut stack = 0u64;
        for step in &self.steps {
            stack = match step {
                Found::Tag(tag) => stack << 1 | u64::from(tag.is_some_and(|tag| tag.has(slot))),
                Found::Any(value) => stack << 1 | u64::from(*value),
                // The operands are the two lowest bits, of which one bit remains.
                Found::And => stack >> 1 & (stack | !1),
                Found::Or => stack >> 1 | stack & 1,
                Found::Not => stack ^ 1,
            };
        }
        stack & 1 == 1
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
                    if matches!(step, Found::And) { left.min(right) } else { left + right }
                }
            };
            stack.push(top);
        }
        stack.pop().unwrap_or(0)
    }

    /// The first slot of each block, and which of its slots are admitted.
    fn blocks(&self, root: &Root) -> impl Iterator<Item = (u32, Block)> {
        let mut stack: Vec<Block> = Vec::new();
        let blocks = root.space.end().div_ceil(TAG_BLOCK);
        (0..blocks).map(move |block| {
            stack.clear();
            self.steps.iter().for_each(|step| evaluate(step, block, &mut stack));
            (block * TAG_BLOCK, stack.pop().unwrap_or([0; WORDS]))
        })
    }
}

fn evaluate(step: &Found<'_>, block: u32, stack: &mut Vec<Block>) {
    match step {
        Found::Tag(tag) => {
            let words = tag.and_then(|tag| tag.block(block));
            // Relaxed: as in `Tag`.
            let word = |i: usize| words.map_or(0, |words| words[i].load(Ordering::Relaxed));
            stack.push(std::array::from_fn(word));
        }
        Found::Any(value) => stack.push([if *value { u64::MAX } else { 0 }; WORDS]),
        Found::Not => stack.last_mut().into_iter().flatten().for_each(|word| *word = !*word),
        Found::And | Found::Or => {
            let right = stack.pop().unwrap_or([0; WORDS]);
            let left = stack.last_mut().into_iter().flatten();
            let both = matches!(step, Found::And);
            left.zip(right).for_each(|(l, r)| *l = if both { *l & r } else { *l | r });
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
        let mut items = Vec::new();
        let mut has_moved = false;
        for (first, block) in self.blocks(root) {
            for (place, word) in (0..).zip(block) {
                let slots = ones(word).map(|bit| first + 64 * place + bit);
                for slot in slots.filter(|&slot| 0 < slot && slot < end) {
                    let Some(item) = root.item_of(slot) else { continue };
                    has_moved |= item != slot;
                    // The bit may have been that of an item that was there before: bits are no
                    // secret as rows are. Those of a slot that is an item now are its own.
                    if self.is_admitted(item) {
                        items.push(item);
                    }
                }
            }
        }
        let rested = root.updates.have_rested(then.0) && root.removals.have_rested(then.1);
        if has_moved || !rested {
            root.keep_one_each(&mut items);
        }
        items
    }

    fn cost(&self, _: &Root, _: f64) -> usize {
        self.most
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
        let prepared = Prepared { steps, most: 0 };
        let one = prepared.is_admitted(7);
        let mut stack = Vec::new();
        prepared.steps.iter().for_each(|step| evaluate(step, 0, &mut stack));
        assert_eq!(stack.len(), 1);
        assert_eq!(stack[0], [if one { u64::MAX } else { 0 }; WORDS]);
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
