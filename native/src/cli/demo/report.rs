//! The report: one page that needs nothing else.

use std::fmt::Write;

use super::super::format;
use super::findings::{Answer, Findings};
use super::svg::Escaped;
use super::words::{Kind, Words};
use super::{chart, map};

const STYLE: &str = include_str!("report.css");

/// Neighbours listed in words beside a map.
const LISTED: usize = 8;

/// The page as HTML.
pub(super) fn page(findings: &Findings, words: &Words) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>ecphory: {n} words</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <header>\n<h1>ecphory</h1>\n<p>{n} word senses of WordNet, as {dim}-dimensional embeddings, \
         in one index. Built, searched and drawn by <code>ecphory demo</code>.</p>\n</header>\n\
         {figures}{curve}{neighbourhoods}{table}{footer}</main>\n</body>\n</html>\n",
        n = format::count(findings.n),
        dim = findings.dim,
        figures = figures(findings),
        curve = curve(findings),
        neighbourhoods = neighbourhoods(findings, words),
        table = table(findings),
        footer = footer(findings),
    )
}

fn figures(findings: &Findings) -> String {
    let Findings { build, memory, default, .. } = findings;
    let cards = [
        (
            format!("{:.1} %", default.recall * 100.0),
            "recall@10".to_owned(),
            format!("{} sentences, against exact search", findings.queries),
        ),
        (
            format::micros(default.p50_us),
            "a search".to_owned(),
            format!(
                "p95 {}, p99 {}",
                format::micros(default.p95_us),
                format::micros(default.p99_us)
            ),
        ),
        (
            format::seconds(build.seconds),
            "to build".to_owned(),
            format!(
                "{} vectors a second on {}",
                format::count(build.vectors_per_second as usize),
                format::threads(build.threads)
            ),
        ),
        (
            format::bytes(memory.index_bytes as u64),
            "in memory".to_owned(),
            format!("{:.2} × the vectors alone", memory.ratio),
        ),
        (
            format::micros(findings.open_us),
            "to open".to_owned(),
            format!("a snapshot of {}, mapped", format::bytes(findings.snapshot_bytes)),
        ),
    ];
    let mut html = "<section class=\"figures\">\n".to_owned();
    for (value, name, note) in cards {
        let note = note.replace(" µs", "\u{a0}µs").replace(" ms", "\u{a0}ms");
        let _ = writeln!(
            html,
            "<div><strong>{value}</strong><span>{name}</span><small>{note}</small></div>"
        );
    }
    html + "</section>\n"
}

fn curve(findings: &Findings) -> String {
    let faster = findings.exact_p50_us / findings.default.p50_us;
    format!(
        "<section>\n<h2>Recall against latency</h2>\n<p>Each dot is a setting of <code>ef</code>, the \
         number of candidates that a search keeps. At its default, a search finds {:.1} % of the ten \
         nearest and takes {} of comparing with every word.</p>\n<figure>\n{}\
         <figcaption><span class=\"key p50\"></span>median <span class=\"key band\"></span>up to 95 % of queries</figcaption>\n</figure>\n</section>\n",
        findings.default.recall * 100.0,
        share(faster),
        chart::draw(findings),
    )
}

/// How a time compares with one that is `faster` times as long, in words.
fn share(faster: f64) -> String {
    if faster >= 2.0 {
        format!("1/{faster:.0} of the time")
    } else {
        format!("{:.2} × the time", 1.0 / faster)
    }
}

fn neighbourhoods(findings: &Findings, words: &Words) -> String {
    let mut html = "<section class=\"words\">\n<h2>Neighbourhoods</h2>\n<p>The nearer to the middle, the \
                    more alike: rings mark the cosine similarity. Words of one direction have more in \
                    common than the word in the middle; lines join the closest.</p>\n"
        .to_owned();
    for (number, answer) in findings.words.iter().enumerate() {
        let checked = if number == 0 { " checked" } else { "" };
        let word = Escaped(&answer.word);
        let _ = writeln!(
            html,
            "<input type=\"radio\" name=\"word\" id=\"word{number}\"{checked}>\
             <label for=\"word{number}\">{word}</label>"
        );
    }
    for answer in &findings.words {
        let _ = write!(
            html,
            "<figure>\n{}<figcaption>{}</figcaption>\n</figure>\n",
            map::draw(answer, words),
            list(answer)
        );
    }
    html.push_str("<p class=\"kinds\">");
    for kind in Kind::ALL {
        let _ = write!(html, "<span class=\"key {0}\"></span>{0} ", kind.name());
    }
    html + "</p>\n</section>\n"
}

fn list(answer: &Answer) -> String {
    let near = answer.nearest.iter().take(LISTED);
    let near: Vec<String> = near
        .map(|near| format!("{} <small>{:.2}</small>", Escaped(&near.word), near.similarity))
        .collect();
    format!("Nearest to <b>{}</b>: {}", Escaped(&answer.word), near.join(", "))
}

fn table(findings: &Findings) -> String {
    let mut html = "<section>\n<details>\n<summary>Every measured point</summary>\n<table>\n<tr><th>ef<th>recall@10\
                    <th>queries/s<th>p50<th>p95<th>p99<th>distances</tr>\n"
        .to_owned();
    for point in &findings.search {
        let _ = writeln!(
            html,
            "<tr><td>{}<td>{:.4}<td>{}<td>{}<td>{}<td>{}<td>{:.0}</tr>",
            point.ef,
            point.recall,
            format::count(point.qps as usize),
            format::micros(point.p50_us),
            format::micros(point.p95_us),
            format::micros(point.p99_us),
            point.distances_per_query,
        );
    }
    html + "</table>\n</details>\n</section>\n"
}

fn footer(findings: &Findings) -> String {
    format!(
        "<footer>\n<p>Measured on {} with {} kernels, one searching thread, the fastest of three \
         passes. Distances count the words that a query was compared with. Words: WordNet 3.0, \
         © Princeton University. Embeddings: all-MiniLM-L6-v2.</p>\n</footer>\n",
        std::env::consts::ARCH,
        findings.isa,
    )
}
