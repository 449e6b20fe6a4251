//! Associations between items: "is a", "caused", "was read beside".
//!
//! They hang by keys: an item keeps them when it is replaced, and they end when it is deleted, also
//! where its key comes back later.

use super::Index;
use super::root::Root;
use crate::error::{Error, Result};
use crate::limits::{ASSOCIATIONS_MAX, KIND_BYTES_MAX};
use crate::memory::scoring::Confidence;
use crate::memory::{Refused, in_range};
use crate::store::Edge;

/// Weights of associations, at most.
const WEIGHT_MAX: f64 = 1e6;

/// An association to be made: from one key to another, of a kind, with a weight.
///
/// ```
/// use ecphory::{Association, Index, Metric};
///
/// let index = Index::builder(2).metric(Metric::L2).build()?;
/// index.insert(1, &[0.0, 1.0])?;
/// index.insert(2, &[1.0, 0.0])?;
/// index.associate(&Association::new(1, 2).kind("caused").weight(0.5))?;
///
/// let from = index.associations(1);
/// assert_eq!((from[0].to, from[0].kind.as_str(), from[0].weight), (2, "caused", 0.5));
/// assert!(index.associations(2).is_empty(), "it leads one way");
/// # Ok::<(), ecphory::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Association<'a> {
    /// The key of the item that holds it.
    pub from: u64,
    /// The key of the item that it leads to.
    pub to: u64,
    /// What it is, 1 to 255 bytes; `"related"` unless set.
    pub kind: &'a str,
    /// How strong it is beside others of the item, above 0 and at most a million; 1 unless set.
    pub weight: f32,
    /// How sure it is; certain unless set.
    pub confidence: Confidence,
}

/// An association as an index keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct Associated {
    /// The key of the item that it leads to.
    pub to: u64,
    /// What it is.
    pub kind: String,
    /// How strong it is.
    pub weight: f32,
    /// How sure it is.
    pub confidence: Confidence,
}

impl<'a> Association<'a> {
    /// One that says nothing but that they are related.
    pub fn new(from: u64, to: u64) -> Self {
        Self { from, to, kind: "related", weight: 1.0, confidence: Confidence::CERTAIN }
    }

    /// Of this kind.
    #[must_use]
    pub fn kind(mut self, kind: &'a str) -> Self {
        self.kind = kind;
        self
    }

    /// With this weight.
    #[must_use]
    pub fn weight(mut self, weight: f32) -> Self {
        self.weight = weight;
        self
    }

    /// With this confidence.
    #[must_use]
    pub fn confidence(mut self, confidence: Confidence) -> Self {
        self.confidence = confidence;
        self
    }

    /// Refuses what no association can have.
    pub(super) fn check(&self) -> Result<()> {
        let weight = f64::from(self.weight);
        let bounds = (f64::from(f32::MIN_POSITIVE), WEIGHT_MAX);
        in_range("weight", weight, bounds, "above 0 and at most a million")?;
        check_kind(self.kind)
    }
}

impl Index {
    /// Associates one item with another, in place of what the same kind of association between them
    /// was; false if one of them does not exist. O(log n + associations of the item), lock-free.
    ///
    /// # Errors
    /// [`Error::Memory`](crate::Error::Memory) for a weight outside its bounds, [`Error::BadKind`](crate::Error::BadKind),
    /// [`Error::TooManyAssociations`](crate::Error::TooManyAssociations), [`Error::OutOfMemory`](crate::Error::OutOfMemory); [`Error::Busy`](crate::Error::Busy) as for [`Self::tag`].
    pub fn associate(&self, association: &Association<'_>) -> Result<bool> {
        association.check()?;
        self.check_room(association)?;
        self.associate_anyway(association)
    }

    /// Refuses one association more than an item may have.
    pub(super) fn check_room(&self, association: &Association<'_>) -> Result<()> {
        let limit = ASSOCIATIONS_MAX;
        let root = self.root();
        let Some(slot) = root.find(association.from) else { return Ok(()) };
        // Few have so many.
        let is_full = root.space.associations.edges(root.space.associations.id(slot)).len()
            >= limit
            && root.associated(slot).count() >= limit
            && !self
                .associations(association.from)
                .iter()
                .any(|other| (other.to, &*other.kind) == (association.to, association.kind));
        if is_full { Err(Error::TooManyAssociations { limit }) } else { Ok(()) }
    }

    /// As [`Self::associate`], of an association for which there was room when it was checked.
    pub(super) fn associate_anyway(&self, association: &Association<'_>) -> Result<bool> {
        let &Association { from, to, kind, weight, confidence } = association;
        let _beside_others = self.gate.share()?;
        let root = self.root();
        let (Some(from), Some(to)) = (root.identity(from)?, root.identity(to)?) else {
            return Ok(false);
        };
        let associations = &root.space.associations;
        let kind = associations.add_kind(kind, &root)?;
        let edge = Edge { to, kind, weight, confidence };
        let leads = |id| root.leads_to(id).is_some();
        associations.set_edge((from, to, kind), &root, &leads, &|_| Some(edge))?;
        Ok(true)
    }

    /// Gives an item that has none these associations, at once. Nobody else writes.
    pub(crate) fn put_associations(&self, from: u64, all: &[Associated]) -> Result<()> {
        let root = self.root();
        let Some(from) = root.identity(from)?.filter(|_| !all.is_empty()) else { return Ok(()) };
        let associations = &root.space.associations;
        let mut edges = Vec::with_capacity(all.len());
        for &Associated { to, ref kind, weight, confidence } in all {
            if let Some(to) = root.identity(to)? {
                let kind = associations.add_kind(kind, &root)?;
                edges.push(Edge { to, kind, weight, confidence });
            }
        }
        associations.put_edges(from, edges)
    }

    /// Takes an association out; false if there is none.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) beside a bulk build or snapshot, [`Error::OutOfMemory`](crate::Error::OutOfMemory).
    pub fn dissociate(&self, from: u64, to: u64, kind: &str) -> Result<bool> {
        let _beside_others = self.gate.share()?;
        let root = self.root();
        let associations = &root.space.associations;
        let id = |key| root.find(key).map(|slot| associations.id(slot)).filter(|&id| id != 0);
        let (Some(from), Some(to)) = (id(from), id(to)) else { return Ok(false) };
        let Some(kind) = associations.find_kind(kind) else { return Ok(false) };
        associations.set_edge((from, to, kind), &root, &|id| root.leads_to(id).is_some(), &|_| None)
    }

    /// Makes what leads from one item to another surer, since it was of use: of their associations,
    /// and of the link of the graph if there is one, each confidence `c` becomes `c + rate · (1 − c)`.
    /// False if there is none that could be surer.
    ///
    /// What fires together wires together (Hebb 1949), in the bounded form: nothing exceeds
    /// certainty, however often it is of use. Associations keep it; a link of the graph as long as
    /// there is that link, and not over a [compaction](crate::Store::compact).
    ///
    /// # Errors
    /// [`Error::Memory`](crate::Error::Memory) for a rate outside of 0..=1; as for
    /// [`Self::dissociate`].
    pub fn strengthen(&self, from: u64, to: u64, rate: f32) -> Result<bool> {
        check_rate(rate)?;
        let _beside_others = self.gate.share()?;
        let root = self.root();
        root.admit_writer()?;
        let (Some(from), Some(to)) = (root.find(from), root.find(to)) else { return Ok(false) };
        let mut any = root.strengthen_link(from, to, rate);
        let associations = &root.space.associations;
        let (from, to) = (associations.id(from), associations.id(to));
        if from == 0 || to == 0 {
            return Ok(any);
        }
        for edge in associations.edges(from).iter().filter(|edge| edge.to == to) {
            let surer = |edge: Option<Edge>| {
                edge.map(|edge| Edge { confidence: edge.confidence.strengthened(rate), ..edge })
            };
            let leads = |id| root.leads_to(id).is_some();
            any |= associations.set_edge((from, to, edge.kind), &root, &leads, &surer)?;
        }
        Ok(any)
    }

    /// [Strengthens](Self::strengthen) what leads from each of some items, such as those that were
    /// recollected together, to each other one. O(keys²).
    ///
    /// # Errors
    /// As for [`Self::strengthen`], when some may be stronger.
    pub fn strengthen_among(&self, keys: &[u64], rate: f32) -> Result<usize> {
        let mut stronger = 0;
        for (place, &from) in keys.iter().enumerate() {
            for &to in keys[..place].iter().chain(&keys[place + 1..]) {
                stronger += usize::from(self.strengthen(from, to, rate)?);
            }
        }
        Ok(stronger)
    }

    /// The associations out of the item of a key, by whom they lead to and by kind; none if there is
    /// no such item. O(log n + associations of the item).
    pub fn associations(&self, key: u64) -> Vec<Associated> {
        let root = self.root();
        let associations = &root.space.associations;
        let Some(slot) = root.find(key) else { return Vec::new() };
        let mut all: Vec<Associated> = root
            .associated(slot)
            .map(|(to, edge)| Associated {
                to: root.space.key(to),
                kind: associations.kind(edge.kind).to_owned(),
                weight: edge.weight,
                confidence: edge.confidence,
            })
            .collect();
        all.sort_unstable_by(|a, b| (a.to, &a.kind).cmp(&(b.to, &b.kind)));
        all
    }
}

/// Refuses what no kind can be called.
pub(super) fn check_kind(kind: &str) -> Result<()> {
    let is_one = (1..=KIND_BYTES_MAX).contains(&kind.len());
    if is_one { Ok(()) } else { Err(Error::BadKind) }
}

/// Refuses a rate of strengthening.
pub(super) fn check_rate(rate: f32) -> Result<(), Refused> {
    in_range("rate", f64::from(rate), (0.0, 1.0), "between 0 and 1")
}

impl Root {
    /// Makes the link of the graph from one slot to another surer; false if there is none, or it
    /// cannot be.
    fn strengthen_link(&self, from: u32, to: u32, rate: f32) -> bool {
        let Some(step) = self.graph.confidence(from, to) else { return false };
        let surer = Confidence::from_link(step).strengthened(rate).to_link();
        surer > step && self.graph.set_confidence(from, to, surer)
    }

    /// The slots that associations lead to out of a slot, and the associations.
    pub(super) fn associated(&self, slot: u32) -> impl Iterator<Item = (u32, &Edge)> {
        let associations = &self.space.associations;
        let edges = match associations.id(slot) {
            0 => &[][..],
            id => associations.edges(id),
        };
        edges.iter().filter_map(|edge| Some((self.leads_to(edge.to)?, edge)))
    }

    /// The slot of the item that has an identity, if there is one.
    pub(super) fn leads_to(&self, id: u32) -> Option<u32> {
        let associations = &self.space.associations;
        let slot = self.item_of(associations.slot(id).filter(|&slot| slot < self.space.end())?)?;
        (associations.id(slot) == id).then_some(slot)
    }

    /// The identity of a key's item, given now if it had none; `None` if there is no such item.
    fn identity(&self, key: u64) -> Result<Option<u32>> {
        let mut id = 0;
        let is_there = self.retag(key, |slot| {
            id = self.space.associations.give_id(slot)?;
            Ok(true)
        })?;
        Ok(is_there.then_some(id))
    }

    /// Gives a slot that no key leads to the associations of one that was given up before.
    pub(super) fn stay_associated(&self, from: u32, to: u32) -> Result<()> {
        // Pairs with the fence in `retag`, as that in `inherit`.
        std::sync::atomic::fence(std::sync::atomic::Ordering::SeqCst);
        self.space.associations.hand_on(from, to)
    }

    /// Leads to the slot that a key leads to who is led to its item. Of several that replace the item
    /// at once, each looks again after it has written, so that the last slot wins.
    pub(super) fn lead_associations(&self, key: u64, slot: u32) {
        let id = self.space.associations.id(slot);
        let mut led = None;
        while id != 0 && self.keys.find(key) != led {
            led = self.keys.find(key);
            if let Some(slot) = led {
                self.space.associations.lead(id, slot);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Metric;

    fn index() -> Index {
        let index = Index::builder(1).metric(Metric::L2).build().unwrap();
        for key in 0..5 {
            index.insert(key, &[key as f32]).unwrap();
        }
        index
    }

    fn to(index: &Index, key: u64) -> Vec<u64> {
        index.associations(key).iter().map(|association| association.to).collect()
    }

    #[test]
    fn associations_hang_by_items_and_end_with_them() {
        let index = index();
        for (from, to) in [(0, 1), (0, 2), (1, 2), (2, 0)] {
            assert!(index.associate(&Association::new(from, to)).unwrap());
        }
        assert!(!index.associate(&Association::new(0, 77)).unwrap());
        assert!(!index.associate(&Association::new(77, 0)).unwrap());
        index.update(2, &[7.0]).unwrap();
        index.upsert(0, &[8.0]).unwrap();
        assert_eq!([0, 1, 2].map(|key| to(&index, key)), [vec![1, 2], vec![2], vec![0]]);
        index.delete(2).unwrap();
        assert_eq!([0, 1, 2].map(|key| to(&index, key)), [vec![1], vec![], vec![]]);
        // Who comes back under its key is another.
        index.insert(2, &[7.0]).unwrap();
        assert_eq!([0, 1, 2].map(|key| to(&index, key)), [vec![1], vec![], vec![]]);
        assert!(index.associate(&Association::new(1, 2).kind("new")).unwrap());
        assert_eq!((to(&index, 1), index.associations(1)[0].kind.as_str()), (vec![2], "new"));
    }

    #[test]
    fn the_same_kind_between_two_is_one_association() {
        let index = index();
        for (kind, weight) in [("a", 1.0), ("b", 2.0), ("a", 3.0)] {
            index.associate(&Association::new(0, 1).kind(kind).weight(weight)).unwrap();
        }
        let all = index.associations(0);
        assert_eq!(all.iter().map(|one| one.weight).collect::<Vec<_>>(), [3.0, 2.0]);
        assert!(index.dissociate(0, 1, "a").unwrap() && !index.dissociate(0, 1, "a").unwrap());
        assert!(!index.dissociate(0, 1, "unheard of").unwrap());
        assert_eq!(index.associations(0).len(), 1);
    }

    #[test]
    fn to_strengthen_is_bounded() {
        let index = index();
        let unsure = Confidence::new(0.5).unwrap();
        index.associate(&Association::new(0, 1).confidence(unsure)).unwrap();
        assert!(index.strengthen(0, 1, 0.5).unwrap() && !index.strengthen(1, 0, 0.5).unwrap());
        assert_eq!(index.associations(0)[0].confidence.get(), 0.75);
        while index.strengthen(0, 1, 0.9).unwrap() {}
        assert_eq!(index.associations(0)[0].confidence, Confidence::CERTAIN);
        for rate in [f32::NAN, -0.1, 1.1] {
            assert!(matches!(index.strengthen(0, 1, rate), Err(Error::Memory { .. })));
        }
    }

    #[test]
    fn what_cannot_be_is_refused_and_leaves_all_as_it_was() {
        let index = index();
        for weight in [0.0, -1.0, f32::NAN, f32::INFINITY, 2e6] {
            let refused = index.associate(&Association::new(0, 1).weight(weight));
            assert!(matches!(refused, Err(Error::Memory { .. })), "{weight}");
        }
        let long = "x".repeat(256);
        for kind in ["", &long] {
            assert_eq!(index.associate(&Association::new(0, 1).kind(kind)), Err(Error::BadKind));
        }
        let kinds: Vec<String> = (0..257).map(|kind| kind.to_string()).collect();
        for (number, kind) in kinds.iter().enumerate() {
            let made = index.associate(&Association::new(0, 1).kind(kind));
            assert_eq!(made, if number < 256 { Ok(true) } else { Err(Error::BadKind) });
        }
        assert_eq!(index.associations(0).len(), 256);
    }

    #[test]
    fn writers_beside_each_other_lose_no_association() {
        let index = Index::builder(1).metric(Metric::L2).m(4).build().unwrap();
        for key in 0..40 {
            index.insert(key, &[key as f32]).unwrap();
        }
        let associate = |from, to| loop {
            match index.associate(&Association::new(from, to)) {
                // Beside one that replaces the item.
                Err(Error::Busy { .. }) => std::thread::yield_now(),
                made => return assert_eq!(made, Ok(true)),
            }
        };
        std::thread::scope(|scope| {
            for thread in 0..2 {
                let (index, associate) = (&index, &associate);
                scope.spawn(move || {
                    for other in 1..20 {
                        associate(0, 2 * other + thread);
                        associate(2 * other + thread, 0);
                    }
                });
                scope.spawn(move || {
                    for turn in 0..200 {
                        index.upsert(turn % 4 + 20 * thread, &[turn as f32]).unwrap();
                    }
                });
            }
        });
        assert_eq!(to(&index, 0), (2..40).collect::<Vec<_>>());
        assert!((2..40).all(|key| to(&index, key) == [0]));
        while index.reclaim().unwrap() {}
        assert_eq!(to(&index, 0).len(), 38, "slots that were given back took none with them");
    }

    #[test]
    fn what_was_deleted_brings_back_no_association_beside_upserts() {
        for _ in 0..50 {
            let index = index();
            for other in 1..5 {
                index.associate(&Association::new(0, other)).unwrap();
                index.associate(&Association::new(other, 0)).unwrap();
            }
            std::thread::scope(|scope| {
                for _ in 0..2 {
                    scope.spawn(|| {
                        for turn in 0..100 {
                            // Busy beside the other who adds the item.
                            let _ = index.upsert(0, &[turn as f32]);
                        }
                    });
                }
                scope.spawn(|| {
                    while !index.delete(0).unwrap() {}
                    let _ = index.insert(0, &[7.0]);
                });
            });
            let _ = index.upsert(0, &[8.0]);
            assert_eq!(to(&index, 0), [0; 0]);
            assert!((1..5).all(|other| to(&index, other).is_empty()));
        }
    }

    #[test]
    fn links_of_an_updated_item_are_as_sure_as_it_is() {
        let index = Index::builder(1).metric(Metric::L2).m(4).build().unwrap();
        let doubtful = Confidence::new(0.25).unwrap();
        for key in 0..50 {
            let vector = [key as f32];
            let item = crate::Item::new(key, &vector);
            let item = if key == 20 { item.confidence(doubtful) } else { item };
            index.insert_item(&item).unwrap();
        }
        index.update(20, &[30.5]).unwrap();
        let root = index.root();
        let (mut links, slot) = (0, root.find(20).unwrap());
        root.graph.out_links(&root.space, slot, &mut |_, step| {
            links += 1;
            assert_eq!(step, doubtful.to_link());
        });
        assert!(links > 0);
    }

    #[test]
    fn an_item_has_so_many_associations_and_no_more() {
        let index = Index::builder(1).metric(Metric::L2).m(4).build().unwrap();
        let vectors: Vec<f32> = (0..300).map(|key| key as f32).collect();
        let keys: Vec<u64> = (0..300).collect();
        index.bulk_build(&keys, &vectors, &crate::exec::Sequential, &mut |_| true).unwrap();
        let kinds: Vec<String> = (0..256).map(|kind| format!("kind {kind}")).collect();
        let one = |to: u64, kind: &str| Associated {
            to,
            kind: kind.to_owned(),
            weight: 1.0,
            confidence: Confidence::CERTAIN,
        };
        let all = (0..256).flat_map(|to| kinds.iter().map(move |kind| one(to, kind)));
        index.put_associations(0, &all.collect::<Vec<_>>()).unwrap();
        assert_eq!(index.associations(0).len(), ASSOCIATIONS_MAX);
        let again = Association::new(0, 7).kind(&kinds[7]).weight(2.0);
        let more = Association::new(0, 299).kind(&kinds[7]);
        let full = Err(Error::TooManyAssociations { limit: ASSOCIATIONS_MAX });
        assert_eq!((index.associate(&again), index.associate(&more)), (Ok(true), full));
        index.delete(255).unwrap();
        assert_eq!(index.associate(&more), Ok(true));
    }
}
