//! Rust libraries behind the protocol of `worker.py`: build, then answer one setting a line.
//!
//! ```text
//! main ─► npy (vectors) ─► hnsw_rs | instant_distance ─► one JSON line an answer
//! ```

mod hnsw_rs_peer;
mod instant_distance_peer;
mod npy;

use anyhow::{Context, bail, ensure};
use npy::Matrix;
use serde::{Deserialize, Serialize};
use std::io::{BufRead, Write};
use std::time::Instant;

const USAGE: &str = "usage: peers LIBRARY BASE QUERIES METRIC K THREADS [VARIANT]";

/// Passes over all queries for a point; the fastest counts.
const PASSES: usize = 3;

/// Links of a node, twice as many on the lowest level.
const M: usize = 16;

/// Candidates considered for an item's links.
const EF_CONSTRUCTION: usize = 200;

/// Candidates kept by a search.
const EFS: [usize; 20] =
    [10, 13, 16, 20, 26, 32, 40, 50, 64, 80, 100, 128, 160, 200, 256, 320, 400, 512, 640, 800];

/// What vectors are compared by; rows come normalised where it is not `L2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Metric {
    L2,
    InnerProduct,
}

/// A built index.
pub(crate) trait Peer {
    /// The release that was measured.
    fn version(&self) -> &'static str;
    /// The values of `ef` that it can be asked with.
    fn efs(&self) -> &[usize];
    /// Rows of the `k` nearest found.
    fn search(&mut self, query: &[f32], k: usize, ef: usize) -> Vec<usize>;
}

/// One search setting.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Setting {
    ef: usize,
}

#[derive(Serialize)]
struct Built {
    build_seconds: f64,
    memory_bytes: u64,
    settings: Vec<Setting>,
    version: &'static str,
}

#[derive(Serialize)]
struct Answer {
    seconds: f64,
    ids: Vec<Vec<usize>>,
}

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [library, base, queries, metric, k, _threads, ..] = arguments.as_slice() else {
        bail!("{USAGE}");
    };
    let metric = if metric == "l2" { Metric::L2 } else { Metric::InnerProduct };
    let k: usize = k.parse().context(USAGE)?;
    let (base, queries) = (npy::read(base)?, npy::read(queries)?);
    ensure!(base.dim() == queries.dim(), "base and queries differ in dimension");

    // Both libraries build in rayon's global pool, which RAYON_NUM_THREADS sizes.
    let (before, start) = (anonymous_bytes(), Instant::now());
    let mut peer = build(library, &base, metric)?;
    let build_seconds = start.elapsed().as_secs_f64();
    answer(&Built {
        build_seconds,
        memory_bytes: anonymous_bytes().saturating_sub(before),
        settings: peer.efs().iter().map(|&ef| Setting { ef }).collect(),
        version: peer.version(),
    })?;
    for line in std::io::stdin().lock().lines() {
        let setting: Setting = serde_json::from_str(&line?)?;
        answer(&measure(peer.as_mut(), &queries, k, setting.ef))?;
    }
    Ok(())
}

fn build(library: &str, base: &Matrix, metric: Metric) -> anyhow::Result<Box<dyn Peer>> {
    Ok(match library {
        "hnsw_rs" => hnsw_rs_peer::build(base, metric),
        "instant-distance" => Box::new(instant_distance_peer::build(base, metric)),
        _ => bail!("there is no library `{library}` here"),
    })
}

fn measure(peer: &mut dyn Peer, queries: &Matrix, k: usize, ef: usize) -> Answer {
    let mut seconds = f64::INFINITY;
    let mut ids = Vec::new();
    for _ in 0..PASSES {
        let start = Instant::now();
        ids = queries.rows().map(|query| peer.search(query, k, ef)).collect();
        seconds = seconds.min(start.elapsed().as_secs_f64());
    }
    // The harness takes a rectangle; no row has this number.
    for found in &mut ids {
        found.resize(k, u32::MAX as usize);
    }
    Answer { seconds, ids }
}

fn answer(value: &impl Serialize) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, value)?;
    writeln!(out)?;
    Ok(out.flush()?)
}

/// Memory of this process that is no file; 0 where the system does not say.
fn anonymous_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kilobytes = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:")?.split_whitespace().next()?.parse().ok());
    kilobytes.unwrap_or(0_u64) * 1024
}
