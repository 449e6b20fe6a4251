//! Tags and payloads as sections of a snapshot, and back.
//!
//! ```text
//!   tags            number of tags, then for each, in the order of their names:
//!                   bytes of the name (4), of the set (4), the name, the set of its slots (Roaring)
//!   payloads        for each slot 8 bytes: 1 + its place in `payload-bytes`, or 0
//!   payload-bytes   for each payload: its length (4), then the bytes
//! ```
//! Sections of which an index has nothing are left out.

use std::sync::Arc;

use super::root::Root;
use crate::error::{Error, Result};
use crate::snapshot::{FieldsWriter, Kind, Snapshot, Source, roaring};
use crate::store::{Allocator, Alone, Chunks, Payloads, Saved, Tag, Tags, encoded_len};

/// What the items of a root have beside vectors.
pub(super) struct Described<'a> {
    tags: Option<FieldsWriter>,
    places: FieldsWriter,
    lens: Vec<[u8; 4]>,
    payloads: Vec<&'a [u8]>,
}

impl<'a> Described<'a> {
    /// Of the items, by the slots that keys lead to.
    pub(super) fn of(root: &'a Root, pairs: &[(u64, u32)], _alone: &Alone<'_>) -> Self {
        let mut slots: Vec<u32> = pairs.iter().map(|&(_, slot)| slot).collect();
        slots.sort_unstable();
        let mut described = Self {
            tags: tags(root, &slots),
            places: FieldsWriter::default(),
            lens: vec![],
            payloads: vec![],
        };
        let payloads = &root.space.payloads;
        if payloads.are_there() {
            described.add_payloads(payloads, &slots, root.space.end());
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

fn tags<'a>(root: &'a Root, slots: &[u32]) -> Option<FieldsWriter> {
    let is_item = |slot: &u32| slots.binary_search(slot).is_ok();
    let of = |tag: &'a Tag| {
        let slots: Vec<u32> = tag.slots(root.space.end()).filter(is_item).collect();
        (!slots.is_empty()).then(|| (tag.name(), roaring::encode(&slots)))
    };
    let mut tags: Vec<_> = root.space.tags.all().filter_map(of).collect();
    tags.sort_unstable();
    let mut fields = FieldsWriter::default();
    fields.put_u32(tags.len() as u32);
    for (name, set) in &tags {
        fields.put_u32(name.len() as u32);
        fields.put_u32(set.len() as u32);
        fields.put_bytes(name.as_bytes());
        fields.put_bytes(set);
    }
    (!tags.is_empty()).then_some(fields)
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
        roaring::decode(&mut set, |slot| {
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
