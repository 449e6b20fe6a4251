//! Claims about 1,000,000 vectors of 768 components: long, so their runs are stored.

use super::measure::{Measurements, Report};
use super::{Bound, Claim};
use crate::{peers, process, workspace};

/// The claims.
pub(super) const CLAIMS: &[Claim] = &[
    long(
        "B10",
        "1M x 768: queries per second at recall 0.95, ours / hnswlib",
        Bound::AtLeast(1.9),
        |run| against_hnswlib(run)?.number("/ratio/0.95"),
    ),
    long(
        "B10",
        "1M x 768: queries per second at recall 0.99, ours / hnswlib",
        Bound::AtLeast(1.4),
        |run| against_hnswlib(run)?.number("/ratio/0.99"),
    ),
    long(
        "J7",
        "1M x 768: seconds to build on 2 threads, ours / hnswlib",
        Bound::AtMost(0.57),
        |run| against_hnswlib(run)?.number("/build_ratio"),
    ),
    long(
        "A2",
        "1M x 768: our 95th percentile at recall 0.95 / the mean of hnswlib",
        Bound::AtMost(0.8),
        |run| against_hnswlib(run)?.number("/p95_to_mean"),
    ),
    long(
        "A4",
        "1M x 768: 95th percentile in microseconds at recall 0.95, one thread",
        Bound::AtMost(700.0),
        |run| against_hnswlib(run)?.number("/p95_us"),
    ),
    long("K2", "1M x 768: bytes of the index / bytes of its vectors", Bound::AtMost(1.35), |run| {
        against_hnswlib(run)?.number("/memory_ratio")
    }),
    long(
        "K2",
        "1M x 768, codes only: bytes of the index / bytes of its vectors",
        Bound::AtMost(0.36),
        |run| bench(run, &["--rows", "codes"])?.number("/memory/ratio"),
    ),
    long("K2", "1M x 768, codes only: highest recall of the sweep", Bound::AtLeast(0.95), |run| {
        bench(run, &["--rows", "codes"])?.largest("/search", "recall")
    }),
    long(
        "A3",
        "1M x 768: searches per second at recall 0.94 on 2 threads",
        Bound::AtLeast(12_000.0),
        |run| bench(run, &["--search-threads", "2"])?.number("/at_recall/0.94/qps"),
    ),
];

const fn long(
    requirement: &'static str,
    what: &'static str,
    bound: Bound,
    measure: fn(&mut Measurements) -> anyhow::Result<f64>,
) -> Claim {
    Claim { area: "speed", requirement, what, bound, long: true, measure }
}

/// One round of both libraries: a round takes a quarter of an hour.
fn against_hnswlib(run: &mut Measurements) -> anyhow::Result<Report> {
    let [base, queries] = files()?;
    run.peers(&["--base", &base, "--queries", &queries, "--metric", "cosine", "--rounds", "1"])
}

fn bench(run: &mut Measurements, options: &[&str]) -> anyhow::Result<Report> {
    let [base, queries] = files()?;
    let data = ["bench", "--base", &base, "--queries", &queries, "--metric", "cosine"];
    run.ecphory(&[data.as_slice(), &["--no-tune", "--recall", "0.94,0.95"], options].concat())
}

/// Vectors and queries, made on first use in `target/data`: by the script beside the other sets if
/// there is one, else by the repository's own.
fn files() -> anyhow::Result<[String; 2]> {
    let folder = workspace::target().join("data");
    let beside = workspace::data()?.join("make_1m768.py");
    let names = if beside.exists() {
        ["wn1m-768.f32.npy", "wn1m-768-queries.f32.npy"]
    } else {
        ["lifted-768.f32.npy", "lifted-queries-768.f32.npy"]
    };
    let paths = names.map(|name| folder.join(name));
    if !paths.iter().all(|path| path.exists()) {
        let mut script = if beside.exists() {
            let mut script = peers::script(beside, &["faiss-cpu"])?;
            script.arg(&folder).arg("11");
            script
        } else {
            let mut script = peers::script("benches/data/lifted.py", &[])?;
            script.arg("--data").arg(workspace::data()?).arg("--out").arg(&folder);
            script
        };
        // What it prints is no figure.
        process::run(script.stdout(std::io::stderr()))?;
    }
    Ok(paths.map(|path| path.display().to_string()))
}
