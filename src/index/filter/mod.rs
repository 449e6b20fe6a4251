//! Searches among some of the items: as many neighbours as there are, whatever the share.
//!
//! ```text
//!   few may be found       compare them all                                   exact
//!   else                   walk as if all might, and count those near the query that may
//!     enough of those      walk as far as it takes to meet `ef` of them       as good as unfiltered
//!     too few nearby       compare all that may be found                      exact
//! ```
//!
//! A walk that looks for one item in `s` keeps `s` times the candidates, so its cost grows as that
//! of comparing all falls; which is less is known once the share near the query is. Where the items
//! that may be found lie elsewhere than the query, the first, short walk finds that out.
//!
//! ```text
//!   keys        items by a set of keys that was prepared
//!   tags        items by their tags: and, or, not   parse  the same from a text
//!   (closures)  items by whatever the caller computes from a key
//! ```

mod keys;
mod parse;
mod tags;

use super::find::Sought;
use super::root::Root;
use super::search::{Hit, Work};
use super::settle::rank_items;
use crate::error::Result;
use crate::graph::Scratch;
use crate::limits::EF_MAX;

pub use keys::KeySet;
pub use tags::TagFilter;

/// How many short walks comparing all must cost for the walk to be worth trying: what it costs more
/// where it was in vain is one in so many.
const WORTH: usize = 8;
/// What comparing an item costs: costs are counted in eighths of that.
const COMPARE: usize = 8;
/// What it costs to look at an item that is not found.
const LOOK: usize = 1;

/// Which items a search may find. A search without one does not pay for it, not in bytes either.
pub(super) trait Filter: Sync {
    /// Refuses a filter that takes too long to evaluate.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// Whether the item in a slot may be found.
    fn admits(&self, root: &Root, slot: u32) -> bool;

    /// The slots of all items that may be found. O(n), or O(keys).
    fn slots(&self, root: &Root) -> Vec<u32> {
        let mut items = root.items();
        items.retain(|&slot| self.admits(root, slot));
        items
    }

    /// What it costs to compare all that may be found, if that is a certain share of all.
    fn cost(&self, root: &Root, share: f64) -> usize {
        (root.len() as f64 * (share * COMPARE as f64 + LOOK as f64)) as usize
    }

    /// Whether [`Self::cost`] does not depend on the share.
    fn is_counted(&self) -> bool {
        false
    }

    /// The `k` nearest of the items that may be found, appended to `hits`.
    fn search(&self, sought: &Sought<'_>, scratch: &mut Scratch, hits: &mut Vec<Hit>) -> Work;
}

impl<F: Fn(u64) -> bool + Sync> Filter for F {
    fn admits(&self, root: &Root, slot: u32) -> bool {
        self(root.space.key(slot))
    }

    fn search(&self, sought: &Sought<'_>, scratch: &mut Scratch, hits: &mut Vec<Hit>) -> Work {
        filtered(self, sought, scratch, hits)
    }
}

/// What each candidate that a walk keeps costs.
///
/// The bulk of it are the nodes a walk meets, some 24 for each candidate it keeps: comparing the code
/// of one takes as long as reading 120 bytes and a third of a byte for each component; comparing an
/// item in full, 200 bytes and its row. Vectors cost less in a walk than one by one: 15 items.
fn candidate(root: &Root, is_exact: bool) -> usize {
    let (row, dim) = (root.space.ranked().stride(), root.space.store.shape.dim);
    if is_exact { 15 * COMPARE } else { COMPARE * 24 * (120 + dim / 3) / (200 + row) }
}

fn filtered(
    filter: &dyn Filter,
    sought: &Sought<'_>,
    scratch: &mut Scratch,
    hits: &mut Vec<Hit>,
) -> Work {
    let &Sought { root, query, k, ef, watch, .. } = sought;
    scratch.probe.set_query(&root.space, query);
    let wanted = if scratch.probe.is_exact() { ef } else { ef.max(2 * k) };
    let candidate = candidate(root, scratch.probe.is_exact());
    let mut keeps = root.ef_among_dead(wanted);
    let (mut spent, mut walked) = (0, Work::default());
    // One walk to see, one that goes as far as it takes, and one if the first was wrong.
    for _ in 0..3 {
        // The first is worth trying only where all that may be found are many.
        let few = WORTH * candidate * keeps;
        if spent == 0 && filter.is_counted() && filter.cost(root, 0.0) <= few {
            break;
        }
        scratch.search(&root.graph, &root.space, k, keeps, watch);
        walked = walked.then(Work::of_walk(scratch, keeps));
        let met = scratch.pool.candidates().len();
        let mut items: Vec<u32> =
            scratch.pool.candidates().iter().filter_map(|c| root.item_of(c.node())).collect();
        items.retain(|&slot| filter.admits(root, slot));
        root.keep_one_each(&mut items);
        // So many were aimed at and a tenth more; a few less are no reason to walk again.
        if items.len() >= (wanted - wanted / 4).max(k) || scratch.has_stopped {
            rank_items(root, scratch, &items, k, hits);
            return walked;
        }
        // All was met, or all but the copies of what was.
        if met < keeps {
            break;
        }
        spent += candidate * keeps;
        let aim = |found: f64| {
            ((1.1 * wanted as f64 * (met + 1) as f64 / found) as usize).saturating_add(1)
        };
        // By as many as were found the share is a guess, which may be too high by its deviation: a
        // walk in vain costs more than one that was not tried.
        let found = (items.len() + 1) as f64;
        let surely = found - found.sqrt();
        let all = filter.cost(root, surely / (met + 1) as f64);
        let most = aim(surely);
        keeps = aim(found);
        if most > EF_MAX || candidate * most + spent > all {
            break;
        }
    }
    walked.then(sought.scan(&filter.slots(root), hits))
}
