//! Where the neighbours of a word lie on its map.
//!
//! Distance from the middle is fixed by similarity to the word in the middle; the direction is what
//! there is to choose. Directions minimise stress: neighbours that resemble each other, once what
//! they share with the middle is taken away, lie close; labels keep off each other.

use std::f64::consts::TAU;

/// Half the width and height of the map.
pub(super) const RADII: (f64, f64) = (400.0, 270.0);

/// Directions that are tried for each neighbour.
const DIRECTIONS: usize = 144;
/// Rounds of improvement; a round without any ends them earlier.
const ROUNDS: usize = 60;
/// Distance of two neighbours that are alike as usual, against the radius of the map: about the
/// mean distance of two points of a disc.
const SPREAD: f64 = 1.1;
/// Weight of an overlap against stress.
const OVERLAP: f64 = 0.02;

/// A neighbour to be placed.
pub(super) struct Node {
    /// Distance from the middle, 0 to 1.
    pub(super) radius: f64,
    /// Width of its label.
    pub(super) width: f64,
}

/// Height of a label.
pub(super) const LINE: f64 = 19.0;
/// From the dot to its label.
pub(super) const GAP: f64 = 8.0;

/// A label's rectangle, dot included: left, top, right, bottom.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rect([f64; 4]);

impl Rect {
    pub(super) fn centred(width: f64, height: f64) -> Self {
        Self([-width / 2.0, -height / 2.0, width / 2.0, height / 2.0])
    }

    /// Labels point away from the middle.
    pub(super) fn label((x, y): (f64, f64), width: f64) -> Self {
        let (top, bottom) = (y - LINE / 2.0, y + LINE / 2.0);
        if x < 0.0 {
            Self([x - GAP - width, top, x + GAP, bottom])
        } else {
            Self([x - GAP, top, x + GAP + width, bottom])
        }
    }

    fn overlap(&self, other: &Self) -> f64 {
        let [left, top, right, bottom] = self.0;
        let width = right.min(other.0[2]) - left.max(other.0[0]);
        let height = bottom.min(other.0[3]) - top.max(other.0[1]);
        width.max(0.0) * height.max(0.0)
    }
}

/// Places each node; `alike(i, j)` says how much two resemble each other, -1 to 1.
pub(super) fn place(
    nodes: &[Node],
    middle: Rect,
    alike: &dyn Fn(usize, usize) -> f64,
) -> Vec<(f64, f64)> {
    let point = |node: usize, turn: f64| {
        let (sin, cos) = (turn * TAU).sin_cos();
        (nodes[node].radius * cos * RADII.0, nodes[node].radius * sin * RADII.1)
    };
    let wanted = wanted(nodes.len(), alike);
    let mut places: Vec<(f64, f64)> = Vec::new();
    // Nearest first, so that the others find their way around them.
    for node in 0..nodes.len() {
        let best = best_direction(node, nodes, &places, middle, &wanted, &point);
        places.push(best);
    }
    for _ in 0..ROUNDS {
        let mut moved = false;
        for node in 0..nodes.len() {
            let best = best_direction(node, nodes, &places, middle, &wanted, &point);
            moved |= best != places[node];
            places[node] = best;
        }
        if !moved {
            break;
        }
    }
    places
}

/// The distance that each pair should have: less for those that are more alike than usual.
fn wanted(nodes: usize, alike: &dyn Fn(usize, usize) -> f64) -> Vec<Vec<f64>> {
    let row = |i| (0..nodes).map(|j| if i == j { 0.0 } else { alike(i, j) }).collect();
    let alike: Vec<Vec<f64>> = (0..nodes).map(row).collect();
    let pairs = (nodes * nodes.saturating_sub(1)).max(1) as f64;
    let usual = alike.iter().flatten().sum::<f64>() / pairs;
    let distance = |alike: f64| (1.0 - (alike - usual)).clamp(0.1, 2.0) * SPREAD * RADII.0;
    alike.into_iter().map(|row| row.into_iter().map(distance).collect()).collect()
}

fn best_direction(
    node: usize,
    nodes: &[Node],
    places: &[(f64, f64)],
    middle: Rect,
    wanted: &[Vec<f64>],
    point: &dyn Fn(usize, f64) -> (f64, f64),
) -> (f64, f64) {
    let cost = |place: (f64, f64)| {
        let label = Rect::label(place, nodes[node].width);
        let mut cost = OVERLAP * label.overlap(&middle);
        for (other, &there) in places.iter().enumerate().filter(|&(other, _)| other != node) {
            let wanted = wanted[node][other];
            let far = (place.0 - there.0).hypot((place.1 - there.1) * RADII.0 / RADII.1);
            cost += (far / wanted - 1.0).powi(2);
            cost += OVERLAP * label.overlap(&Rect::label(there, nodes[other].width));
        }
        cost
    };
    (0..DIRECTIONS)
        .map(|turn| point(node, turn as f64 / DIRECTIONS as f64))
        .map(|place| (cost(place), place))
        .min_by(|a, b| a.0.total_cmp(&b.0))
        .map_or((0.0, 0.0), |(_, place)| place)
}

/// Which labels can be drawn, first come first served.
pub(super) fn readable(nodes: &[Node], places: &[(f64, f64)], middle: Rect) -> Vec<bool> {
    /// Square pixels that a reader does not notice.
    const SLACK: f64 = 30.0;
    let mut taken = vec![middle];
    nodes
        .iter()
        .zip(places)
        .map(|(node, &place)| {
            let label = Rect::label(place, node.width);
            let free = taken.iter().all(|other| label.overlap(other) <= SLACK);
            if free {
                taken.push(label);
            }
            free
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alike_lie_together_and_labels_apart() {
        let nodes: Vec<Node> =
            (0..12).map(|i| Node { radius: 0.4 + f64::from(i) * 0.05, width: 60.0 }).collect();
        let same_half = |i: usize, j: usize| if i % 2 == j % 2 { 0.8 } else { 0.0 };
        let middle = Rect::centred(80.0, 30.0);
        let places = place(&nodes, middle, &same_half);
        let mean = |same: bool| {
            let pairs = (0..12).flat_map(|i| (0..i).map(move |j| (i, j)));
            let far: Vec<f64> = pairs
                .filter(|&(i, j)| (i % 2 == j % 2) == same)
                .map(|(i, j)| (places[i].0 - places[j].0).hypot(places[i].1 - places[j].1))
                .collect();
            far.iter().sum::<f64>() / far.len() as f64
        };
        assert!(mean(true) < mean(false), "{} and {}", mean(true), mean(false));
        assert!(readable(&nodes, &places, middle).iter().all(|&readable| readable));
    }
}
