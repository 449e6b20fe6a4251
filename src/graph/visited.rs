//! Which nodes a query has seen, forgotten in O(1).

/// A bit per node, 32 to a word, under a generation in the same word: one load answers, and a new
/// query only counts the generation up. Two bits of memory per node.
#[derive(Default)]
pub(crate) struct Visited {
    words: Vec<u64>,
    generation: u32,
}

impl Visited {
    /// Forgets everything and makes room for the nodes `0..capacity`.
    pub(crate) fn reset(&mut self, capacity: u32) {
        let words = capacity as usize / 32 + 1;
        if self.words.len() < words {
            self.words.resize(words, 0);
        }
        self.generation = self.generation.wrapping_add(1);
        if self.generation == 0 {
            self.words.fill(0);
            self.generation = 1;
        }
    }

    /// Marks a node below the capacity; true if it was unseen.
    #[inline(always)]
    pub(crate) fn insert(&mut self, node: u32) -> bool {
        let word = &mut self.words[node as usize / 32];
        let current = u64::from(self.generation) << 32;
        let seen = if *word >> 32 == u64::from(self.generation) { *word } else { current };
        let bit = 1u64 << (node % 32);
        *word = seen | bit;
        seen & bit == 0
    }
}
