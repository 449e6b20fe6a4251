//! What activation has reached: activations, residuals, and through whom.

use super::queue::Queue;
use super::{Links, Spreading, Stopped};

/// No place: the end of a path, an empty entry of the table.
const NONE: u32 = u32::MAX;
/// Entries of the smallest table.
const TABLE_MIN: usize = 64;

/// The answer of [`Spreading::run`]: nodes that were reached, and what is certain about them.
///
/// The true activation of a node lies between [`Self::get`] and that plus [`Self::residual`].
#[derive(Clone, Debug)]
pub struct Activation {
    /// In the order in which they were reached; a *place* is a position here.
    reached: Vec<Reached>,
    /// Open addressing: places by node.
    table: Vec<u32>,
    queue: Queue,
    /// The links of the node being pushed.
    row: Vec<(u32, f32)>,
    cues: usize,
    /// What the residuals sum to, but for rounding.
    mass: f64,
    /// What was never passed on.
    residual: f64,
    pushes: usize,
    links: usize,
    stopped: Stopped,
}

/// A node that activation reached.
#[derive(Clone, Copy, Debug)]
struct Reached {
    node: u32,
    /// The place that gave it most at once before its own first push; `NONE` for a cue.
    via: u32,
    /// What that was.
    given: f64,
    /// Links from a cue, on the shortest way so far.
    hops: u32,
    was_pushed: bool,
    activation: f64,
    residual: f64,
}

/// A node and its activation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Active {
    /// The node.
    pub node: u32,
    /// Its share of what the cues hold, which is 1 together.
    pub activation: f64,
}

impl Default for Activation {
    /// Of no cues.
    fn default() -> Self {
        Self {
            reached: Vec::new(),
            table: Vec::new(),
            queue: Queue::default(),
            row: Vec::new(),
            cues: 0,
            mass: 0.0,
            residual: 0.0,
            pushes: 0,
            links: 0,
            stopped: Stopped::Converged,
        }
    }
}

impl Activation {
    /// Nodes that were reached, cues included.
    pub fn len(&self) -> usize {
        self.reached.len()
    }

    /// Whether there were no cues.
    pub fn is_empty(&self) -> bool {
        self.reached.is_empty()
    }

    /// The activation of `node`; 0 if it was not reached. O(1).
    pub fn get(&self, node: u32) -> f64 {
        self.find(node).map_or(0.0, |place| self.reached[place as usize].activation)
    }

    /// All nodes that were reached, in the order in which they were.
    pub fn iter(&self) -> impl Iterator<Item = Active> {
        self.reached.iter().map(|&Reached { node, activation, .. }| Active { node, activation })
    }

    /// The `k` most active nodes, ties by node. O(nodes reached + k log k).
    pub fn top(&self, k: usize) -> Vec<Active> {
        let order = |a: &Active, b: &Active| {
            b.activation.total_cmp(&a.activation).then(a.node.cmp(&b.node))
        };
        let mut nodes: Vec<Active> = self.iter().collect();
        if k < nodes.len() {
            nodes.select_nth_unstable_by(k, order);
            nodes.truncate(k);
        }
        nodes.sort_unstable_by(order);
        nodes
    }

    /// The way from a cue to `node` by which most came at once, both included; empty if it was not
    /// reached.
    pub fn path(&self, node: u32) -> Vec<u32> {
        let mut path = Vec::new();
        let mut place = self.find(node).unwrap_or(NONE);
        // Each step leads to a node that was pushed earlier, so this ends.
        while let Some(reached) = self.reached.get(place as usize) {
            path.push(reached.node);
            place = reached.via;
        }
        path.reverse();
        path
    }

    /// What all activations together lack at most.
    pub fn residual(&self) -> f64 {
        self.residual
    }

    /// Why it spread no further.
    pub fn stopped(&self) -> Stopped {
        self.stopped
    }

    /// Pushes that were made.
    pub fn pushes(&self) -> usize {
        self.pushes
    }

    /// Links that were followed.
    pub fn links(&self) -> usize {
        self.links
    }

    /// Forgets the last answer and gives the cues what they hold.
    pub(super) fn begin(&mut self, cues: &[(u32, f32)]) {
        self.reached.clear();
        self.table.clear();
        self.queue.clear();
        (self.pushes, self.links, self.residual) = (0, 0, 0.0);
        let positive = || cues.iter().filter(|(_, weight)| passes(*weight));
        let sum: f64 = positive().map(|(_, weight)| f64::from(*weight)).sum();
        for &(node, weight) in positive() {
            let place = self.place(node) as usize;
            self.reached[place].hops = 0;
            self.reached[place].residual += f64::from(weight) / sum;
        }
        self.cues = self.reached.len();
        self.mass = self.sum_residuals();
    }

    /// The places of the cues, in the order in which they are pushed.
    pub(super) fn cues_by_weight(&self) -> Vec<u32> {
        let mut places: Vec<u32> = (0..self.cues as u32).collect();
        let key = |place: u32| &self.reached[place as usize];
        places.sort_unstable_by(|&a, &b| {
            let by_residual = key(b).residual.total_cmp(&key(a).residual);
            by_residual.then(key(a).node.cmp(&key(b).node))
        });
        places
    }

    /// What was not passed on yet, but for rounding.
    pub(super) fn mass(&self) -> f64 {
        self.mass
    }

    /// The same, added up anew.
    pub(super) fn sum_residuals(&self) -> f64 {
        self.reached.iter().map(|reached| reached.residual).sum()
    }

    /// The place to push next, and its residual.
    pub(super) fn largest(&self) -> Option<(u32, f64)> {
        self.queue.largest()
    }

    /// Keeps a part of the residual of `place` and shares the rest among its links.
    pub(super) fn push<L: Links + ?Sized>(&mut self, how: &Spreading, links: &L, place: u32) {
        self.queue.remove(place);
        let reached = &mut self.reached[place as usize];
        let (node, hops) = (reached.node, reached.hops);
        let residual = std::mem::take(&mut reached.residual);
        reached.activation += (1.0 - how.damping) * residual;
        reached.was_pushed = true;
        self.pushes += 1;
        self.mass -= residual;

        let mut row = std::mem::take(&mut self.row);
        row.clear();
        let mut sum = 0.0;
        links.out(node, &mut |to, weight| {
            if passes(weight) {
                row.push((to, weight));
                sum += f64::from(weight);
            }
        });
        self.links += row.len();
        let share = how.damping * residual;
        for &(to, weight) in &row {
            self.give(how, place, hops, to, share * (f64::from(weight) / sum));
        }
        self.row = row;
    }

    /// Adds `given` to the residual of `node`.
    fn give(&mut self, how: &Spreading, from: u32, hops: u32, node: u32, given: f64) {
        let place = self.place(node);
        let is_cue = (place as usize) < self.cues;
        let reached = &mut self.reached[place as usize];
        reached.residual += given;
        reached.hops = reached.hops.min(hops.saturating_add(1));
        // Only before the first push of a node: what it gave away cannot come to it through others.
        if !reached.was_pushed && !is_cue && given > reached.given {
            (reached.via, reached.given) = (from, given);
        }
        self.mass += given;
        // What the hops cut off keeps its residual, which is counted in the end.
        if reached.hops < how.hops {
            self.queue.raise(place, node, reached.residual);
        }
    }

    /// Lets every node keep its part of its residual; what is left is what all of them may lack.
    pub(super) fn settle(&mut self, damping: f64, stopped: Stopped) {
        for reached in &mut self.reached {
            reached.activation += (1.0 - damping) * reached.residual;
            reached.residual *= damping;
        }
        self.residual = self.sum_residuals();
        self.stopped = stopped;
    }

    /// The place of `node`, which is reached now if it was not before.
    fn place(&mut self, node: u32) -> u32 {
        if 2 * (self.reached.len() + 1) > self.table.len() {
            self.grow();
        }
        let mut at = self.slot(node);
        while self.table[at] != NONE {
            if self.reached[self.table[at] as usize].node == node {
                return self.table[at];
            }
            at = (at + 1) & (self.table.len() - 1);
        }
        let place = self.reached.len() as u32;
        self.table[at] = place;
        self.queue.add_place();
        self.reached.push(Reached {
            node,
            via: NONE,
            given: 0.0,
            hops: u32::MAX,
            was_pushed: false,
            activation: 0.0,
            residual: 0.0,
        });
        place
    }

    fn find(&self, node: u32) -> Option<u32> {
        if self.table.is_empty() {
            return None;
        }
        let mut at = self.slot(node);
        loop {
            let place = self.table[at];
            let reached = self.reached.get(place as usize)?;
            if reached.node == node {
                return Some(place);
            }
            at = (at + 1) & (self.table.len() - 1);
        }
    }

    /// Where the search for `node` begins (Knuth's multiplicative hash).
    fn slot(&self, node: u32) -> usize {
        let bits = self.table.len().trailing_zeros();
        (node.wrapping_mul(0x9e37_79b9) >> (32 - bits.min(32))) as usize & (self.table.len() - 1)
    }

    /// Doubles the table.
    fn grow(&mut self) {
        let entries = (2 * self.table.len()).max(TABLE_MIN);
        self.table.clear();
        self.table.resize(entries, NONE);
        for place in 0..self.reached.len() as u32 {
            let mut at = self.slot(self.reached[place as usize].node);
            while self.table[at] != NONE {
                at = (at + 1) & (entries - 1);
            }
            self.table[at] = place;
        }
    }
}

/// Whether a weight passes anything on.
fn passes(weight: f32) -> bool {
    weight > 0.0 && weight.is_finite()
}
