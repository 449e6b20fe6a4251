//! The sections of a snapshot that are numbers and not tables: `Meta`, the mean, and the tuning.
//!
//! Values of choice are written as their place in a list, so the lists below only ever grow.

use super::options::in_range;
use super::root::Root;
use super::{Codes, Options};
use crate::control::{TunedPoint, Tuning};
use crate::distance::{Metric, Rows};
use crate::error::Result;
use crate::graph::{Heads, valid_heads};
use crate::limits::SLOTS_MAX;
use crate::quantize::Quantizer;
use crate::snapshot::{FieldsReader, FieldsWriter};
use crate::store::CodeRows;

const METRICS: [Metric; 3] = [Metric::L2, Metric::InnerProduct, Metric::Cosine];
const CODES: [Codes; 3] = [Codes::Auto, Codes::None, Codes::U7];
const CODE_ROWS: [CodeRows; 3] = [CodeRows::None, CodeRows::Whole, CodeRows::Split];
const ROWS: [Rows; 3] = [Rows::F32, Rows::F16, Rows::Codes];

/// The options of an index that has no snapshot yet.
pub(crate) fn encode_options(options: &Options, fields: &mut FieldsWriter) {
    let place = |found: Option<usize>| found.expect("every value has a number") as u32;
    let Options { dim, metric, m, ef_construction, codes, rows, seed } = *options;
    fields.put_u32(dim as u32);
    fields.put_u32(place(METRICS.iter().position(|&other| other == metric)));
    fields.put_u32(m as u32);
    fields.put_u32(ef_construction as u32);
    fields.put_u32(place(CODES.iter().position(|&other| other == codes)));
    fields.put_u32(place(ROWS.iter().position(|&other| other == rows)));
    fields.put_u64(seed);
}

/// Reads back what [`encode_options`] wrote.
pub(crate) fn decode_options(fields: &mut FieldsReader<'_>) -> Result<Options> {
    let mut options = Options::new(fields.take_u32()? as usize);
    let metric = METRICS.get(fields.take_u32()? as usize).copied();
    options.metric = metric.ok_or_else(|| fields.refuse("the metric is unknown"))?;
    options.m = fields.take_u32()? as usize;
    options.ef_construction = fields.take_u32()? as usize;
    let codes = CODES.get(fields.take_u32()? as usize).copied();
    options.codes = codes.ok_or_else(|| fields.refuse("the kind of codes is unknown"))?;
    let rows = ROWS.get(fields.take_u32()? as usize).copied();
    options.rows = rows.ok_or_else(|| fields.refuse("the kind of rows is unknown"))?;
    options.seed = fields.take_u64()?;
    options.check().map_err(|_| fields.refuse("an option is outside its bounds"))?;
    Ok(options)
}

/// The section of what a tuning found.
pub(super) fn encode_tuning(tuning: &Tuning) -> FieldsWriter {
    let Tuning { k, items, samples, points } = tuning;
    let mut fields = FieldsWriter::default();
    for count in [*k, *items, *samples, points.len()] {
        fields.put_u32(count as u32);
    }
    for point in points {
        fields.put_u32(point.ef as u32);
        fields.put_f32(point.recall);
        fields.put_f32(point.at_least);
    }
    fields
}

/// Reads back what [`encode_tuning`] wrote.
pub(super) fn decode_tuning(fields: &mut FieldsReader<'_>) -> Result<Tuning> {
    let mut count = || fields.take_u32().map(|count| count as usize);
    let (k, items, samples, rungs) = (count()?, count()?, count()?, count()?);
    let mut points = Vec::new();
    // Each takes bytes, so that a section that lies about its length is soon read to its end.
    for _ in 0..rungs {
        let ef = fields.take_u32()? as usize;
        points.push(TunedPoint { ef, recall: fields.take_f32()?, at_least: fields.take_f32()? });
    }
    let tuning = Tuning { k, items, samples, points };
    if !tuning.is_sound() {
        return Err(fields.refuse("the tuning does not hold together"));
    }
    fields.clone().finish()?;
    Ok(tuning)
}

/// The numbers of a snapshot.
pub(super) struct Meta {
    pub(super) options: Options,
    /// Slots of every table, taken or not.
    pub(super) rows: u32,
    /// Items.
    pub(super) len: u32,
    pub(super) heads: Heads,
    pub(super) code_rows: CodeRows,
    /// Rows that codes do not tell from others.
    pub(super) blurred: u32,
}

impl Meta {
    pub(super) fn of(options: &Options, root: &Root, len: u32) -> Self {
        let coded = root.space.are_coded();
        let code_rows = if coded { root.space.store.shape.codes } else { CodeRows::None };
        let (rows, heads) = (root.space.end(), root.graph.heads());
        Self {
            options: *options,
            rows,
            len,
            heads,
            code_rows,
            blurred: root.space.blurred_of_slots(),
        }
    }

    /// Meta, and the section of scale and mean.
    pub(super) fn encode(&self, quantizer: Option<&Quantizer>) -> (FieldsWriter, FieldsWriter) {
        let place = |found: Option<usize>| found.expect("every value has a number") as u32;
        let Options { dim, metric, m, ef_construction, codes, rows, seed } = self.options;
        let mut meta = FieldsWriter::default();
        meta.put_u32(dim as u32);
        meta.put_u32(place(METRICS.iter().position(|&other| other == metric)));
        meta.put_u32(m as u32);
        meta.put_u32(ef_construction as u32);
        meta.put_u32(place(CODES.iter().position(|&other| other == codes)));
        meta.put_u32(place(CODE_ROWS.iter().position(|&other| other == self.code_rows)));
        meta.put_u64(seed);
        meta.put_u32(self.rows);
        meta.put_u32(self.len);
        meta.put_u32(self.heads.upper_next);
        meta.put_u32(self.heads.anchor);
        meta.put_u64(self.heads.entry);
        meta.put_u32(self.heads.ranks);
        meta.put_u32(self.heads.built);
        meta.put_u32(self.blurred);
        meta.put_u32(place(ROWS.iter().position(|&other| other == rows)));
        let mut mean = FieldsWriter::default();
        if let Some(quantizer) = quantizer {
            let (values, scale) = quantizer.parts();
            mean.put_f32(scale);
            for &value in values {
                mean.put_f32(value);
            }
        }
        (meta, mean)
    }

    pub(super) fn decode(fields: &mut FieldsReader<'_>) -> Result<Self> {
        let dim = fields.take_u32()? as usize;
        let mut options = Options::new(dim);
        let metric = METRICS.get(fields.take_u32()? as usize).copied();
        options.metric = metric.ok_or_else(|| fields.refuse("the metric is unknown"))?;
        options.m = fields.take_u32()? as usize;
        options.ef_construction = fields.take_u32()? as usize;
        let codes = CODES.get(fields.take_u32()? as usize).copied();
        options.codes = codes.ok_or_else(|| fields.refuse("the kind of codes is unknown"))?;
        let code_rows = CODE_ROWS.get(fields.take_u32()? as usize).copied();
        let code_rows = code_rows.ok_or_else(|| fields.refuse("the rows of codes are unknown"))?;
        options.seed = fields.take_u64()?;
        let rows = fields.take_u32()?;
        in_range("rows", rows as usize, 1, SLOTS_MAX as usize)
            .map_err(|_| fields.refuse("there are more slots than links can name"))?;
        let len = fields.take_u32()?;
        if len >= rows {
            return Err(fields.refuse("there are more items than slots"));
        }
        let (upper_next, anchor) = (fields.take_u32()?, fields.take_u32()?);
        let (entry, ranks) = (fields.take_u64()?, fields.take_u32()?);
        let built = fields.take_u32()?;
        let blurred = fields.take_u32()?;
        let kept = ROWS.get(fields.take_u32()? as usize).copied();
        options.rows = kept.ok_or_else(|| fields.refuse("the kind of rows is unknown"))?;
        options.check().map_err(|_| fields.refuse("an option is outside its bounds"))?;
        let unfitted = code_rows == CodeRows::None && rows == 1;
        if options.rows == Rows::Codes && code_rows != CodeRows::Whole && !unfitted {
            return Err(fields.refuse("there are neither vectors nor whole codes of the items"));
        }
        let heads = Heads { upper_next, entry, anchor, ranks, built };
        if !valid_heads(heads, rows) {
            return Err(fields.refuse("the entry point lies outside the graph"));
        }
        fields.clone().finish()?;
        Ok(Self { options, rows, len, heads, code_rows, blurred })
    }

    pub(super) fn quantizer(&self, fields: &mut FieldsReader<'_>) -> Result<Option<Quantizer>> {
        let mut quantizer = None;
        if self.code_rows != CodeRows::None {
            let scale = fields.take_f32()?;
            let mean = (0..self.options.dim).map(|_| fields.take_f32()).collect::<Result<_>>()?;
            let unusable = || fields.refuse("the scale or mean of the codes is unusable");
            quantizer = Some(Quantizer::from_parts(mean, scale).ok_or_else(unusable)?);
        }
        fields.clone().finish()?;
        Ok(quantizer)
    }
}
