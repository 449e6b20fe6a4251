//! A change of one index, as one call makes it, and as a log keeps it.
//!
//! ```text
//!   u32  kind                    insert, upsert, update, delete, tag, untag = 1 … 6
//!   u64  key
//!   items:  u32 bytes of the name + 1 (0: none), name · u32 components, f32 each ·
//!           u32 tags, each u32 bytes, name · u32 bytes of the payload, payload
//!   tags:   u32 bytes, name
//! ```

use super::Index;
use super::describe::{Item, check_tag};
use super::name::key_of;
use crate::error::Result;
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
}

impl Op<'_> {
    /// The key of the item that it changes.
    pub(crate) fn key(&self) -> u64 {
        match *self {
            Self::Insert(item) | Self::Upsert(item) | Self::Update(item) => item.key,
            Self::Delete(key) | Self::Tag(key, _) | Self::Untag(key, _) => key,
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
        }
    }

    /// Refuses what no index takes, before it is written anywhere.
    pub(crate) fn check(&self, index: &Index) -> Result<()> {
        match self {
            Self::Insert(item) | Self::Upsert(item) | Self::Update(item) => {
                index.check_item(0, item.vector)?;
                item.check()
            }
            Self::Delete(_) => Ok(()),
            Self::Tag(_, tag) | Self::Untag(_, tag) => check_tag(tag),
        }
    }

    /// Whether something was changed by a call that returned `answer`.
    pub(crate) fn has_changed(&self, answer: bool) -> bool {
        matches!(self, Self::Insert(_) | Self::Upsert(_)) || answer
    }

    pub(crate) fn encode(&self, fields: &mut FieldsWriter) {
        let (kind, item) = match self {
            Self::Insert(item) => (1, Ok(item)),
            Self::Upsert(item) => (2, Ok(item)),
            Self::Update(item) => (3, Ok(item)),
            Self::Delete(_) => (4, Err(None)),
            Self::Tag(_, tag) => (5, Err(Some(tag))),
            Self::Untag(_, tag) => (6, Err(Some(tag))),
        };
        fields.put_u32(kind);
        fields.put_u64(self.key());
        match item {
            Ok(item) => encode_item(item, fields),
            Err(tag) => tag.into_iter().for_each(|tag| put_text(tag, fields)),
        }
    }

    /// Hands on the change that [`Self::encode`] wrote.
    pub(crate) fn decode<T>(
        fields: &mut FieldsReader<'_>,
        then: impl FnOnce(Op<'_>) -> T,
    ) -> Result<T> {
        let (kind, key) = (fields.take_u32()?, fields.take_u64()?);
        if !(1..=3).contains(&kind) {
            let op = match kind {
                4 => Op::Delete(key),
                5 => Op::Tag(key, take_text(fields)?),
                6 => Op::Untag(key, take_text(fields)?),
                _ => return Err(fields.refuse("the kind of change is unknown")),
            };
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
        fields.clone().finish()?;
        let item = Item { key, name, vector: &vector, tags: &tags, payload };
        Ok(then(match kind {
            1 => Op::Insert(item),
            2 => Op::Upsert(item),
            _ => Op::Update(item),
        }))
    }
}

fn encode_item(item: &Item<'_>, fields: &mut FieldsWriter) {
    let Item { name, vector, tags, payload, .. } = item;
    fields.put_u32(name.map_or(0, |name| name.len() as u32 + 1));
    fields.put_bytes(name.unwrap_or_default().as_bytes());
    fields.put_u32(vector.len() as u32);
    vector.iter().for_each(|&value| fields.put_f32(value));
    fields.put_u32(tags.len() as u32);
    tags.iter().for_each(|tag| put_text(tag, fields));
    fields.put_u32(payload.len() as u32);
    fields.put_bytes(payload);
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
        ];
        for op in ops {
            let bytes = bytes(&op);
            let read =
                |bytes: &[u8]| Op::decode(&mut FieldsReader::new(bytes, 0), |op| format!("{op:?}"));
            assert_eq!(read(&bytes), Ok(format!("{op:?}")));
            for len in 0..bytes.len() {
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
    fn says_what_the_call_says() {
        let index = Index::builder(2).metric(Metric::L2).build().unwrap();
        let item = Item::new(7, &[0.5, 2.0]);
        assert_eq!(Op::Insert(item).apply(&index), Ok(false));
        assert_eq!(Op::Upsert(item).apply(&index), Ok(true));
        assert_eq!(Op::Tag(7, "a").apply(&index), Ok(true));
        assert_eq!(Op::Update(item).apply(&index), Ok(true));
        assert_eq!(index.tags(7).unwrap(), ["a"]);
        assert_eq!(Op::Untag(7, "a").apply(&index), Ok(true));
        assert_eq!(Op::Delete(7).apply(&index), Ok(true));
        assert!(!Op::Delete(7).has_changed(Op::Delete(7).apply(&index).unwrap()));
    }
}
