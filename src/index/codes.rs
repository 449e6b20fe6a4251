//! Codes for an index that began without: fitted to its first items, once there are enough.

use super::root::Root;
use super::{Codes, Options};
use crate::distance::Rows;
use crate::exec::Sequential;
use crate::graph::node;
use crate::quantize::{Fit, Quantizer, fit};
use crate::store::{Coded, Fresh};
use crate::sync::Step;

/// Items that codes are fitted to, at least. Those before are compared by their vectors, which is
/// as fast while they are few.
const ITEMS: u32 = 1024;

/// Whether an index that holds `items` items, and no codes of them, gets any.
pub(super) fn of_items(options: &Options, items: u32) -> Coded {
    let may = options.codes != Codes::None && options.rows != Rows::Codes && items < ITEMS;
    if may { Coded::Later } else { Coded::Never }
}

/// The quantiser of a fit, if codes by it are wanted.
pub(super) fn chosen(codes: Codes, fit: Fit) -> Option<Quantizer> {
    match codes {
        Codes::Auto => fit.is_fine.then_some(fit.quantizer),
        Codes::U7 => Some(fit.quantizer),
        Codes::None => None,
    }
}

impl Root {
    /// Ends the insert that held `fresh`, and does what that means for the codes: the first to find
    /// [`ITEMS`] fits them, and the last with a slot without one encodes those before.
    pub(super) fn settle(&self, fresh: Fresh<'_>, codes: Codes) {
        if self.len() >= ITEMS as usize && self.space.begin_codes() {
            Step::CodesBegun.done();
            let fitted = self.fitted(codes);
            Step::CodesFitted.done();
            self.space.end_codes(fitted);
        }
        fresh.settle(|slot| node(&self.space, slot).is_met());
    }

    /// A quantiser for the items, if it is wanted, and there is memory to fit it in. O(n · dim).
    fn fitted(&self, codes: Codes) -> Option<Quantizer> {
        let slots: Vec<u32> = self.linked().collect();
        let dim = self.space.store.shape.dim;
        let mut vectors: Vec<f32> = Vec::new();
        vectors.try_reserve_exact(slots.len().checked_mul(dim)?).ok()?;
        let mut vector = Vec::new();
        for &slot in &slots {
            self.space.read_vector(slot, &mut vector);
            vectors.extend_from_slice(&vector);
        }
        let norms = self.space.store.shape.norms;
        let norm = |slot| if norms { self.space.store.norm(slot) } else { 1.0 };
        let row = |i: usize| (&vectors[i * dim..][..dim], norm(slots[i]));
        chosen(codes, fit(slots.len(), dim, &row, &Sequential))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distance::Metric;
    use crate::graph::mix;
    use crate::index::Index;
    use crate::snapshot::Check;
    use crate::store::Region;

    const DIM: usize = 5;

    fn row(key: u64) -> [f32; DIM] {
        std::array::from_fn(|i| (mix(7 + i as u64, key) >> 40) as f32 / 1e6 - 5.0)
    }

    fn insert(index: &Index, keys: std::ops::Range<u64>) {
        keys.into_iter().for_each(|key| index.insert(key, &row(key)).unwrap());
    }

    fn index(metric: Metric, rows: Rows) -> Index {
        Index::builder(DIM).metric(metric).rows(rows).m(8).ef_construction(20).build().unwrap()
    }

    fn reopened(index: &Index) -> Index {
        let bytes = index.to_snapshot().unwrap();
        let open = Index::open(Region::copy_of(&bytes).unwrap(), Check::Full).unwrap();
        assert!(open.to_snapshot().unwrap() == bytes, "the same bytes again");
        open
    }

    /// Every item has the code of its vector, and is found by it.
    fn check(index: &Index) {
        let root = index.root();
        let space = &root.space;
        let quantizer = space.codes().expect("codes that searches read");
        let (mut wanted, mut found) = (vec![0; space.store.shape.code_stride()], Vec::new());
        for slot in root.linked() {
            let norms = space.store.shape.norms;
            let norm = if norms { space.store.norm(slot) } else { 1.0 };
            quantizer.encode(&space.vector(slot), norm, &mut wanted);
            space.code(slot, &mut found);
            assert_eq!(found, wanted, "slot {slot}");
            let hits = index.search(&space.vector(slot)).k(1).ef(100).run().unwrap();
            if space.metric != Metric::InnerProduct {
                assert_eq!(hits[0].key, space.key(slot));
            }
        }
        assert!(index.check().is_ok());
    }

    #[test]
    fn an_index_that_grows_gets_codes() {
        for metric in [Metric::L2, Metric::InnerProduct, Metric::Cosine] {
            for rows in [Rows::F32, Rows::F16] {
                let index = index(metric, rows);
                insert(&index, 0..u64::from(ITEMS) - 1);
                assert!(!index.root().space.are_coded());
                let open = reopened(&index);
                for index in [index, open] {
                    insert(&index, 2000..2001);
                    check(&index);
                    insert(&index, 3000..3200);
                    check(&index);
                    check(&reopened(&index));
                }
            }
        }
    }

    #[test]
    fn writers_beside_each_other_leave_no_item_without_a_code() {
        for round in 0..10 {
            let index = index(Metric::L2, Rows::F32);
            std::thread::scope(|scope| {
                for writer in 0..4 {
                    let index = &index;
                    scope.spawn(move || insert(index, 1000 * writer..1000 * writer + 400));
                }
            });
            assert_eq!(index.len(), 1600, "round {round}");
            check(&index);
        }
    }

    #[test]
    fn an_index_that_codes_suit_badly_stays_on_vectors() {
        let index = index(Metric::L2, Rows::F32);
        // Nearly all of it is one vector, for the scale that the rest needs.
        for key in 0..3000u64 {
            let far = if key % 100 == 0 { 1e6 } else { 0.0 };
            index.insert(key, &[far, key as f32 * 1e-3, 1.0, 2.0, 3.0]).unwrap();
        }
        let root = index.root();
        assert!(!root.space.are_coded() && root.space.codes().is_none());
        assert!(root.space.store.codes.bytes() <= 2 * 1024 * root.space.store.shape.code_stride());
        let hits = index.search(&[0.0, 1.5001, 1.0, 2.0, 3.0]).k(1).ef(100).run().unwrap();
        assert!(hits[0].key.abs_diff(1500) <= 1, "{hits:?}");
        drop(root);
        assert_eq!(reopened(&index).len(), 3000);
    }
}
