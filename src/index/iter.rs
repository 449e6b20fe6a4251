//! Going through the items of an index beside its writers.

use super::Index;

/// The keys of an index, in no order: see [`Index::iter`].
pub struct Keys<'a> {
    index: &'a Index,
    /// Those of the places that were looked at last.
    some: Vec<u64>,
    /// Where to go on.
    next: Option<u32>,
}

impl Index {
    /// The keys of all items, in no order, beside whoever reads or writes. A key that has an item
    /// all the while is met once; one that comes or goes meanwhile is met or not, and twice if it
    /// comes back. Beside a bulk build, any of the keys before or after it.
    ///
    /// Nothing is held between two keys, so that a slow loop delays nobody. O(1) a key.
    ///
    /// ```
    /// # use ecphory::{Index, Metric};
    /// # let index = Index::builder(1).metric(Metric::L2).build()?;
    /// for key in 0..10 {
    ///     index.insert(key, &[key as f32])?;
    /// }
    /// for key in index.iter().filter(|key| key % 2 == 1) {
    ///     index.delete(key)?;
    /// }
    /// assert_eq!(index.keys()?, [0, 2, 4, 6, 8]);
    /// # Ok::<(), ecphory::Error>(())
    /// ```
    pub fn iter(&self) -> Keys<'_> {
        Keys { index: self, some: Vec::new(), next: Some(0) }
    }
}

impl<'a> IntoIterator for &'a Index {
    type Item = u64;
    type IntoIter = Keys<'a>;

    fn into_iter(self) -> Keys<'a> {
        self.iter()
    }
}

impl Iterator for Keys<'_> {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        while self.some.is_empty() {
            self.next = self.index.root().keys.some_from(self.next?, &mut self.some);
        }
        self.some.pop()
    }
}

impl std::fmt::Debug for Keys<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("next", &self.next).finish_non_exhaustive()
    }
}
