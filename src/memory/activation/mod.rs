//! Spreading activation: what some memories bring to mind, through their links.
//!
//! ```text
//!   cues ──► residual ──push: largest first──► activation      (1 − g) of what a node holds stays
//!               ▲                    │
//!               └──── g, shared ─────┘                         the rest goes on by weight of links
//! ```
//!
//! A cue wakes what it is linked to, and that what it is linked to in turn (Collins & Loftus 1975,
//! who give no formula). The formula is that of a walk that starts at the cues and goes on with
//! probability `g` at each step, `a = (1 − g)·Σ gᵗ·(Pᵀ)ᵗ·s`: personalised `PageRank` (Haveliwala 2002),
//! with `P` the weights of links, each row summing to 1. What a node passes on is shared by all its
//! links, so that many links leave little to each: the *fan effect* (Anderson 1974), by which `ln a`
//! falls with `ln(fan)` at slope −1. Where paths meet, activation adds up.
//!
//! # How it is computed
//! By forward push (Andersen, Chung & Lang 2006): every node has an *activation* so far and a
//! *residual*, of which nothing was passed on yet. A push keeps `1 − g` of a residual and shares `g`
//! among the node's links. The cost depends on the pushes, not on the size of the graph. That paper's
//! bound by degree is one of undirected graphs; links here have a direction, so the certificate is
//! another: what was never passed on, `‖r‖₁`, is all that the activations can lack in sum, on any
//! graph. At the end each node keeps its share of its residual too, by which only `g·‖r‖₁` remains.
//!
//! - Cues are pushed first, whatever the limits: otherwise one with many links might bring nothing.
//! - Then the largest residual goes first, ties by node.
//! - It ends when the remaining mass is within the tolerance, when the pushes or links it may follow
//!   are used up, or when limits (hops, threshold) leave nothing to push; the answer says which.
//!
//! # Invariants
//! - Activations are at least 0 and sum to 1 at most; each is at most the true one, and all of them
//!   together lack [`Activation::residual`] at most (but for rounding, some 10⁻¹²), limits included:
//!   what a limit cut off is counted.
//! - A path leads back to a cue without a circle.
//! - Nothing depends on the order of a hash table: equal links and cues give equal bits.
//!
//! Absent on purpose: time (facilitation reaches near and far at once, Ratcliff et al. 1981, so a
//! hop is no delay), lateral inhibition, and where links come from (`index`): a caller multiplies
//! type, weight and confidence of a link into one number.

mod queue;
mod state;
#[cfg(test)]
mod tests;

pub use state::{Activation, Active};

use super::{Refused, in_range};

/// Links of a graph, as activation follows them.
pub trait Links {
    /// Calls `visit` with every link out of `node`: to whom, and how strong. What is not a number
    /// above 0 passes nothing on.
    fn out(&self, node: u32, visit: &mut dyn FnMut(u32, f32));
}

/// Adjacent nodes of each node, in order.
impl Links for [Vec<(u32, f32)>] {
    fn out(&self, node: u32, visit: &mut dyn FnMut(u32, f32)) {
        for &(to, weight) in self.get(node as usize).into_iter().flatten() {
            visit(to, weight);
        }
    }
}

/// Why activation spread no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stopped {
    /// The remaining mass is within the tolerance.
    Converged,
    /// The pushes or the links were used up.
    Budget,
    /// The hops or the threshold left nothing to push.
    Limits,
}

/// How activation spreads.
///
/// ```
/// use ecphory::memory::activation::{Spreading, Stopped};
///
/// // 0 brings 1 and 2 to mind, and each of them 3.
/// let links = [vec![(1, 1.0), (2, 1.0)], vec![(3, 1.0)], vec![(3, 1.0)], vec![]];
/// let activation = Spreading::default().run(&links[..], &[(0, 1.0)]);
/// assert_eq!(activation.stopped(), Stopped::Converged);
/// let top = activation.top(2);
/// assert_eq!((top[0].node, top[1].node), (0, 3), "paths add up where they meet");
/// assert_eq!(activation.path(3), [0, 1, 3]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spreading {
    damping: f64,
    tolerance: f64,
    pushes: usize,
    links: usize,
    hops: u32,
    threshold: f64,
}

impl Default for Spreading {
    /// Damping 0.85 (as is usual, also on WordNet: Agirre & Soroa 2009), tolerance 0.05, 2,048
    /// pushes, 16,384 links, no other limit.
    fn default() -> Self {
        Self {
            damping: 0.85,
            tolerance: 0.05,
            pushes: 2048,
            links: 16_384,
            hops: u32::MAX,
            threshold: 0.0,
        }
    }
}

impl Spreading {
    /// The share `g` that goes on at each step, from 0 to 0.99.
    ///
    /// # Errors
    /// [`Refused::OutOfRange`] outside of that.
    pub fn damping(mut self, damping: f64) -> Result<Self, Refused> {
        in_range("damping", damping, (0.0, 0.99), "between 0 and 0.99")?;
        self.damping = damping;
        Ok(self)
    }

    /// What all activations together may lack, 0..=1; cues hold 1 together.
    ///
    /// # Errors
    /// [`Refused::OutOfRange`] outside of that.
    pub fn tolerance(mut self, tolerance: f64) -> Result<Self, Refused> {
        in_range("tolerance", tolerance, (0.0, 1.0), "between 0 and 1")?;
        self.tolerance = tolerance;
        Ok(self)
    }

    /// Pushes at most, of nodes that may be the same. Cues are pushed once in any case.
    #[must_use]
    pub fn pushes(mut self, pushes: usize) -> Self {
        self.pushes = pushes;
        self
    }

    /// Links to follow at most; the push that reaches this many is the last. A node with very many
    /// links that others lead back to is pushed again and again, and this bounds what that costs.
    #[must_use]
    pub fn links(mut self, links: usize) -> Self {
        self.links = links;
        self
    }

    /// Links at most between a cue and what it activates, at least 1.
    #[must_use]
    pub fn hops(mut self, hops: u32) -> Self {
        self.hops = hops.max(1);
        self
    }

    /// The least residual that a node passes on, 0..=1.
    ///
    /// # Errors
    /// [`Refused::OutOfRange`] outside of that.
    pub fn threshold(mut self, threshold: f64) -> Result<Self, Refused> {
        in_range("threshold", threshold, (0.0, 1.0), "between 0 and 1")?;
        self.threshold = threshold;
        Ok(self)
    }

    /// Spreads activation from `cues`, nodes with weights; those without a positive one are left
    /// out. O(links of the pushed nodes · log nodes reached).
    pub fn run<L: Links + ?Sized>(&self, links: &L, cues: &[(u32, f32)]) -> Activation {
        let mut activation = Activation::default();
        self.run_into(links, cues, &mut activation);
        activation
    }

    /// The same in the memory of an earlier answer.
    pub fn run_into<L: Links + ?Sized>(
        &self,
        links: &L,
        cues: &[(u32, f32)],
        activation: &mut Activation,
    ) {
        activation.begin(cues);
        for place in activation.cues_by_weight() {
            activation.push(self, links, place);
        }
        let stopped = loop {
            if self.damping * activation.mass() <= self.tolerance
                && self.damping * activation.sum_residuals() <= self.tolerance
            {
                break Stopped::Converged;
            }
            if activation.pushes() >= self.pushes || activation.links() >= self.links {
                break Stopped::Budget;
            }
            match activation.largest() {
                Some((place, residual)) if residual >= self.threshold => {
                    activation.push(self, links, place);
                }
                _ => break Stopped::Limits,
            }
        };
        activation.settle(self.damping, stopped);
    }
}
