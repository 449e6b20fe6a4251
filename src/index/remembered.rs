//! What makes items memories as sections of a snapshot, and back.
//!
//! ```text
//!   retention       48 bytes, as `Retention` says
//!   standings       for each slot 56 bytes, as `Standing` says, or zeros
//!   associations    number of kinds (4), then for each, in the order of their names: its length (4),
//!                   the name · number of items that have associations (4), then for each, in the
//!                   order of their slots: its slot (4), their number (4), then for each, in this
//!                   order: slot (4) and kind (4) that it leads to and by, weight (4), confidence (4)
//! ```
//! Sections of which an index has nothing are left out.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::associate::Association;
use super::op::{put_text, take_array, take_confidence, take_text};
use super::root::Root;
use crate::error::Result;
use crate::limits::{KIND_BYTES_MAX, KINDS_MAX};
use crate::memory::retention::Retention;
use crate::memory::{STANDING_BYTES, Standing};
use crate::snapshot::{FieldsWriter, Kind, Snapshot, Source};
use crate::store::{Allocator, Alone, Associations, Chunks, EDGES_MAX, Edge, Standings};

/// What a root remembers beside its items' vectors.
pub(super) struct Remembered([(Kind, Option<FieldsWriter>); 3]);

impl Remembered {
    /// Of the items in these slots, in order.
    pub(super) fn of(root: &Root, slots: &[u32], _alone: &Alone<'_>) -> Self {
        Self([
            (Kind::Retention, retention(&root.retention.pin())),
            (Kind::Standings, standings(root, slots)),
            (Kind::Associations, associations(root, slots)),
        ])
    }

    pub(super) fn sources(&self) -> impl Iterator<Item = Source<'_>> {
        self.0.iter().filter_map(source)
    }
}

fn source((kind, fields): &(Kind, Option<FieldsWriter>)) -> Option<Source<'_>> {
    fields.as_ref().map(|fields| Source { kind: *kind, parts: vec![fields.bytes()] })
}

fn retention(retention: &Retention) -> Option<FieldsWriter> {
    let mut fields = FieldsWriter::default();
    fields.put_bytes(&retention.to_bytes());
    (*retention != Retention::default()).then_some(fields)
}

fn standings(root: &Root, slots: &[u32]) -> Option<FieldsWriter> {
    let standings = &root.space.standings;
    let found = |&slot: &u32| {
        let standing = standings.find(slot).filter(|found| *found != Standing::default())?;
        Some((slot, standing))
    };
    let mut found = slots.iter().filter(|_| standings.are_there()).filter_map(found).peekable();
    found.peek()?;
    let mut fields = FieldsWriter::default();
    let mut next = 0;
    for (slot, standing) in found {
        (next..slot).for_each(|_| fields.put_bytes(&[0; STANDING_BYTES]));
        fields.put_bytes(&standing.to_bytes());
        next = slot + 1;
    }
    (next..root.space.end()).for_each(|_| fields.put_bytes(&[0; STANDING_BYTES]));
    Some(fields)
}

fn associations(root: &Root, slots: &[u32]) -> Option<FieldsWriter> {
    let there = &root.space.associations;
    if !there.are_there() {
        return None;
    }
    // Numbers of kinds are in the order in which this process met them; those of a file are not.
    let mut kinds = BTreeMap::new();
    for &slot in slots {
        kinds.extend(root.associated(slot).map(|(_, edge)| (there.kind(edge.kind), 0)));
    }
    let mut fields = FieldsWriter::default();
    fields.put_u32(kinds.len() as u32);
    for (number, (name, kind)) in (0..).zip(&mut kinds) {
        *kind = number;
        put_text(name, &mut fields);
    }
    let (mut rows, mut items) = (FieldsWriter::default(), 0);
    for &slot in slots {
        let row = |(to, edge): (u32, &Edge)| (to, kinds[there.kind(edge.kind)], *edge);
        let mut edges: Vec<_> = root.associated(slot).map(row).collect();
        if edges.is_empty() {
            continue;
        }
        items += 1;
        edges.sort_unstable_by_key(|&(to, kind, _)| (to, kind));
        rows.put_u32(slot);
        rows.put_u32(edges.len() as u32);
        for (to, kind, Edge { weight, confidence, .. }) in edges {
            rows.put_u32(to);
            rows.put_u32(kind);
            rows.put_f32(weight);
            rows.put_f32(confidence.get());
        }
    }
    fields.put_u32(items);
    fields.put_bytes(rows.bytes());
    (items > 0).then_some(fields)
}

/// How the items of a file fade.
pub(super) fn read_retention(snapshot: &Snapshot) -> Result<Retention> {
    if !snapshot.has(Kind::Retention) {
        return Ok(Retention::default());
    }
    let mut fields = snapshot.fields(Kind::Retention)?;
    let retention = Retention::from_bytes(&take_array(&mut fields)?);
    let retention = retention.map_err(|_| fields.refuse("nothing fades so"))?;
    fields.finish()?;
    Ok(retention)
}

/// The standings of a file with `rows` slots.
pub(super) fn read_standings(
    snapshot: &mut Snapshot,
    rows: u32,
    allocator: &Arc<dyn Allocator>,
) -> Result<Standings> {
    if !snapshot.has(Kind::Standings) {
        return Ok(Standings::new(None));
    }
    let saved = snapshot.expect(Kind::Standings, STANDING_BYTES as u64 * u64::from(rows))?;
    Ok(Standings::new(Some((
        Chunks::over(STANDING_BYTES, rows, saved, Arc::clone(allocator)),
        rows,
    ))))
}

/// Gives the slots below `rows` the associations that a file says.
pub(super) fn read_associations(
    snapshot: &Snapshot,
    associations: &Associations,
    rows: u32,
) -> Result<()> {
    if !snapshot.has(Kind::Associations) {
        return Ok(());
    }
    let mut fields = snapshot.fields(Kind::Associations)?;
    let (kinds, mut last) = (fields.take_u32()?, "");
    for number in 0..kinds {
        let name = take_text(&mut fields)?;
        if number as usize >= KINDS_MAX || name <= last || name.len() > KIND_BYTES_MAX {
            return Err(fields.refuse("the kinds of associations are out of order"));
        }
        associations.put_kind(number as u8, name)?;
        last = name;
    }
    let mut last = 0;
    for _ in 0..fields.take_u32()? {
        let slot = fields.take_u32()?;
        if slot <= last || slot >= rows {
            return Err(fields.refuse("an association is that of no slot"));
        }
        last = slot;
        let count = fields.take_u32()? as usize;
        if count > EDGES_MAX {
            return Err(fields.refuse("an item has more associations than it can"));
        }
        let mut edges = Vec::new();
        // Each takes bytes, so that a count that lies is soon found out.
        for _ in 0..count {
            let (to, kind) = (fields.take_u32()?, fields.take_u32()?);
            if to == 0 || to >= rows || kind >= kinds {
                return Err(fields.refuse("an association leads nowhere"));
            }
            let (weight, confidence) = (fields.take_f32()?, take_confidence(&mut fields)?);
            let association = Association::new(0, 0).weight(weight);
            association
                .check()
                .map_err(|_| fields.refuse("the weight of an association is none"))?;
            let to = associations.give_id(to)?;
            edges.push(Edge { to, kind: kind as u8, weight, confidence });
        }
        let id = associations.give_id(slot)?;
        associations.put_edges(id, edges)?;
    }
    fields.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::{Associated, Item};
    use crate::memory::retention::Curve;
    use crate::memory::scoring::Confidence;
    use crate::store::Region;
    use crate::{Check, Error, Index, Metric};

    fn index() -> Index {
        let index = Index::builder(2).metric(Metric::L2).m(4).build().unwrap();
        index.set_retention(Retention::new(Curve::ACT_R).unwrap().floor(0.25).unwrap()).unwrap();
        for key in 0..300 {
            let confidence = Confidence::new(key as f32 / 300.0).unwrap();
            let vector = [key as f32, 0.0];
            let item = Item::new(key, &vector);
            let item = if key % 3 == 0 { item.confidence(confidence).at(1000 * key) } else { item };
            index.insert_item(&item).unwrap();
        }
        for key in 0..300 {
            let kind = ["is a", "part of", "is a"][key as usize % 3];
            let association =
                Association::new(key, key * 7 % 300).kind(kind).weight(key as f32 + 1.0);
            index.associate(&association).unwrap();
            index.associate(&Association::new(key % 5, key)).unwrap();
        }
        for key in (0..300).step_by(11) {
            index.delete(key).unwrap();
        }
        index
    }

    fn all(index: &Index) -> Vec<(Option<Standing>, Vec<Associated>)> {
        (0..300).map(|key| (index.standing(key), index.associations(key))).collect()
    }

    fn open(bytes: &[u8], check: Check) -> Result<Index> {
        Index::open(Region::copy_of(bytes).unwrap(), check)
    }

    #[test]
    fn a_file_keeps_what_makes_items_memories() {
        let before = index();
        let bytes = before.to_snapshot().unwrap();
        let after = open(&bytes, Check::Full).unwrap();
        assert_eq!((all(&after), after.retention()), (all(&before), before.retention()));
        assert!(after.to_snapshot().unwrap() == bytes, "the same bytes again");
        // Changed, given back and taken again.
        for key in 0..300 {
            after.reinforce(key, 1 << 40).unwrap();
            after.delete(key).unwrap();
        }
        while after.reclaim().unwrap() {}
        for key in 0..300 {
            after.insert(key, &[0.0, key as f32]).unwrap();
        }
        let plain = (Some(Standing::default()), Vec::new());
        assert!(all(&after).iter().all(|memory| *memory == plain));
    }

    #[test]
    fn equal_memories_are_equal_bytes_however_they_came_to_be() {
        let detour = index();
        detour.associate(&Association::new(1, 2).kind("a detour")).unwrap();
        detour.set_confidence(1, Confidence::new(0.5).unwrap()).unwrap();
        detour.set_confidence(1, Confidence::CERTAIN).unwrap();
        detour.dissociate(1, 2, "a detour").unwrap();
        assert!(detour.to_snapshot().unwrap() == index().to_snapshot().unwrap());
    }

    #[test]
    fn whatever_a_file_says_of_memories_does_no_harm() {
        let good = index().to_snapshot().unwrap();
        let number = |at: usize| u64::from_le_bytes(good[at..at + 8].try_into().unwrap()) as usize;
        let section = |kind: usize| {
            let entries = (number(40)..).step_by(32);
            let entry = entries.into_iter().find(|&entry| number(entry) as u32 == kind as u32);
            entry.map(|entry| (number(entry + 8), number(entry + 16))).unwrap()
        };
        let (mut state, mut opened) = (1u64, 0);
        let mut dice = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as usize % below
        };
        for turn in 0..3000 {
            let (start, len) = section(19 + turn % 3);
            let mut bad = good.clone();
            for _ in 0..=dice(3) {
                bad[start + dice(len)] = [0, 1, 255, dice(256) as u8][dice(4)];
            }
            match open(&bad, Check::Header) {
                Ok(index) => {
                    opened += 1;
                    let _ = (all(&index), index.forgotten(0.5, 1 << 41));
                    for key in 0..20 {
                        let _ = index.reinforce(key, 7);
                        let _ = index.associate(&Association::new(key, key + 1));
                        let _ = index.update(key, &[1.0, 1.0]);
                    }
                    let scoring = crate::memory::scoring::Scoring::PENALISED;
                    let found =
                        index.search(&[5.0, 0.0]).up_to(9).weighed(scoring).at(1 << 41).run();
                    assert!(found.unwrap().hits.iter().all(|hit| hit.score.is_finite()));
                    assert!(index.to_snapshot().is_ok());
                }
                Err(Error::Snapshot { offset, .. }) => {
                    let own = start as u64..=(start + len) as u64;
                    assert!(own.contains(&offset), "{offset} of {own:?}");
                }
                Err(other) => panic!("{other}"),
            }
            assert!(bad == good || open(&bad, Check::Full).is_err());
        }
        assert!(opened > 1000, "{opened}");
    }
}
