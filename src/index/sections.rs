//! Tags, names and payloads as sections of a snapshot, and back.
//!
//! ```text
//!   tags            number of tags, then for each, in the order of their names:
//!                   bytes of the name (4), of the set (4), the name, the set of its slots (Roaring)
//!   payloads        for each slot 8 bytes: 1 + its place in `payload-bytes`, or 0
//!   payload-bytes   for each slot that has some: their length (4), then the bytes of its name (2),
//!                   the name, the payload
//! ```
//! Sections of which an index has nothing are left out.

use std::sync::Arc;

use super::root::Root;
use crate::error::{Error, Result};
use crate::snapshot::{FieldsWriter, Kind, Snapshot, Source, roaring};
use crate::store::{Allocator, Alone, Chunks, Payloads, Saved, Tags, encoded_len};

/// What the items of a root have beside vectors.
pub(super) struct Described<'a> {
    tags: Option<FieldsWriter>,
    places: FieldsWriter,
    lens: Vec<[u8; 4]>,
    payloads: Vec<&'a [u8]>,
}

impl<'a> Described<'a> {
    /// Of the items in these slots, in order.
    pub(super) fn of(root: &'a Root, slots: &[u32], _alone: &Alone<'_>) -> Self {
        let mut described = Self {
            tags: tags(root, slots),
            places: FieldsWriter::default(),
            lens: vec![],
            payloads: vec![],
        };
        let payloads = &root.space.payloads;
        if payloads.are_there() {
            described.add_payloads(payloads, slots, root.space.end());
        }
        described
    }

    fn add_payloads(&mut self, payloads: &'a Payloads, slots: &[u32], rows: u32) {
        let (mut place, mut next) = (1u64, 0);
        for &slot in slots {
            let Some(payload) = payloads.get(slot) else { continue };
            (next..slot).for_each(|_| self.places.put_u64(0));
            self.places.put_u64(place);
            next = slot + 1;
            let len = encoded_len(payload);
            place += (len.len() + payload.len()) as u64;
            self.lens.push(len);
            self.payloads.push(payload);
        }
        if next > 0 {
            (next..rows).for_each(|_| self.places.put_u64(0));
        }
    }

    pub(super) fn sources(&self) -> impl Iterator<Item = Source<'_>> {
        let tags = self.tags.iter().map(|tags| (Kind::Tags, vec![tags.bytes()]));
        let both = self.lens.iter().zip(&self.payloads);
        let bytes = both.flat_map(|(len, payload)| [&len[..], *payload]).collect();
        let payloads = [(Kind::Payloads, vec![self.places.bytes()]), (Kind::PayloadBytes, bytes)];
        let payloads = payloads.into_iter().filter(|_| !self.lens.is_empty());
        tags.chain(payloads).map(|(kind, parts)| Source { kind, parts })
    }
}

fn tags(root: &Root, items: &[u32]) -> Option<FieldsWriter> {
    let (mut fields, mut count) = (FieldsWriter::default(), 0);
    for tag in root.space.tags.sorted(&|_| true) {
        let mut slots = tag.slots(root.space.end());
        slots.retain(|slot| items.binary_search(slot).is_ok());
        if !slots.is_empty() {
            let set = roaring::encode(&slots);
            fields.put_u32(tag.name().len() as u32);
            fields.put_u32(set.len() as u32);
            fields.put_bytes(tag.name().as_bytes());
            fields.put_bytes(&set);
            count += 1;
        }
    }
    let mut all = FieldsWriter::default();
    all.put_u32(count);
    all.put_bytes(fields.bytes());
    (count > 0).then_some(all)
}

/// Gives the slots below `rows` the tags that a file says.
pub(super) fn read_tags(snapshot: &Snapshot, tags: &Tags, rows: u32) -> Result<()> {
    if !snapshot.has(Kind::Tags) {
        return Ok(());
    }
    let mut fields = snapshot.fields(Kind::Tags)?;
    let mut last = String::new();
    for _ in 0..fields.take_u32()? {
        let (name_len, set_len) = (fields.take_u32()? as usize, fields.take_u32()? as usize);
        let name = std::str::from_utf8(fields.take_bytes(name_len)?);
        let name = name.map_err(|_| fields.refuse("the name of a tag is no text"))?;
        if name <= last.as_str() {
            return Err(fields.refuse("the tags are out of order"));
        }
        let tag = tags.find_or_add(name).map_err(|error| match error {
            Error::OutOfMemory { .. } => error,
            _ => fields.refuse("there is a tag that no item can have"),
        })?;
        last.replace_range(.., name);
        let mut set = fields.part(set_len)?;
        let outside = set.refuse("a tag is that of no slot");
        roaring::decode(&mut set, &mut |slot| {
            if slot == 0 || slot >= rows {
                return Err(outside.clone());
            }
            tag.add(slot).map(drop)
        })?;
        set.finish()?;
    }
    fields.finish()
}

/// The payloads of a file with `rows` slots.
pub(super) fn read_payloads(
    snapshot: &mut Snapshot,
    rows: u32,
    allocator: &Arc<dyn Allocator>,
) -> Result<Payloads> {
    if !snapshot.has(Kind::Payloads) {
        return Ok(Payloads::new(None));
    }
    let bytes = snapshot.exclusive(Kind::PayloadBytes)?;
    let places = snapshot.expect(Kind::Payloads, 8 * u64::from(rows))?;
    let places = Chunks::over(8, rows, places, Arc::clone(allocator));
    Ok(Payloads::new(Some(Saved::new(places, rows, bytes))))
}

#[cfg(test)]
mod tests {
    use crate::index::describe::Item;
    use crate::store::Region;
    use crate::{Check, Error, Index, Metric, TagFilter};

    fn index() -> Index {
        let index = Index::builder(2).metric(Metric::L2).m(4).build().unwrap();
        for key in 0..300 {
            let (vector, payload) = ([key as f32, 0.0], vec![key as u8; key as usize % 7]);
            let tags: &[&str] = [&["a"][..], &["a", "b"], &[]][key as usize % 3];
            index.insert_item(&Item::new(key, &vector).tags(tags).payload(&payload)).unwrap();
        }
        index
    }

    /// Where a section begins, and its bytes, by the directory that the header names.
    fn section(file: &[u8], kind: u32) -> (usize, usize) {
        let number = |at: usize| u64::from_le_bytes(file[at..at + 8].try_into().unwrap()) as usize;
        let mut entry = number(40);
        while number(entry) as u32 != kind {
            entry += 32;
        }
        (number(entry + 8), number(entry + 16))
    }

    /// Does all that reads or writes tags and payloads.
    fn exercise(index: &Index) {
        let filter = !TagFilter::tag("a") | TagFilter::tag("b");
        for key in 0..300 {
            let _ = (index.tags(key), index.payload(key));
        }
        let _ = index.count(&filter);
        assert!(index.search(&[5.0, 0.0]).up_to(9).tagged(&filter).run().is_ok());
        for key in 0..20 {
            let _ = index.tag(key, "new").and_then(|_| index.untag(key, "b"));
            let _ = index.update(key, &[1.0, 1.0]);
        }
        let _ = index.delete_where(&filter);
        while index.reclaim().unwrap_or(false) {}
        assert!(index.to_snapshot().is_ok());
    }

    #[test]
    fn whatever_a_file_says_of_tags_and_payloads_does_no_harm() {
        let good = index().to_snapshot().unwrap();
        let (mut state, mut opened) = (1u64, 0);
        let mut dice = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as usize % below
        };
        for turn in 0..3000 {
            let (start, len) = section(&good, 16 + turn % 3);
            let mut bad = good.clone();
            for _ in 0..=dice(3) {
                bad[start + dice(len)] = [0, 1, 255, dice(256) as u8][dice(4)];
            }
            let region = |bytes: &[u8]| Region::copy_of(bytes).unwrap();
            // Who computes no checksums relies on nothing else.
            match Index::open(region(&bad), Check::Header) {
                Ok(index) => exercise(&index),
                Err(Error::Snapshot { offset, .. }) => {
                    let own = start as u64..=(start + len) as u64;
                    assert!(own.contains(&offset), "{offset} of {own:?}");
                }
                Err(other) => panic!("{other}"),
            }
            if bad != good {
                assert!(Index::open(region(&bad), Check::Full).is_err());
                opened += 1;
            }
        }
        assert!(opened > 2000, "{opened}");
    }
}
