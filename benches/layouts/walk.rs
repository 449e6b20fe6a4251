//! The best-first walk of HNSW on one level.

use crate::layout::{LINKS, Memory, RowKind};

/// Candidates that a walk keeps: reaches a recall of about 0.97 on this set.
const EF: usize = 64;
/// Where every walk begins.
const START: u32 = 1;

/// What the walks of a run did.
#[derive(Default)]
pub(crate) struct Total {
    pub(crate) scored: usize,
    pub(crate) expanded: usize,
    /// Of all distances in the order in which they were found.
    pub(crate) checksum: u64,
    seen: Vec<u8>,
    pool: Vec<Candidate>,
}

#[derive(Clone, Copy)]
struct Candidate {
    distance: u32,
    node: u32,
    expanded: bool,
}

/// Finds the [`EF`] nearest nodes that the graph leads to.
pub(crate) fn walk<R: RowKind>(memory: &Memory<R>, query: &[R::Component], total: &mut Total) {
    let mut pool = std::mem::take(&mut total.pool);
    pool.clear();
    total.seen.clear();
    total.seen.resize(memory.nodes(), 0);
    // Empty words name slot 0: seen, so that nobody scores it.
    total.seen[0] = 1;
    score(memory, query, &[START], &mut pool, total);
    while let Some(next) = pool.iter().position(|candidate| !candidate.expanded) {
        pool[next].expanded = true;
        total.expanded += 1;
        let (mut fresh, mut count) = ([0; LINKS], 0);
        for &node in memory.links(pool[next].node) {
            let seen = &mut total.seen[node as usize];
            fresh[count] = node;
            count += usize::from(*seen == 0);
            *seen = 1;
        }
        score(memory, query, &fresh[..count], &mut pool, total);
    }
    total.pool = pool;
}

/// Scores nodes and keeps the best of them and of the pool, nearest first.
fn score<R: RowKind>(
    memory: &Memory<R>,
    query: &[R::Component],
    nodes: &[u32],
    pool: &mut Vec<Candidate>,
    total: &mut Total,
) {
    let mut distances = [0; LINKS];
    memory.score(query, nodes, &mut distances);
    total.scored += nodes.len();
    for (&node, distance) in nodes.iter().zip(distances) {
        total.checksum = (total.checksum ^ u64::from(distance)).wrapping_mul(0x0100_0000_01b3);
        if pool.len() == EF && distance >= pool[EF - 1].distance {
            continue;
        }
        pool.truncate(EF - 1);
        let place = pool.partition_point(|candidate| candidate.distance <= distance);
        pool.insert(place, Candidate { distance, node, expanded: false });
    }
}
