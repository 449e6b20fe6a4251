//! Nodes by their residual, the largest on top: a binary heap whose entries can rise.

/// Not in the heap.
const ABSENT: u32 = u32::MAX;

/// A heap of places (0, 1, …), each with a residual and the number that decides between equal ones.
#[derive(Clone, Debug, Default)]
pub(super) struct Queue {
    heap: Vec<Entry>,
    /// Where in the heap each place stands.
    stands: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    residual: f64,
    node: u32,
    place: u32,
}

impl Entry {
    /// Whether this one is to be pushed before `other`.
    fn leads(&self, other: &Self) -> bool {
        self.residual > other.residual
            || (self.residual == other.residual && self.node < other.node)
    }
}

impl Queue {
    pub(super) fn clear(&mut self) {
        self.heap.clear();
        self.stands.clear();
    }

    /// Makes room for the next place.
    pub(super) fn add_place(&mut self) {
        self.stands.push(ABSENT);
    }

    /// The place on top and its residual.
    pub(super) fn largest(&self) -> Option<(u32, f64)> {
        self.heap.first().map(|entry| (entry.place, entry.residual))
    }

    /// Gives `place` a residual no smaller than before.
    pub(super) fn raise(&mut self, place: u32, node: u32, residual: f64) {
        let entry = Entry { residual, node, place };
        let at = match self.stands[place as usize] {
            ABSENT => {
                self.heap.push(entry);
                self.heap.len() - 1
            }
            at => at as usize,
        };
        self.rise(at, entry);
    }

    /// Takes `place` out, if it is in.
    pub(super) fn remove(&mut self, place: u32) {
        let at = std::mem::replace(&mut self.stands[place as usize], ABSENT);
        let Some(last) = (at != ABSENT).then(|| self.heap.pop()).flatten() else { return };
        let at = at as usize;
        if at < self.heap.len() {
            let at = self.sink(at, last);
            self.rise(at, last);
        }
    }

    /// Puts `entry` where it belongs, from the hole at `at` upwards.
    fn rise(&mut self, mut at: usize, entry: Entry) {
        while at > 0 {
            let parent = (at - 1) / 2;
            if !entry.leads(&self.heap[parent]) {
                break;
            }
            self.put(at, self.heap[parent]);
            at = parent;
        }
        self.put(at, entry);
    }

    /// Where `entry` belongs from the hole at `at` downwards; what leads it moves up.
    fn sink(&mut self, mut at: usize, entry: Entry) -> usize {
        loop {
            let mut child = 2 * at + 1;
            let Some(&left) = self.heap.get(child) else { return at };
            let mut first = left;
            if let Some(right) = self.heap.get(child + 1).filter(|right| right.leads(&left)) {
                (child, first) = (child + 1, *right);
            }
            if !first.leads(&entry) {
                return at;
            }
            self.put(at, first);
            at = child;
        }
    }

    fn put(&mut self, at: usize, entry: Entry) {
        self.heap[at] = entry;
        self.stands[entry.place as usize] = at as u32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::numbers::Numbers;

    #[test]
    fn the_largest_comes_first_whatever_rises_or_leaves() {
        let mut numbers = Numbers::new(21);
        for _ in 0..200 {
            let mut queue = Queue::default();
            let places = 1 + numbers.below(60);
            let mut residuals = vec![None; places];
            (0..places).for_each(|_| queue.add_place());
            for _ in 0..400 {
                let place = numbers.below(places);
                // Few values, so that many are equal.
                if numbers.below(3) == 0 {
                    queue.remove(place as u32);
                    residuals[place] = None;
                } else {
                    let value = residuals[place].unwrap_or(0.0) + numbers.below(4) as f64;
                    queue.raise(place as u32, node(place), value);
                    residuals[place] = Some(value);
                }
                let expected = (0..places)
                    .filter_map(|place| residuals[place].map(|residual| (place as u32, residual)))
                    .max_by(|a, b| {
                        let by_node = node(b.0 as usize).cmp(&node(a.0 as usize));
                        a.1.total_cmp(&b.1).then(by_node)
                    });
                assert_eq!(queue.largest(), expected);
            }
        }
    }

    /// Numbers in another order than places.
    fn node(place: usize) -> u32 {
        1000 - 7 * place as u32
    }
}
