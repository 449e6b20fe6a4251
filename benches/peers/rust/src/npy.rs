//! The one kind of `.npy` file that the harness writes: little-endian `f32`, rows in order.

use anyhow::{Context, ensure};

/// Rows of one dimension.
pub(crate) struct Matrix {
    dim: usize,
    values: Vec<f32>,
}

impl Matrix {
    /// Components of a row.
    pub(crate) fn dim(&self) -> usize {
        self.dim
    }

    /// The rows in order.
    pub(crate) fn rows(&self) -> std::slice::ChunksExact<'_, f32> {
        self.values.chunks_exact(self.dim)
    }
}

/// Reads a file.
pub(crate) fn read(path: &str) -> anyhow::Result<Matrix> {
    let bytes = std::fs::read(path).with_context(|| format!("reading {path}"))?;
    parse(&bytes).with_context(|| format!("{path} is no .npy of rows of f32"))
}

fn parse(bytes: &[u8]) -> anyhow::Result<Matrix> {
    let rest = bytes.strip_prefix(b"\x93NUMPY\x01\x00").context("not version 1.0")?;
    let (length, rest) = rest.split_first_chunk::<2>().context("cut short")?;
    let (header, body) =
        rest.split_at_checked(u16::from_le_bytes(*length).into()).context("cut short")?;
    let header = std::str::from_utf8(header)?;
    ensure!(header.contains("'<f4'") && header.contains("False"), "{header}");
    let shape = header.split_once('(').and_then(|(_, rest)| rest.split_once(')'));
    let (shape, _) = shape.context("no shape")?;
    let shape: Vec<usize> =
        shape.split(',').map(|part| part.trim().parse()).collect::<Result<_, _>>()?;
    let [rows, dim] = shape[..] else { anyhow::bail!("shape {shape:?}") };
    ensure!(dim > 0 && body.len() == rows * dim * 4, "{} bytes for {rows} × {dim}", body.len());
    let values = body.as_chunks::<4>().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
    Ok(Matrix { dim, values })
}
