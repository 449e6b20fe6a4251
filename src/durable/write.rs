//! One change: room in the log, the live index, the frame, the sync.
//!
//! # Payload of a frame, version 1
//! ```text
//!   u64  space
//!   u32  0: the space begins    name, options (dim, metric, m, ef_construction, codes, rows, seed)
//!        1: the space ends
//!        2: a change            as `index::op` says
//! ```

use std::sync::Arc;

use super::space::{Shared, Space};
use super::{Ack, Inner, lock, no_space};
use crate::error::Result as IndexResult;
use crate::index::{Builder, Op, Options, decode_options, encode_options, put_text, take_text};
use crate::limits::NAME_BYTES_MAX;
use crate::log::StoreError;
use crate::snapshot::{FieldsReader, FieldsWriter};

/// What a frame says.
pub(super) enum Record<'a> {
    Begin { name: &'a str, options: Options },
    End,
    Change(FieldsReader<'a>),
}

/// The space that a frame is about, and what happened to it.
pub(super) fn decode(payload: &[u8]) -> IndexResult<(u64, Record<'_>)> {
    let mut fields = FieldsReader::new(payload, 0);
    let space = fields.take_u64()?;
    let record = match fields.take_u32()? {
        0 => {
            let name = take_text(&mut fields)?;
            let options = decode_options(&mut fields)?;
            fields.finish()?;
            Record::Begin { name, options }
        }
        1 => {
            fields.finish()?;
            Record::End
        }
        2 => Record::Change(fields),
        _ => return Err(fields.refuse("the kind of frame is unknown")),
    };
    Ok((space, record))
}

fn payload(space: u64, kind: u32) -> FieldsWriter {
    let mut fields = FieldsWriter::default();
    fields.put_u64(space);
    fields.put_u32(kind);
    fields
}

/// Refuses what no space can be called.
pub(super) fn check_name(name: &str) -> Result<(), StoreError> {
    if name.is_empty() || name.len() > NAME_BYTES_MAX {
        let start = name.chars().take(32).collect::<String>();
        return Err(no_space(
            "a space has a name of 1 to 1,024 bytes; choose another than",
            &start,
        ));
    }
    Ok(())
}

pub(super) fn taken(name: &str) -> StoreError {
    no_space("there is a space of this name already; open it, or choose another than", name)
}

pub(super) fn create(inner: &Arc<Inner>, name: &str, index: Builder) -> Result<Space, StoreError> {
    check_name(name)?;
    let index = index.build()?;
    let _naming = lock(&inner.naming);
    if inner.spaces().by_name.contains_key(name) {
        return Err(taken(name));
    }
    let id = inner.spaces().next_id()?;
    let mut fields = payload(id, 0);
    put_text(name, &mut fields);
    encode_options(index.options(), &mut fields);
    let room = inner.log.reserve(fields.bytes().len())?;
    let lsn = inner.log.append(room, fields.bytes())?;
    let shared = inner.spaces().add(id, name, index);
    acknowledge(inner, lsn)?;
    Ok(Space::over(Arc::clone(inner), shared))
}

pub(super) fn remove(inner: &Inner, name: &str) -> Result<bool, StoreError> {
    inner.log.check()?;
    let _naming = lock(&inner.naming);
    let shared = inner.spaces().by_name.get(name).map(Arc::clone);
    let Some(shared) = shared else {
        acknowledge(inner, inner.log.last())?;
        return Ok(false);
    };
    let fields = payload(shared.id, 1);
    let room = inner.log.reserve(fields.bytes().len())?;
    // So that no frame of the space follows.
    let mut stripes = shared.all_stripes();
    let lsn = inner.log.append(room, fields.bytes())?;
    for is_gone in &mut stripes {
        **is_gone = true;
    }
    inner.spaces().by_name.remove(name);
    acknowledge(inner, lsn)?;
    Ok(true)
}

pub(super) fn apply(inner: &Inner, space: &Shared, op: &Op<'_>) -> Result<bool, StoreError> {
    inner.log.check()?;
    op.check(&space.index)?;
    let mut fields = payload(space.id, 2);
    op.encode(&mut fields);
    let room = inner.log.reserve(fields.bytes().len())?;
    let stripes = space.stripes(op.about());
    if stripes.is_gone() {
        return Err(no_space(
            "the space was taken out; make it anew before writing to",
            &space.name,
        ));
    }
    let answer = op.apply(&space.index)?;
    if !op.has_changed(answer) {
        drop(stripes);
        // What it found may be another's change that is not durable yet.
        acknowledge(inner, inner.log.last())?;
        return Ok(answer);
    }
    let lsn = inner.log.append(room, fields.bytes())?;
    drop(stripes);
    acknowledge(inner, lsn)?;
    Ok(answer)
}

fn acknowledge(inner: &Inner, lsn: u64) -> Result<(), StoreError> {
    match inner.ack {
        Ack::Durable => inner.log.commit(lsn),
        Ack::Buffered | Ack::Memory => Ok(()),
    }
}
