//! What items remember, as fields of their lines.
//!
//! ```text
//!   "confidence": 0.5                          unless the item is certain
//!   "trace_hex": "e803…"                       the 48 bytes of its times and uses, unless it has none
//!   "associations": [{"to": 2, "kind": "is a", "weight": 0.5, "confidence": 0.9}]
//! ```
//! An association leads to a key or a name. It is of the kind "related", weighs 1 and is certain
//! unless the line says otherwise. Where a line lists associations, they take the place of those that
//! the item had; where it does not, the item keeps what it had, as it does when anyone replaces it.

use std::collections::HashSet;
use std::path::Path;
use std::rc::Rc;

use anyhow::{Context, anyhow};
use ecphory_native::ecphory::memory::Standing;
use ecphory_native::ecphory::memory::retention::Trace;
use ecphory_native::ecphory::memory::scoring::Confidence;
use ecphory_native::ecphory::{Association, Space};
use serde::{Deserialize, Serialize};

use super::super::keys::Called;
use super::super::progress::Line;
use super::PIECE;
use super::lines::{from_hex, hex};

/// An association, on the line of the item that it leads from.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Lead {
    to: Called,
    #[serde(default = "related")]
    kind: String,
    #[serde(default = "one", skip_serializing_if = "is_one")]
    weight: f32,
    #[serde(default = "one", skip_serializing_if = "is_one")]
    confidence: f32,
}

fn related() -> String {
    Association::new(0, 0).kind.to_owned()
}

fn one() -> f32 {
    1.0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes what it has")]
fn is_one(number: &f32) -> bool {
    *number == 1.0
}

/// The standing that the fields of a line describe.
pub(super) fn standing(confidence: Option<f32>, trace: Option<&str>) -> anyhow::Result<Standing> {
    let mut standing = Standing::default();
    if let Some(confidence) = confidence {
        standing.confidence = Confidence::new(confidence)?;
    }
    if let Some(digits) = trace {
        let bytes = from_hex("trace_hex", digits)?;
        let bytes = bytes.try_into().ok().context(
            "trace_hex is not 48 bytes; copy it from an export as it is, or leave it out",
        )?;
        standing.trace = Trace::from_bytes(&bytes)?;
    }
    Ok(standing)
}

/// The fields of a standing: confidence and trace, each where it says something.
pub(super) fn fields(standing: &Standing) -> (Option<f32>, Option<String>) {
    let Standing { confidence, trace } = standing;
    let is_unsure = *confidence != Confidence::CERTAIN;
    let trace = (*trace != Trace::default()).then(|| hex(&trace.to_bytes()));
    (is_unsure.then_some(confidence.get()), trace)
}

/// The associations of an item, if it has any.
pub(super) fn leads(space: &Space, key: u64) -> Option<Vec<Lead>> {
    let leads = space.associations(key).into_iter().map(|found| Lead {
        to: Called::of(space, found.to),
        kind: found.kind,
        weight: found.weight,
        confidence: found.confidence.get(),
    });
    let leads: Vec<Lead> = leads.collect();
    (!leads.is_empty()).then_some(leads)
}

/// A [`Lead`] that takes little room: a file may hold many.
pub(super) struct Found {
    to: u64,
    kind: Rc<str>,
    weight: f32,
    confidence: Confidence,
}

/// Associations that were read, to be made when all items are there.
#[derive(Default)]
pub(super) struct Leads {
    kinds: HashSet<Rc<str>>,
    /// Keys of items, their lines, and what each leads to.
    items: Vec<(u64, usize, Vec<Found>)>,
}

impl Leads {
    /// Refuses what no associations are.
    pub(super) fn check(&mut self, leads: &[Lead]) -> anyhow::Result<Vec<Found>> {
        let found = leads.iter().map(|Lead { to, kind, weight, confidence }| {
            let confidence = Confidence::new(*confidence)?;
            Ok(Found { to: to.key(), kind: self.kind(kind), weight: *weight, confidence })
        });
        found.collect()
    }

    /// Keeps what the item of a line leads to.
    pub(super) fn add(&mut self, key: u64, line: usize, found: Vec<Found>) {
        self.items.push((key, line, found));
    }

    fn kind(&mut self, kind: &str) -> Rc<str> {
        if let Some(known) = self.kinds.get(kind) {
            return Rc::clone(known);
        }
        let new: Rc<str> = kind.into();
        self.kinds.insert(Rc::clone(&new));
        new
    }

    /// Makes all of them, in place of those that their items had.
    pub(super) fn make(&self, space: &Space, file: &Path, line: &mut Line) -> anyhow::Result<()> {
        for (done, (from, number, found)) in self.items.iter().enumerate() {
            if done.is_multiple_of(PIECE) {
                line.count("associating", done, self.items.len());
            }
            lead(space, *from, found)
                .map_err(|error| anyhow!("line {number} of {}: {error}", file.display()))?;
        }
        Ok(())
    }
}

/// Makes an item lead to these and to no others.
fn lead(space: &Space, from: u64, found: &[Found]) -> anyhow::Result<()> {
    let wanted: HashSet<(u64, &str)> = found.iter().map(|lead| (lead.to, &*lead.kind)).collect();
    for old in space.associations(from) {
        if !wanted.contains(&(old.to, old.kind.as_str())) {
            space.dissociate(from, old.to, &old.kind)?;
        }
    }
    for Found { to, kind, weight, confidence } in found {
        let association =
            Association::new(from, *to).kind(kind).weight(*weight).confidence(*confidence);
        if !space.associate(&association)? {
            return Err(anyhow!(
                "it leads to the key {to}, which no item has; add that item, or leave this out"
            ));
        }
    }
    Ok(())
}
