//! What machines come to whose neighbours are some of all.

use std::time::Duration;

use super::simulation::{DELAY_MAX, DELAY_MIN, Graph, creation};
use crate::proto::Input;

/// Nodes on so many rings, each in another order.
fn graph(seed: u64, size: usize, rings: usize) -> Graph {
    let now = tokio::time::Instant::now().into_std();
    Graph::with_rings(seed, size, rings, now)
}

/// So many names that all are held by different nodes.
fn names(count: usize) -> Vec<String> {
    (0..count).map(|at| format!("name {at}")).collect()
}

/// Every node registers a name.
fn register_all(graph: &mut Graph, names: &[String]) {
    for (at, name) in names.iter().enumerate() {
        graph.register(at, name);
    }
}

fn crossings_max(graph: &Graph) -> usize {
    graph.crossings.values().copied().max().unwrap_or(0)
}

#[test]
fn a_change_goes_around_a_ring_over_each_edge_at_most_twice() {
    let (size, hops) = (100, 50);
    let mut graph = graph(1, size, 1);
    assert_eq!(graph.edges(), size);
    let names = names(size);
    register_all(&mut graph, &names);
    graph.run(DELAY_MIN * (hops - 1));
    assert!(!graph.agree(&names), "nobody is told but by a neighbour");
    graph.run(DELAY_MAX * hops);
    assert!(graph.agree(&names));
    assert_eq!(graph.crossings.len(), size * graph.edges());
    assert!(crossings_max(&graph) <= 2);
    assert_eq!(graph.beside, 0);
}

#[test]
fn two_hundred_nodes_with_eight_neighbours_each_learn_every_change_in_a_few_hops() {
    for seed in 0..2 {
        let size = 200;
        let mut graph = graph(seed, size, 4);
        assert!(graph.edges() <= 4 * size);
        let names = names(size);
        register_all(&mut graph, &names);
        graph.run(5 * DELAY_MAX);
        assert!(graph.agree(&names), "seed {seed}");
        assert!(crossings_max(&graph) <= 2, "seed {seed}");
        assert_eq!(graph.beside, 0, "seed {seed}");
    }
}

#[test]
fn what_is_lost_is_made_up_for_by_the_neighbours() {
    for seed in 0..3 {
        let size = 60;
        let mut graph = graph(seed, size, 2);
        let names = names(size);
        graph.loss = 60;
        register_all(&mut graph, &names);
        graph.run(Duration::from_millis(100));
        assert!(!graph.agree(&names), "seed {seed}: nothing was lost");
        graph.loss = 0;
        graph.run(Duration::from_secs(30));
        assert!(graph.agree(&names), "seed {seed}");
    }
}

#[test]
fn a_newcomer_learns_all_from_its_neighbours_at_once() {
    let size = 60;
    let mut graph = graph(7, size, 4);
    let newcomer = size - 1;
    graph.connect(newcomer, &[]);
    let names = names(newcomer);
    register_all(&mut graph, &names);
    graph.run(Duration::from_secs(1));
    assert!(!graph.agree(&names));
    graph.connect(newcomer, &[0, 10, 20]);
    // A summary, the versions, a question and the entries.
    graph.run(4 * DELAY_MAX);
    assert!(graph.agree(&names));
    assert_eq!(graph.beside, 0);
}

#[test]
fn a_node_that_comes_back_with_its_entries_is_known_everywhere_soon() {
    let size = 60;
    let mut graph = graph(8, size, 4);
    let names = names(size);
    register_all(&mut graph, &names);
    graph.run(Duration::from_secs(1));
    let node = creation(size - 1);
    for at in 0..size - 1 {
        graph.input(at, Input::NodeDown { node });
    }
    graph.connect(size - 1, &[]);
    graph.run(Duration::from_secs(1));
    assert!(!graph.agree(&names));
    for at in 0..size - 1 {
        graph.input(at, Input::NodeUp { node });
    }
    graph.connect(size - 1, &[0, 10, 20]);
    graph.run(Duration::from_millis(500));
    assert!(graph.agree(&names));
    assert_eq!(graph.beside, 0);
}

#[test]
fn halves_that_were_apart_agree_soon_after_they_meet() {
    let size = 80;
    let mut graph = graph(9, size, 4);
    let sides = |at: usize| at < size / 2;
    let edges: Vec<Vec<usize>> = (0..size).map(|at| graph.neighbours_of(at)).collect();
    for (at, edges) in edges.iter().enumerate() {
        for other in (0..size).filter(|other| sides(*other) != sides(at)) {
            let node = creation(other);
            graph.input(at, Input::NodeDown { node });
        }
        let own = edges.iter().copied().filter(|to| sides(*to) == sides(at));
        let own: Vec<usize> = own.collect();
        graph.connect(at, &own);
    }
    let names = names(size);
    register_all(&mut graph, &names);
    graph.run(Duration::from_secs(1));
    assert!(!graph.agree(&names));
    for at in 0..size {
        for other in (0..size).filter(|other| sides(*other) != sides(at)) {
            let node = creation(other);
            graph.input(at, Input::NodeUp { node });
        }
    }
    for (at, edges) in edges.iter().enumerate() {
        graph.connect(at, edges);
    }
    graph.run(Duration::from_secs(1));
    assert!(graph.agree(&names));
}
