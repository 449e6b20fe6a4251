//! Which nodes a query has seen, forgotten in O(1).

/// A byte per node that holds the generation in which it was seen last: a new query only counts
/// the generation up, and the bytes are cleared once in 255 walks.
///
/// A bit per node under a generation per word takes a quarter of the memory and was slower:
/// neighbours lie side by side, so each look had to wait for the write of the one before it.
#[derive(Default)]
pub(crate) struct Visited {
    seen: Vec<u8>,
    generation: u8,
    capacity: u32,
}

impl Visited {
    /// Forgets everything and makes room for the nodes `1..capacity`.
    pub(crate) fn reset(&mut self, capacity: u32) {
        let len = capacity as usize + 1;
        if self.seen.len() < len {
            self.seen.resize(len, 0);
        }
        self.generation = self.generation.wrapping_add(1);
        if self.generation == 0 {
            self.seen.fill(0);
            self.generation = 1;
        }
        self.capacity = capacity;
        // No node is called 0, so whoever asks for one that cannot be gets the answer of 0.
        self.seen[0] = self.generation;
    }

    /// What marks nodes: borrowed once a row, so that nothing is looked up again for each node.
    #[inline(always)]
    pub(crate) fn marker(&mut self) -> Marker<'_> {
        Marker { seen: &mut self.seen, generation: self.generation, capacity: self.capacity }
    }
}

/// Marks nodes as seen.
pub(crate) struct Marker<'a> {
    seen: &'a mut [u8],
    generation: u8,
    capacity: u32,
}

impl Marker<'_> {
    /// Marks a node; true if it was unseen. What is no node of the walk (0 is none) counts as seen:
    /// a link may name a node newer than the walk, and a damaged file may name anything.
    #[inline(always)]
    pub(crate) fn insert(&mut self, node: u32) -> bool {
        let node = if node < self.capacity { node } else { 0 };
        let seen = &mut self.seen[node as usize];
        let unseen = *seen != self.generation;
        *seen = self.generation;
        unseen
    }
}
