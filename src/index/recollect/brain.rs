//! The links that activation follows: associations, and those of the graph.

use super::super::root::Root;
use crate::limits::M0_MAX;
use crate::memory::activation::Links;
use crate::memory::retention::Retention;
use crate::memory::scoring::Confidence;
use crate::store::Edge;

/// All links of an index, as activation follows them at one moment.
///
/// Of what a node passes on, its associations share one part by weight, kind and confidence, and its
/// links in the graph the rest by confidence; a node without associations passes all of it on by
/// those, unless that rest is nothing. Where items fade, a link counts as much as the geometric mean of what is left of its ends.
pub(super) struct Brain<'a> {
    pub(super) root: &'a Root,
    /// What each kind counts; those that are not named count 1.
    pub(super) kinds: Vec<(u8, f32)>,
    /// The part of associations.
    pub(super) associations: f32,
    pub(super) retention: Retention,
    pub(super) now: u64,
}

impl Brain<'_> {
    /// The square root of what is left of the item of a slot.
    fn left(&self, slot: u32) -> f32 {
        if self.retention.is_off() {
            return 1.0;
        }
        self.root.stands(slot, &self.retention, self.now).1.sqrt() as f32
    }

    fn weight(&self, own: f32, to: u32, edge: &Edge) -> f32 {
        let kind = self.kinds.iter().find(|(kind, _)| *kind == edge.kind);
        let kind = kind.map_or(1.0, |(_, weight)| *weight);
        edge.weight * edge.confidence.get() * kind * own * self.left(to)
    }
}

impl Links for Brain<'_> {
    fn out(&self, node: u32, visit: &mut dyn FnMut(u32, f32)) {
        let own = self.left(node);
        let weights = || {
            let weight = |(to, edge): (u32, &Edge)| (to, self.weight(own, to, edge));
            self.root.associated(node).map(weight)
        };
        let sum: f64 = weights().map(|(_, weight)| f64::from(weight)).sum();
        let share = if sum > 0.0 || self.associations >= 1.0 { self.associations } else { 0.0 };
        if sum > 0.0 {
            let scale = f64::from(share) / sum;
            weights().for_each(|(to, weight)| visit(to, (scale * f64::from(weight)) as f32));
        }
        if share >= 1.0 {
            return;
        }
        let (mut near, mut len, mut sum) = ([(0, 0.0); M0_MAX], 0, 0.0);
        self.root.graph.out_links(&self.root.space, node, &mut |to, step| {
            let Some(to) = self.root.item_of(to).filter(|_| len < M0_MAX) else { return };
            let weight = Confidence::from_link(step).get() * own * self.left(to);
            near[len] = (to, weight);
            (len, sum) = (len + 1, sum + weight);
        });
        for &(to, weight) in &near[..len] {
            visit(to, (1.0 - share) * weight / sum);
        }
    }
}
