//! A change of one index, as one call makes it, and as a log keeps it.
//!
//! ```text
//!   u32  kind                    insert, upsert, update, delete, tag, untag = 1 … 6,
//!                                confidence, reinforce, evergreen = 7 … 9,
//!                                associate, dissociate, strengthen = 10 … 12, retention = 13
//!   u64  key                     of a retention 0
//!   items:      u32 bytes of the name + 1 (0: none), name · u32 components, f32 each ·
//!               u32 tags, each u32 bytes, name · u32 bytes of the payload, payload ·
//!               56 bytes of the standing, unless it is plain
//!   tags:       u32 bytes, name
//!   standings:  f32 confidence | u64 time | u32 1 if evergreen, else 0
//!   associations: u64 the other key · u32 bytes, kind · f32 weight, f32 confidence (associate) |
//!               u64 the other key · u32 bytes, kind (dissociate) | u64 the other key · f32 rate
//!   retention:  its 48 bytes
//! ```

use super::Index;
use super::associate::{Association, check_kind, check_rate};
use super::describe::{Item, check_tag};
use super::name::key_of;
use crate::error::Result;
use crate::memory::retention::Retention;
use crate::memory::scoring::Confidence;
use crate::memory::{STANDING_BYTES, Standing};
use crate::snapshot::{FieldsReader, FieldsWriter};

/// A change of one index: the same whether it is made now or found in a log.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Op<'a> {
    /// [`Index::insert_item`].
    Insert(Item<'a>),
    /// [`Index::upsert_item`].
    Upsert(Item<'a>),
    /// [`Index::update_item`].
    Update(Item<'a>),
    /// [`Index::delete`].
    Delete(u64),
    /// [`Index::tag`].
    Tag(u64, &'a str),
    /// [`Index::untag`].
    Untag(u64, &'a str),
    /// [`Index::set_confidence`].
    SetConfidence(u64, Confidence),
    /// [`Index::reinforce`].
    Reinforce(u64, u64),
    /// [`Index::set_evergreen`].
    SetEvergreen(u64, bool),
    /// [`Index::associate`].
    Associate(Association<'a>),
    /// [`Index::dissociate`].
    Dissociate(u64, u64, &'a str),
    /// [`Index::strengthen`].
    Strengthen(u64, u64, f32),
    /// [`Index::set_retention`].
    SetRetention(Retention),
}

/// Which items a change is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// The item of a key.
    One(u64),
    /// Those of two keys.
    Two(u64, u64),
    /// All of them.
    All,
}

impl Op<'_> {
    /// The items that it is about: changes of different items may be made in any order.
    pub(crate) fn about(&self) -> About {
        match *self {
            Self::Insert(item) | Self::Upsert(item) | Self::Update(item) => About::One(item.key),
            Self::Delete(key)
            | Self::Tag(key, _)
            | Self::Untag(key, _)
            | Self::SetConfidence(key, _)
            | Self::Reinforce(key, _)
            | Self::SetEvergreen(key, _) => About::One(key),
            Self::Associate(Association { from, to, .. })
            | Self::Dissociate(from, to, _)
            | Self::Strengthen(from, to, _) => About::Two(from, to),
            Self::SetRetention(_) => About::All,
        }
    }

    /// Makes the change, and returns what the call of its name does: of an insert, that there was no
    /// such item.
    ///
    /// # Errors
    /// Those of the call.
    pub fn apply(&self, index: &Index) -> Result<bool> {
        match self {
            Self::Insert(item) => index.insert_item(item).map(|()| false),
            Self::Upsert(item) => index.upsert_item(item),
            Self::Update(item) => index.update_item(item),
            Self::Delete(key) => index.delete(*key),
            Self::Tag(key, tag) => index.tag(*key, tag),
            Self::Untag(key, tag) => index.untag(*key, tag),
            Self::SetConfidence(key, confidence) => index.set_confidence(*key, *confidence),
            Self::Reinforce(key, now) => index.reinforce(*key, *now),
            Self::SetEvergreen(key, is_evergreen) => index.set_evergreen(*key, *is_evergreen),
            Self::Associate(association) => index.associate_anyway(association),
            Self::Dissociate(from, to, kind) => index.dissociate(*from, *to, kind),
            Self::Strengthen(from, to, rate) => index.strengthen(*from, *to, *rate),
            Self::SetRetention(retention) => index.set_retention(*retention).map(|()| true),
        }
    }

    /// Refuses what no index takes, before it is written anywhere.
    pub(crate) fn check(&self, index: &Index) -> Result<()> {
        match self {
            Self::Insert(item) | Self::Upsert(item) | Self::Update(item) => {
                index.check_item(0, item.vector)?;
                item.check()
            }
            Self::Tag(_, tag) | Self::Untag(_, tag) => check_tag(tag),
            Self::Associate(association) => {
                association.check()?;
                index.check_room(association)
            }
            Self::Dissociate(_, _, kind) => check_kind(kind),
            Self::Strengthen(_, _, rate) => Ok(check_rate(*rate)?),
            Self::Delete(_)
            | Self::SetConfidence(..)
            | Self::Reinforce(..)
            | Self::SetEvergreen(..)
            | Self::SetRetention(_) => Ok(()),
        }
    }

    /// Whether something was changed by a call that returned `answer`.
    pub(crate) fn has_changed(&self, answer: bool) -> bool {
        matches!(self, Self::Insert(_) | Self::Upsert(_)) || answer
    }

    pub(crate) fn encode(&self, fields: &mut FieldsWriter) {
        let mut head = |kind, key| {
            fields.put_u32(kind);
            fields.put_u64(key);
        };
        match *self {
            Self::Insert(ref item) => head(1, item.key),
            Self::Upsert(ref item) => head(2, item.key),
            Self::Update(ref item) => head(3, item.key),
            Self::Delete(key) => head(4, key),
            Self::Tag(key, _) => head(5, key),
            Self::Untag(key, _) => head(6, key),
            Self::SetConfidence(key, _) => head(7, key),
            Self::Reinforce(key, _) => head(8, key),
            Self::SetEvergreen(key, _) => head(9, key),
            Self::Associate(Association { from, .. }) => head(10, from),
            Self::Dissociate(from, ..) => head(11, from),
            Self::Strengthen(from, ..) => head(12, from),
            Self::SetRetention(_) => head(13, 0),
        }
        match *self {
            Self::Insert(ref item) | Self::Upsert(ref item) | Self::Update(ref item) => {
                encode_item(item, fields);
            }
            Self::Delete(_) => {}
            Self::Tag(_, tag) | Self::Untag(_, tag) => put_text(tag, fields),
            Self::SetConfidence(_, confidence) => fields.put_f32(confidence.get()),
            Self::Reinforce(_, now) => fields.put_u64(now),
            Self::SetEvergreen(_, is_evergreen) => fields.put_u32(is_evergreen.into()),
            Self::Associate(Association { to, kind, weight, confidence, .. }) => {
                fields.put_u64(to);
                put_text(kind, fields);
                fields.put_f32(weight);
                fields.put_f32(confidence.get());
            }
            Self::Dissociate(_, to, kind) => {
                fields.put_u64(to);
                put_text(kind, fields);
            }
            Self::Strengthen(_, to, rate) => {
                fields.put_u64(to);
                fields.put_f32(rate);
            }
            Self::SetRetention(retention) => fields.put_bytes(&retention.to_bytes()),
        }
    }

    /// Hands on the change that [`Self::encode`] wrote.
    pub(crate) fn decode<T>(
        fields: &mut FieldsReader<'_>,
        then: impl FnOnce(Op<'_>) -> T,
    ) -> Result<T> {
        let (kind, key) = (fields.take_u32()?, fields.take_u64()?);
        if !(1..=3).contains(&kind) {
            let op = decode_rest(kind, key, fields)?;
            fields.clone().finish()?;
            return Ok(then(op));
        }
        let name = match fields.take_u32()? {
            0 => None,
            more => Some(text(fields, more as usize - 1)?),
        };
        if name.is_some_and(|name| key_of(name) != key) {
            return Err(fields.refuse("the key is not that of the name"));
        }
        let dim = fields.take_u32()? as usize;
        let vector = fields.take_bytes(dim.saturating_mul(4))?.as_chunks::<4>().0;
        let vector: Vec<f32> = vector.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
        let count = fields.take_u32()?;
        // Each takes bytes, so that a count that lies is soon found out.
        let tags = (0..count).map(|_| take_text(fields)).collect::<Result<Vec<_>>>()?;
        let bytes = fields.take_u32()? as usize;
        let payload = fields.take_bytes(bytes)?;
        let mut standing = Standing::default();
        if fields.clone().finish().is_err() {
            let bytes: [u8; STANDING_BYTES] = take_array(fields)?;
            let unsound = |_| fields.refuse("no memory stands so");
            standing = Standing::from_bytes(&bytes).map_err(unsound)?;
        }
        fields.clone().finish()?;
        let item = Item { key, name, vector: &vector, tags: &tags, payload, standing };
        Ok(then(match kind {
            1 => Op::Insert(item),
            2 => Op::Upsert(item),
            _ => Op::Update(item),
        }))
    }
}

/// Takes the rest of a change that is not of an item as a whole.
fn decode_rest<'a>(kind: u32, key: u64, fields: &mut FieldsReader<'a>) -> Result<Op<'a>> {
    Ok(match kind {
        4 => Op::Delete(key),
        5 => Op::Tag(key, take_text(fields)?),
        6 => Op::Untag(key, take_text(fields)?),
        7 => Op::SetConfidence(key, take_confidence(fields)?),
        8 => Op::Reinforce(key, fields.take_u64()?),
        9 => Op::SetEvergreen(key, fields.take_u32()? != 0),
        10 => {
            let (to, kind) = (fields.take_u64()?, take_text(fields)?);
            let (weight, confidence) = (fields.take_f32()?, take_confidence(fields)?);
            let association = Association { from: key, to, kind, weight, confidence };
            association.check().map_err(|_| fields.refuse("nothing is associated so"))?;
            Op::Associate(association)
        }
        11 => Op::Dissociate(key, fields.take_u64()?, take_text(fields)?),
        12 => Op::Strengthen(key, fields.take_u64()?, fields.take_f32()?),
        13 => {
            let retention = Retention::from_bytes(&take_array(fields)?);
            Op::SetRetention(retention.map_err(|_| fields.refuse("nothing fades so"))?)
        }
        _ => return Err(fields.refuse("the kind of change is unknown")),
    })
}

fn encode_item(item: &Item<'_>, fields: &mut FieldsWriter) {
    let Item { name, vector, tags, payload, standing, .. } = item;
    fields.put_u32(name.map_or(0, |name| name.len() as u32 + 1));
    fields.put_bytes(name.unwrap_or_default().as_bytes());
    fields.put_u32(vector.len() as u32);
    vector.iter().for_each(|&value| fields.put_f32(value));
    fields.put_u32(tags.len() as u32);
    tags.iter().for_each(|tag| put_text(tag, fields));
    fields.put_u32(payload.len() as u32);
    fields.put_bytes(payload);
    if *standing != Standing::default() {
        fields.put_bytes(&standing.to_bytes());
    }
}

/// Takes a confidence, of which there are none outside 0..=1.
pub(super) fn take_confidence(fields: &mut FieldsReader<'_>) -> Result<Confidence> {
    let confidence = Confidence::new(fields.take_f32()?);
    confidence.map_err(|_| fields.refuse("nothing is so sure"))
}

/// Takes as many bytes as are wanted.
pub(super) fn take_array<const N: usize>(fields: &mut FieldsReader<'_>) -> Result<[u8; N]> {
    let mut array = [0; N];
    array.copy_from_slice(fields.take_bytes(N)?);
    Ok(array)
}

/// Appends a text with its length before it.
pub(crate) fn put_text(text: &str, fields: &mut FieldsWriter) {
    fields.put_u32(text.len() as u32);
    fields.put_bytes(text.as_bytes());
}

/// Takes a [`put_text`].
pub(crate) fn take_text<'a>(fields: &mut FieldsReader<'a>) -> Result<&'a str> {
    let bytes = fields.take_u32()? as usize;
    text(fields, bytes)
}

fn text<'a>(fields: &mut FieldsReader<'a>, bytes: usize) -> Result<&'a str> {
    let bytes = fields.take_bytes(bytes)?;
    std::str::from_utf8(bytes).map_err(|_| fields.refuse("a text is none"))
}

impl Index {
    /// Takes the place of what the index holds by what another one of the same options does. Who
    /// reads keeps what there was.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) beside a writer.
    pub(crate) fn become_like(&self, other: Self) -> Result<()> {
        let _alone = self.gate.own()?;
        debug_assert_eq!(self.options, other.options);
        let mut root = other.root.into_inner();
        // A round that waits for readers of the other index would wait for ever: they are not here.
        root.forget_round();
        self.root.swap(root);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distance::Metric;
    use crate::memory::retention::Curve;

    fn bytes(op: &Op<'_>) -> Vec<u8> {
        let mut fields = FieldsWriter::default();
        op.encode(&mut fields);
        fields.into_bytes()
    }

    #[test]
    fn comes_back_as_it_was_and_damage_is_refused() {
        let item = Item::named("apple", &[1.0, -0.0]).tags(&["red", "round"]).payload(b"core");
        let plain = Item::new(7, &[0.5, 2.0]);
        let ops = [
            Op::Insert(item),
            Op::Upsert(plain),
            Op::Update(plain),
            Op::Delete(u64::MAX),
            Op::Tag(3, "blue"),
            Op::Untag(4, "ü"),
            Op::Insert(plain.confidence(Confidence::new(0.5).unwrap()).at(77)),
            Op::SetConfidence(5, Confidence::new(0.25).unwrap()),
            Op::Reinforce(6, 1 << 60),
            Op::SetEvergreen(7, true),
            Op::Associate(Association::new(8, 9).kind("ist ein").weight(0.5)),
            Op::Dissociate(8, 9, "ist ein"),
            Op::Strengthen(8, 9, 0.125),
            Op::SetRetention(Retention::new(Curve::ACT_R).unwrap().floor(0.5).unwrap()),
        ];
        for op in ops {
            let bytes = bytes(&op);
            let read =
                |bytes: &[u8]| Op::decode(&mut FieldsReader::new(bytes, 0), |op| format!("{op:?}"));
            assert_eq!(read(&bytes), Ok(format!("{op:?}")));
            // Without its standing an item is another, which a log's checksum knows.
            let whole = matches!(op, Op::Insert(item) if item.standing != Standing::default());
            for len in (0..bytes.len()).filter(|len| !whole || len + STANDING_BYTES != bytes.len())
            {
                assert!(read(&bytes[..len]).is_err(), "{op:?} cut to {len}");
            }
            assert!(read(&[&bytes[..], &[0]].concat()).is_err());
            // Lengths that lie.
            for at in (0..bytes.len().saturating_sub(3)).step_by(4) {
                let mut forged = bytes.clone();
                forged[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
                let _ = read(&forged);
            }
        }
    }

    #[test]
    fn an_association_that_no_call_makes_is_refused() {
        for weight in [0.0, -1.0, f32::NAN, 1e-45, 2e6] {
            let op = Op::Associate(Association::new(1, 2).weight(weight));
            assert!(
                Op::decode(&mut FieldsReader::new(&bytes(&op), 0), |_| ()).is_err(),
                "{weight}"
            );
        }
        let op = Op::Associate(Association::new(1, 2).kind(""));
        assert!(Op::decode(&mut FieldsReader::new(&bytes(&op), 0), |_| ()).is_err());
    }

    #[test]
    fn says_what_the_call_says() {
        let index = Index::builder(2).metric(Metric::L2).build().unwrap();
        let item = Item::new(7, &[0.5, 2.0]);
        assert_eq!(Op::Insert(item).apply(&index), Ok(false));
        assert_eq!(Op::Upsert(item).apply(&index), Ok(true));
        assert_eq!(Op::Tag(7, "a").apply(&index), Ok(true));
        assert_eq!(Op::Update(item).apply(&index), Ok(true));
        assert_eq!(index.tags(7).unwrap(), ["a"]);
        assert_eq!(Op::Untag(7, "a").apply(&index), Ok(true));
        let unsure = Confidence::new(0.5).unwrap();
        let to_itself = Association::new(7, 7).kind("is");
        for op in [
            Op::SetConfidence(7, unsure),
            Op::Reinforce(7, 5),
            Op::SetEvergreen(7, true),
            Op::Associate(to_itself.confidence(unsure)),
            Op::Strengthen(7, 7, 0.5),
            Op::SetRetention(Retention::new(Curve::FSRS_6).unwrap()),
        ] {
            assert_eq!(op.apply(&index), Ok(true), "{op:?}");
        }
        let standing = index.standing(7).unwrap();
        assert_eq!((standing.confidence, standing.trace.last()), (unsure, 5));
        assert!(standing.trace.is_evergreen() && index.retention().curve() == Curve::FSRS_6);
        assert_eq!(index.associations(7)[0].confidence.get(), 0.75);
        assert_eq!(Op::Dissociate(7, 7, "is").apply(&index), Ok(true));
        assert_eq!(Op::Dissociate(7, 7, "is").apply(&index), Ok(false));
        for op in [Op::SetConfidence(8, unsure), Op::Reinforce(8, 5), Op::SetEvergreen(8, true)] {
            assert_eq!(op.apply(&index), Ok(false), "{op:?}");
        }
        assert_eq!(Op::Delete(7).apply(&index), Ok(true));
        assert!(!Op::Delete(7).has_changed(Op::Delete(7).apply(&index).unwrap()));
    }
}
