//! Models of links whose confidence changes beside everything else that is done to them.

use super::*;

/// The link of a row to a target, which it names once.
fn only(row: &[AtomicU32], target: u32) -> Link {
    let mut links = Vec::new();
    links::read_links(row, &mut links);
    links.retain(|link| link.target() == target);
    assert_eq!(links.len(), 1, "a row names a node once");
    links[0]
}

#[test]
fn loom_what_is_said_of_a_link_keeps_no_pin_from_it_and_takes_none() {
    explore("confidence against pins", Some(3), || {
        let words: Arc<Box<[AtomicU32]>> = Arc::new(row(2, &[link(4), pinned(9)]));
        let speaking = thread::spawn({
            let words = Arc::clone(&words);
            move || [9, 4].map(|target| links::set_confidence(&words[..], target, 5))
        });
        let pinning = thread::spawn({
            let words = Arc::clone(&words);
            move || links::pin(&words[..], pinned(4), &[])
        });
        links::unpin(&words[..], 9, true);
        pinning.join().unwrap();
        assert_eq!(speaking.join().unwrap(), [true; 2]);
        assert_eq!(only(&words, 4), pinned(4).with_confidence(5));
        assert_eq!(only(&words, 9), link(9).with_confidence(5));
    });
}

#[test]
fn loom_a_link_that_changes_is_evicted_all_the_same() {
    explore("confidence against evict", None, || {
        let words: Arc<Box<[AtomicU32]>> = Arc::new(row(2, &[link(4), link(9)]));
        let speaking = thread::spawn({
            let words = Arc::clone(&words);
            move || links::set_confidence(&words[..], 9, 5)
        });
        assert!(links::evict(&words[..], 9, link(6)));
        speaking.join().unwrap();
        assert_eq!(only(&words, 6), link(6));
        assert_eq!(targets(&words), (vec![4, 6], vec![]));
    });
}

#[test]
fn loom_of_a_link_that_is_put_twice_and_changes_one_stays() {
    explore("confidence against two offers", Some(3), || {
        let words: Arc<Box<[AtomicU32]>> = Arc::new(row(3, &[link(8), link(9)]));
        let others = [
            thread::spawn({
                let words = Arc::clone(&words);
                move || {
                    // A hole opens before the one that the other offer may find.
                    links::evict(&words[..], 8, Link::NONE);
                    assert_eq!(links::offer(&words[..], link(4)), Offer::Linked);
                }
            }),
            thread::spawn({
                let words = Arc::clone(&words);
                move || _ = links::set_confidence(&words[..], 4, 5)
            }),
        ];
        assert_eq!(links::offer(&words[..], link(4)), Offer::Linked);
        others.into_iter().for_each(|other| other.join().unwrap());
        assert!([5, 31].contains(&only(&words, 4).confidence()));
    });
}

#[test]
fn loom_a_link_that_another_has_changed_still_shows_the_rows_of_its_target() {
    explore("publication past confidence", Some(3), || {
        let graph = Arc::new(Tiny::new(2, (1, 1)));
        let writer = thread::spawn({
            let graph = Arc::clone(&graph);
            move || graph.insert(2)
        });
        let speaking = thread::spawn({
            let graph = Arc::clone(&graph);
            move || _ = links::set_confidence(graph.row(ANCHOR), 2, 5)
        });
        let mut nodes = [0; 2];
        let count = links::read(graph.row(ANCHOR), &mut nodes, |target| target != 0);
        for &slot in &nodes[..count] {
            assert_eq!((slot, graph.payload(slot)), (2, 2));
        }
        writer.join().unwrap();
        speaking.join().unwrap();
        assert_eq!(graph.backbone(), [1, 2]);
    });
}
