//! Made-up vectors that are hard on a graph, the same from the same seed.

pub use ecphory_crashes::Numbers;

/// Independent components: in high dimensions, everything is far from everything.
pub fn random(rows: usize, dim: usize, seed: u64) -> Vec<f32> {
    Numbers::new(seed).units(rows * dim)
}

/// Rows around `clusters` far centres, in random order.
pub fn clustered(rows: usize, dim: usize, clusters: usize, seed: u64) -> Vec<f32> {
    // The centres do not depend on the number of rows, so that queries can share them.
    let centres = Numbers::new(!(clusters as u64)).units(clusters * dim);
    let mut numbers = Numbers::new(seed);
    let mut values = Vec::with_capacity(rows * dim);
    for _ in 0..rows {
        let centre = numbers.below(clusters) * dim;
        values.extend(centres[centre..centre + dim].iter().map(|c| c + 0.1 * numbers.normal()));
    }
    values
}

/// `distinct` vectors, most of them many times over, and single ones between.
pub fn duplicates(rows: usize, dim: usize, distinct: usize, seed: u64) -> Vec<f32> {
    let originals = Numbers::new(seed ^ 1).units(distinct * dim);
    let mut numbers = Numbers::new(seed);
    let mut values = Vec::with_capacity(rows * dim);
    for _ in 0..rows {
        if numbers.below(10) == 0 {
            values.extend(numbers.units(dim));
        } else {
            let original = numbers.below(distinct) * dim;
            values.extend_from_slice(&originals[original..original + dim]);
        }
    }
    values
}

/// Points along a smooth curve, in its order: each nearest to the one inserted just before.
pub fn curve(rows: usize, dim: usize, seed: u64) -> Vec<f32> {
    let mut numbers = Numbers::new(seed);
    let waves: Vec<(f32, f32)> =
        (0..dim).map(|_| (0.5 + 4.0 * numbers.unit().abs(), 3.0 * numbers.unit())).collect();
    (0..rows)
        .flat_map(|row| {
            let t = row as f32 / 200.0;
            waves.iter().map(move |(speed, phase)| (t * speed + phase).sin()).collect::<Vec<_>>()
        })
        .collect()
}

/// A seed from `ECPHORY_SEED`, or the one given.
///
/// # Panics
/// If the variable is not a number.
pub fn seed(default: u64) -> u64 {
    std::env::var("ECPHORY_SEED")
        .map_or(default, |seed| seed.parse().expect("ECPHORY_SEED is a number"))
}
