//! Tests of activation: against the linear system it solves, and for what theory says of it.

use super::*;
use crate::memory::numbers::{Numbers, times};

type Graph = Vec<Vec<(u32, f32)>>;

/// `nodes` with about `fan` links each, some with none, some with very many, some to themselves.
fn random(numbers: &mut Numbers, nodes: usize, fan: usize) -> Graph {
    (0..nodes)
        .map(|_| {
            let links = match numbers.below(20) {
                0 => 0,
                1 => numbers.below(nodes),
                _ => 1 + numbers.below(2 * fan),
            };
            (0..links)
                .map(|_| (numbers.below(nodes) as u32, (numbers.share() * 4.0) as f32))
                .collect()
        })
        .collect()
}

/// Solves `(I − g·Pᵀ)·a = (1 − g)·s` by elimination. The diagonal dominates each column, so that no
/// rows need to be exchanged.
fn solved(graph: &Graph, damping: f64, cues: &[(u32, f32)]) -> Vec<f64> {
    let n = graph.len();
    let mut system = vec![vec![0.0; n + 1]; n];
    for (from, row) in graph.iter().enumerate() {
        system[from][from] += 1.0;
        let sum: f64 = row.iter().map(|link| f64::from(link.1)).sum();
        for &(to, weight) in row.iter().filter(|link| link.1 > 0.0) {
            system[to as usize][from] -= damping * f64::from(weight) / sum;
        }
    }
    let sum: f64 = cues.iter().map(|cue| f64::from(cue.1)).sum();
    for &(node, weight) in cues {
        system[node as usize][n] += (1.0 - damping) * f64::from(weight) / sum;
    }
    for pivot in 0..n {
        let (above, below) = system.split_at_mut(pivot + 1);
        let row = &above[pivot];
        for other in below {
            let factor = other[pivot] / row[pivot];
            if factor != 0.0 {
                for column in pivot..=n {
                    other[column] -= factor * row[column];
                }
            }
        }
    }
    let mut solution = vec![0.0; n];
    for row in (0..n).rev() {
        let known: f64 = (row + 1..n).map(|at| system[row][at] * solution[at]).sum();
        solution[row] = (system[row][n] - known) / system[row][row];
    }
    solution
}

/// How much of `truth` an answer lacks; fails where it says more than the truth.
fn lacks(activation: &Activation, truth: &[f64]) -> f64 {
    let mut lack = 0.0;
    for (node, truth) in truth.iter().enumerate() {
        let said = activation.get(node as u32);
        assert!(said <= truth + 1e-10, "node {node}: {said} of {truth}");
        lack += (truth - said).max(0.0);
    }
    lack
}

#[test]
fn activation_is_within_its_residual_of_the_dense_solution() {
    let mut numbers = Numbers::new(31);
    let mut sizes = vec![1, 2, 3, 10, 50, 100, 200, 400];
    sizes.extend((0..times(12, 200)).map(|_| 2 + numbers.below(150)));
    sizes.extend(vec![2000; times(0, 4)]);
    for nodes in sizes {
        let graph = random(&mut numbers, nodes, 4);
        let damping = [0.5, 0.85, 0.99, 0.0][numbers.below(4)];
        let cues: Vec<(u32, f32)> = (0..=numbers.below(4))
            .map(|_| (numbers.below(nodes) as u32, 0.1 + numbers.share() as f32))
            .collect();
        let truth = solved(&graph, damping, &cues);
        let spreading = Spreading::default().damping(damping).unwrap();
        let limits = [
            spreading.tolerance(1e-6).unwrap().pushes(usize::MAX).links(usize::MAX),
            spreading.pushes(0),
            spreading.pushes(7),
            spreading.hops(2),
            spreading.threshold(0.01).unwrap().tolerance(0.0).unwrap(),
        ];
        let mut activation = Activation::default();
        for how in limits {
            how.run_into(&graph[..], &cues, &mut activation);
            let lack = lacks(&activation, &truth);
            let residual = activation.residual();
            assert!(lack <= residual + 1e-9, "{nodes} nodes, {how:?}: {lack} of {residual}");
            if activation.stopped() == Stopped::Converged {
                assert!(residual <= how.tolerance, "{residual} {how:?}");
            }
        }
    }
}

#[test]
fn a_star_of_twenty_thousand_is_within_its_residual() {
    // Out of the middle and back, so that the whole mass comes through one node again and again.
    const FAN: u32 = 20_000;
    let mut graph: Graph = vec![(1..=FAN).map(|leaf| (leaf, 1.0)).collect()];
    graph.extend((0..FAN).map(|_| vec![(0, 1.0)]));
    // By hand: the middle holds (1 − g) / (1 − g²) of what begins there, the leaves g times that.
    let g = 0.85;
    let middle = (1.0 - g) / (1.0 - g * g);
    for pushes in [1, 2048] {
        let activation = Spreading::default().pushes(pushes).run(&graph[..], &[(0, 1.0)]);
        assert_eq!((activation.stopped(), activation.len()), (Stopped::Budget, 20_001));
        assert!(activation.links() < 2 * 20_000, "the links end it: {}", activation.links());
        let mut truth = vec![g * middle / f64::from(FAN); FAN as usize + 1];
        truth[0] = middle;
        let lack = lacks(&activation, &truth);
        assert!(lack <= activation.residual() + 1e-9);
        // One push is no certificate by degree: nearly all of the mass remains, and it says so.
        assert!(activation.residual() > 0.5);
    }
    // Without limits it goes on until the mass is within the tolerance.
    let mut graph: Graph = vec![(1..=500).map(|leaf| (leaf, 1.0)).collect()];
    graph.extend((0..500).map(|_| vec![(0, 1.0)]));
    let endless = Spreading::default().pushes(usize::MAX).links(usize::MAX);
    let activation = endless.run(&graph[..], &[(0, 1.0)]);
    assert_eq!(activation.stopped(), Stopped::Converged);
    assert!((activation.get(0) - middle).abs() <= 0.05);
}

#[test]
fn the_more_links_the_less_for_each() {
    // The fan effect: ln a falls with ln fan, slope −1.
    let level = |fan: u32| {
        let mut graph: Graph = vec![(1..=fan).map(|leaf| (leaf, 1.0)).collect()];
        graph.resize(fan as usize + 1, Vec::new());
        let activation = Spreading::default().run(&graph[..], &[(0, 1.0)]);
        activation.get(fan).ln()
    };
    for (few, many) in [(1, 2), (2, 5), (5, 100), (100, 20_000)] {
        let slope = (level(many) - level(few)) / (f64::from(many) / f64::from(few)).ln();
        assert!((slope + 1.0).abs() < 1e-9, "{few} to {many}: {slope}");
    }
}

#[test]
fn activation_per_link_falls_along_a_path() {
    let nodes = 60;
    let graph: Graph = (0..nodes)
        .map(|node: u32| {
            let both = [node.wrapping_sub(1), node + 1];
            both.into_iter().filter(|to| *to < nodes).map(|to| (to, 1.0)).collect()
        })
        .collect();
    for percent in (0..100).step_by(3) {
        let damping = f64::from(percent) / 100.0;
        let spreading = Spreading::default().damping(damping).unwrap();
        let spreading = spreading.tolerance(1e-12).unwrap().pushes(usize::MAX).links(usize::MAX);
        for cue in [0, 1, 20] {
            let activation = spreading.run(&graph[..], &[(cue, 1.0)]);
            let each = |node: u32| activation.get(node) / graph[node as usize].len() as f64;
            for node in cue + 1..nodes {
                let (nearer, farther) = (each(node - 1), each(node));
                assert!(farther <= nearer + 1e-12, "{damping} from {cue}: {node}");
            }
        }
    }
}

#[test]
fn activation_adds_up_where_paths_meet() {
    // Two cues, each with a link of its own and one to the node between.
    let graph: Graph =
        vec![vec![(2, 1.0), (3, 1.0)], vec![(3, 1.0), (4, 1.0)], vec![], vec![], vec![]];
    let spreading = Spreading::default();
    let both = spreading.run(&graph[..], &[(0, 1.0), (1, 1.0)]);
    assert!((both.get(3) - 2.0 * both.get(2)).abs() < 1e-12);
    assert_eq!(both.get(2), both.get(4));
    let alone = [0, 1].map(|cue| spreading.run(&graph[..], &[(cue, 1.0)]).get(3));
    assert!((both.get(3) - f64::midpoint(alone[0], alone[1])).abs() < 1e-12);
}

#[test]
fn a_million_links_end_within_the_budget_and_say_so() {
    let mut numbers = Numbers::new(32);
    let graph: Graph = (0..100_000)
        .map(|_| (0..10).map(|_| (numbers.below(100_000) as u32, 1.0)).collect())
        .collect();
    let tight = Spreading::default().tolerance(1e-6).unwrap().links(usize::MAX);
    let activation = tight.run(&graph[..], &[(7, 1.0), (8, 2.0)]);
    assert_eq!((activation.stopped(), activation.pushes()), (Stopped::Budget, 2048));
    assert_eq!(activation.links(), 20_480);
    let sum: f64 = activation.iter().map(|active| active.activation).sum();
    assert!((sum + activation.residual() - 1.0).abs() < 1e-9, "every node has links: none is lost");
    let activation = tight.links(9_995).run(&graph[..], &[(7, 1.0)]);
    assert_eq!((activation.stopped(), activation.links()), (Stopped::Budget, 10_000));
    let loose = Spreading::default().tolerance(0.5).unwrap().damping(0.5).unwrap();
    let activation = loose.run(&graph[..], &[(7, 1.0)]);
    assert_eq!(activation.stopped(), Stopped::Converged);
    assert!(activation.residual() <= 0.5);
}

#[test]
fn cues_are_pushed_whatever_the_limits() {
    let graph: Graph = vec![vec![(2, 1.0)], vec![(3, 1.0)], vec![(4, 1.0)], vec![], vec![]];
    let limits = [
        Spreading::default().pushes(0),
        Spreading::default().threshold(1.0).unwrap(),
        Spreading::default().tolerance(1.0).unwrap(),
        Spreading::default().hops(0),
    ];
    for how in limits {
        let activation = how.run(&graph[..], &[(0, 1.0), (1, 1e-3)]);
        assert_eq!(activation.pushes(), 2, "{how:?}");
        assert!(activation.get(2) > 0.0 && activation.get(3) > 0.0 && activation.get(4) == 0.0);
    }
}

#[test]
fn hops_and_threshold_cut_off_what_the_residual_counts() {
    let chain: Graph = (1..=10).map(|next| vec![(next, 1.0)]).chain([vec![]]).collect();
    let exact = Spreading::default().tolerance(0.0).unwrap();
    for hops in 1..10 {
        let activation = exact.hops(hops).run(&chain[..], &[(0, 1.0)]);
        assert_eq!(activation.stopped(), Stopped::Limits);
        assert_eq!(activation.len(), hops as usize + 1);
        assert!((activation.residual() - 0.85_f64.powi(hops as i32 + 1)).abs() < 1e-12);
    }
    let activation = exact.threshold(0.5).unwrap().run(&chain[..], &[(0, 1.0)]);
    // 0.85, 0.7225, 0.614, 0.522 were passed on, 0.444 was not.
    assert_eq!((activation.stopped(), activation.len()), (Stopped::Limits, 6));
    assert_eq!(exact.run(&chain[..], &[(0, 1.0)]).residual(), 0.0, "the chain ends");
}

#[test]
fn paths_lead_back_to_a_cue_along_links() {
    let mut numbers = Numbers::new(33);
    for _ in 0..times(200, 4000) {
        let nodes = 2 + numbers.below(80);
        let graph = random(&mut numbers, nodes, 3);
        let cues: Vec<(u32, f32)> =
            (0..=numbers.below(3)).map(|_| (numbers.below(nodes) as u32, 1.0)).collect();
        let activation = Spreading::default().run(&graph[..], &cues);
        for Active { node, activation: level } in activation.iter() {
            let path = activation.path(node);
            assert!(cues.iter().any(|cue| cue.0 == path[0]), "{path:?}");
            assert_eq!(path.last(), Some(&node));
            assert!(path.len() <= nodes, "no circle: {path:?}");
            for step in path.windows(2) {
                let links = &graph[step[0] as usize];
                assert!(links.iter().any(|link| link.0 == step[1] && link.1 > 0.0), "{path:?}");
            }
            assert!(level >= 0.0);
        }
        assert!(activation.path(nodes as u32).is_empty());
    }
}

#[test]
fn of_two_ways_the_path_is_the_stronger() {
    let graph: Graph =
        vec![vec![(1, 1.0), (2, 3.0)], vec![(3, 1.0)], vec![(3, 1.0)], vec![(1, 1.0)]];
    let spreading = Spreading::default().tolerance(1e-9).unwrap();
    let activation = spreading.run(&graph[..], &[(0, 1.0)]);
    assert_eq!(activation.path(3), [0, 2, 3]);
    assert_eq!(activation.path(0), [0]);
    let top: Vec<u32> = activation.top(4).iter().map(|active| active.node).collect();
    assert_eq!(top, [3, 1, 0, 2], "what is in a circle gathers most");
    assert_eq!(activation.top(2), activation.top(9)[..2]);
}

#[test]
fn what_a_caller_passes_does_no_harm() {
    let none: Graph = Vec::new();
    let spreading = Spreading::default();
    let odd = [(0, f32::NAN), (1, -1.0), (2, 0.0), (3, f32::INFINITY)];
    for cues in [&[][..], &odd] {
        let activation = spreading.run(&none[..], cues);
        assert!(activation.is_empty() && activation.top(3).is_empty());
        assert_eq!((activation.stopped(), activation.residual()), (Stopped::Converged, 0.0));
        assert_eq!((activation.get(0), activation.path(0)), (0.0, Vec::new()));
    }
    // Nodes of any number, links of any weight.
    let wild: Graph = vec![vec![
        (u32::MAX, 1.0),
        (u32::MAX - 1, f32::MAX),
        (5, f32::NAN),
        (0, f32::MIN_POSITIVE / 4.0),
        (9, f32::NEG_INFINITY),
    ]];
    let activation = spreading.run(&wild[..], &[(0, f32::MAX), (u32::MAX, f32::MAX)]);
    let sum: f64 = activation.iter().map(|active| active.activation).sum();
    assert!(sum.is_finite() && sum <= 1.0 && activation.get(u32::MAX - 1) > 0.0);
    assert_eq!((activation.get(5), activation.get(9)), (0.0, 0.0));
    for bad in [-0.1, 1.0, f64::NAN] {
        assert!(spreading.damping(bad).is_err());
    }
    assert!(spreading.tolerance(f64::NAN).is_err() && spreading.threshold(-1.0).is_err());
}

#[test]
fn equal_calls_give_equal_bits() {
    let mut numbers = Numbers::new(34);
    let graph = random(&mut numbers, 500, 5);
    let cues = [(3, 1.0), (77, 0.5)];
    let spreading = Spreading::default().tolerance(1e-3).unwrap();
    let first = spreading.run(&graph[..], &cues);
    // In the memory of an answer that reached elsewhere.
    let mut again = spreading.run(&graph[..], &[(400, 1.0)]);
    spreading.run_into(&graph[..], &cues, &mut again);
    let bits = |activation: &Activation| {
        activation.iter().map(|a| (a.node, a.activation.to_bits())).collect::<Vec<_>>()
    };
    assert_eq!(bits(&first), bits(&again));
    assert_eq!(first.residual().to_bits(), again.residual().to_bits());
}
