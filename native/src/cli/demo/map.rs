//! The neighbourhood of a word, drawn.

use std::fmt::Write;

use super::findings::{Answer, Near};
use super::layout::{self, GAP, Node, RADII, Rect};
use super::svg::Escaped;
use super::words::Words;

/// Around the map, for labels of the outermost words.
const MARGIN: (f64, f64) = (150.0, 30.0);
/// Radius of the nearest and of the farthest word.
const RADIUS: (f64, f64) = (0.3, 1.0);
/// Width of a letter, on average, at the size of a neighbour's label.
const LETTER: f64 = 7.3;
/// Similarity above which two neighbours are joined, and most joints of one.
const JOINED: f64 = 0.5;
const JOINTS: usize = 2;

/// The map as one SVG element.
pub(super) fn draw(answer: &Answer, words: &Words) -> String {
    let near = &answer.nearest;
    let scale = Scale::over(near);
    let nodes: Vec<Node> = near
        .iter()
        .map(|near| Node {
            radius: scale.radius(near.similarity.into()),
            width: LETTER * near.word.chars().count() as f64,
        })
        .collect();
    let middle = Rect::centred(LETTER * 2.4 * answer.word.len() as f64 + 24.0, 48.0);
    let rest: Vec<Vec<f64>> =
        near.iter().map(|near| without(words, near.row, answer.row)).collect();
    let places = layout::place(&nodes, middle, &|i, j| cosine(&rest[i], &rest[j]));
    let readable = layout::readable(&nodes, &places, middle);

    let (width, height) = (RADII.0 + MARGIN.0, RADII.1 + MARGIN.1);
    let mut svg = format!(
        "<svg class=\"map\" viewBox=\"{} {} {} {}\" role=\"img\" aria-label=\"Words near {}\">\n",
        -width,
        -height,
        2.0 * width,
        2.0 * height,
        Escaped(&answer.word)
    );
    rings(&mut svg, &scale);
    joints(&mut svg, near, &places, words);
    for ((near, &place), readable) in near.iter().zip(&places).zip(readable) {
        node(&mut svg, near, place, readable, words);
    }
    let _ = writeln!(
        svg,
        "<text class=\"middle\" text-anchor=\"middle\" dominant-baseline=\"central\">{}</text>\n</svg>",
        Escaped(&answer.word)
    );
    svg
}

/// From similarity to distance from the middle: half in proportion, half by rank, because most
/// neighbours are nearly as far as the farthest. Nearer is always more similar.
struct Scale {
    /// Falling similarities and their radii.
    steps: Vec<(f64, f64)>,
}

impl Scale {
    fn over(near: &[Near]) -> Self {
        let similarities: Vec<f64> = near.iter().map(|near| near.similarity.into()).collect();
        let first = similarities.first().copied().unwrap_or(1.0);
        let span = (first - similarities.last().copied().unwrap_or(0.0)).max(1e-9);
        let last = similarities.len().max(2) as f64 - 1.0;
        let steps = similarities.into_iter().enumerate().map(|(rank, similarity)| {
            let by_rank = (rank as f64 / last).sqrt();
            let share = f64::midpoint((first - similarity) / span, by_rank);
            (similarity, RADIUS.0 + share * (RADIUS.1 - RADIUS.0))
        });
        Self { steps: steps.collect() }
    }

    fn radius(&self, similarity: f64) -> f64 {
        let after = self.steps.partition_point(|step| step.0 > similarity);
        let before = after.checked_sub(1).map(|before| self.steps[before]);
        match (before, self.steps.get(after)) {
            (Some(low), Some(high)) => {
                low.1 + (low.0 - similarity) / (low.0 - high.0) * (high.1 - low.1)
            }
            (None, Some(only)) => only.1,
            (Some(only), None) => only.1,
            (None, None) => RADIUS.1,
        }
    }
}

fn rings(svg: &mut String, scale: &Scale) {
    let (Some(first), Some(last)) = (scale.steps.first(), scale.steps.last()) else { return };
    // A ring every 0.05, or every 0.1 where that would be too many.
    let step = if first.0 - last.0 < 0.25 { 1 } else { 2 };
    for twentieth in (step..20).step_by(step as usize) {
        let similarity = f64::from(twentieth) / 20.0;
        if similarity >= first.0 || similarity < last.0 {
            continue;
        }
        let radius = scale.radius(similarity);
        let (rx, ry) = (radius * RADII.0, radius * RADII.1);
        let _ = writeln!(
            svg,
            "<ellipse class=\"ring\" rx=\"{rx:.1}\" ry=\"{ry:.1}\"/>\
             <text class=\"tick halo\" y=\"{:.1}\" text-anchor=\"middle\">{similarity}</text>",
            -ry + 4.0
        );
    }
}

fn joints(svg: &mut String, near: &[Near], places: &[(f64, f64)], words: &Words) {
    let vector = |node: usize| -> Vec<f64> {
        words.vectors.row(near[node].row).iter().map(|&value| value.into()).collect()
    };
    let vectors: Vec<Vec<f64>> = (0..near.len()).map(vector).collect();
    let mut drawn = Vec::new();
    for node in 0..near.len() {
        let mut others: Vec<(f64, usize)> = (0..near.len())
            .filter(|&other| other != node)
            .map(|other| (cosine(&vectors[node], &vectors[other]), other))
            .filter(|joint| joint.0 > JOINED)
            .collect();
        others.sort_by(|a, b| b.0.total_cmp(&a.0));
        for (similarity, other) in others.into_iter().take(JOINTS) {
            let pair = (node.min(other), node.max(other));
            if drawn.contains(&pair) {
                continue;
            }
            drawn.push(pair);
            let (from, to) = (places[node], places[other]);
            // Bent a little towards the middle, like threads of a web.
            let bend = (f64::midpoint(from.0, to.0) * 0.92, f64::midpoint(from.1, to.1) * 0.92);
            let _ = writeln!(
                svg,
                "<path class=\"joint\" stroke-opacity=\"{:.2}\" d=\"M{:.1} {:.1}Q{:.1} {:.1} {:.1} {:.1}\"/>",
                (similarity - JOINED) / (1.0 - JOINED) * 0.7 + 0.2,
                from.0,
                from.1,
                bend.0,
                bend.1,
                to.0,
                to.1,
            );
        }
    }
}

fn node(svg: &mut String, near: &Near, (x, y): (f64, f64), readable: bool, words: &Words) {
    let kind = words.kind(near.row).name();
    let word = Escaped(&near.word);
    let _ = write!(
        svg,
        "<g class=\"node {kind}\"><title>{word} ({kind}), similarity {:.3}</title>\
         <circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\"/>",
        near.similarity
    );
    if readable {
        let (x, anchor) = if x < 0.0 { (x - GAP, "end") } else { (x + GAP, "start") };
        let _ = write!(
            svg,
            "<text class=\"halo\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" \
             dominant-baseline=\"central\">{word}</text>"
        );
    }
    svg.push_str("</g>\n");
}

/// What is left of a word's direction when the part along `middle` is taken away.
fn without(words: &Words, row: usize, middle: usize) -> Vec<f64> {
    let (vector, middle) = (words.vectors.row(row), words.vectors.row(middle));
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
    };
    let along = dot(vector, middle) / dot(middle, middle).max(f64::MIN_POSITIVE);
    vector.iter().zip(middle).map(|(&v, &m)| f64::from(v) - along * f64::from(m)).collect()
}

fn cosine(a: &[f64], b: &[f64]) -> f64 {
    let dot = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt().max(f64::MIN_POSITIVE)
}
