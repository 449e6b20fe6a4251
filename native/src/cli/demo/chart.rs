//! Recall against latency, drawn.

use std::fmt::Write;

use ecphory_native::bench::Point;

use super::super::format;
use super::findings::Findings;
use super::svg::polyline;

const WIDTH: f64 = 920.0;
const HEIGHT: f64 = 420.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 30.0;
const TOP: f64 = 24.0;
const BOTTOM: f64 = 56.0;

/// Recalls that are marked on the axis.
const MARKS: [f64; 9] = [0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999];

/// Where recalls and latencies lie. Both axes are logarithmic, the one of recall in what is missed:
/// from 0.9 to 0.99 is as far as from 0.99 to 0.999.
struct Axes {
    missed: (f64, f64),
    latency: (f64, f64),
}

impl Axes {
    fn around(curve: &[Point], exact_us: f64) -> Self {
        let worst = curve.iter().map(|point| missed(point.recall)).fold(0.0, f64::max);
        let best = curve.iter().map(|point| missed(point.recall)).fold(1.0, f64::min);
        let fastest = curve.iter().map(|point| point.p50_us).fold(exact_us, f64::min);
        let slowest = curve.iter().map(|point| point.p95_us).fold(exact_us, f64::max);
        Self {
            missed: ((worst * 1.25).min(1.0), best / 1.25),
            latency: (fastest / 1.4, slowest * 1.4),
        }
    }

    fn x(&self, recall: f64) -> f64 {
        LEFT + position(missed(recall), self.missed) * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, us: f64) -> f64 {
        HEIGHT - BOTTOM - position(us, self.latency) * (HEIGHT - TOP - BOTTOM)
    }
}

/// What a recall leaves out, but not nothing: that has no logarithm.
fn missed(recall: f64) -> f64 {
    (1.0 - recall).max(4e-4)
}

fn position(value: f64, (from, to): (f64, f64)) -> f64 {
    (value / from).ln() / (to / from).ln()
}

/// The chart as one SVG element.
pub(super) fn draw(findings: &Findings) -> String {
    let Findings { search: curve, default, exact_p50_us, .. } = findings;
    let axes = Axes::around(curve, *exact_p50_us);
    let mut svg = format!(
        "<svg class=\"chart\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
         aria-label=\"Latency of a search against its recall\">\n"
    );
    grid(&mut svg, &axes);
    exact_line(&mut svg, &axes, *exact_p50_us);
    let at = |us: fn(&Point) -> f64| curve.iter().map(move |p| (p.recall, us(p)));
    let place = |(recall, us)| (axes.x(recall), axes.y(us));
    let there = at(|p| p.p50_us).map(place);
    let back = at(|p| p.p95_us).map(place).collect::<Vec<_>>().into_iter().rev();
    let _ = writeln!(svg, "<path class=\"band\" d=\"{}Z\"/>", polyline(there.chain(back)));
    let _ = writeln!(svg, "<path class=\"p50\" d=\"{}\"/>", polyline(at(|p| p.p50_us).map(place)));
    for point in curve {
        dot(&mut svg, &axes, point, "point", 4.0);
    }
    callout(&mut svg, &axes, default);
    svg + "</svg>\n"
}

fn grid(svg: &mut String, axes: &Axes) {
    let (bottom, right) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
    for recall in MARKS {
        if missed(recall) > axes.missed.0 || missed(recall) < axes.missed.1 {
            continue;
        }
        let x = axes.x(recall);
        let _ = writeln!(
            svg,
            "<path class=\"grid\" d=\"M{x:.1} {TOP}V{bottom}\"/>\
             <text class=\"tick\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{recall}</text>",
            bottom + 20.0
        );
    }
    let steps = (0..8).flat_map(|power| [1.0, 2.0, 5.0].map(|step| step * 10_f64.powi(power)));
    for us in steps.filter(|us| (axes.latency.0..=axes.latency.1).contains(us)) {
        let y = axes.y(us);
        let label = if us < 1000.0 { format!("{us} µs") } else { format!("{} ms", us / 1000.0) };
        let _ = writeln!(
            svg,
            "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{right}\"/>\
             <text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>",
            LEFT - 10.0,
            y + 4.0
        );
    }
    let _ = writeln!(
        svg,
        "<text class=\"axis\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">recall@10</text>",
        f64::midpoint(LEFT, right),
        HEIGHT - 10.0
    );
}

fn exact_line(svg: &mut String, axes: &Axes, exact_us: f64) {
    let y = axes.y(exact_us);
    let _ = writeln!(
        svg,
        "<path class=\"exact\" d=\"M{LEFT} {y:.1}H{:.1}\"/>\
         <text class=\"note\" x=\"{:.1}\" y=\"{:.1}\">exact search, {}</text>",
        WIDTH - RIGHT,
        LEFT + 8.0,
        y - 8.0,
        format::micros(exact_us)
    );
}

fn dot(svg: &mut String, axes: &Axes, point: &Point, class: &str, radius: f64) {
    let Point { ef, recall, p50_us, p95_us, p99_us, .. } = point;
    let _ = writeln!(
        svg,
        "<circle class=\"{class}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"{radius}\"><title>ef {ef}: recall {recall:.4}, \
         p50 {}, p95 {}, p99 {}</title></circle>",
        axes.x(*recall),
        axes.y(*p50_us),
        format::micros(*p50_us),
        format::micros(*p95_us),
        format::micros(*p99_us),
    );
}

/// Marks the point that users meet first. The curve rises to the right, so there is room below.
fn callout(svg: &mut String, axes: &Axes, point: &Point) {
    dot(svg, axes, point, "default", 7.0);
    let (x, y) = (axes.x(point.recall), axes.y(point.p50_us));
    let (x, anchor) = if x > WIDTH - 220.0 { (x + 4.0, "end") } else { (x + 2.0, "start") };
    let _ = writeln!(
        svg,
        "<text class=\"callout halo\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">default: {:.4} in {}</text>",
        y + 26.0,
        point.recall,
        format::micros(point.p50_us)
    );
}
