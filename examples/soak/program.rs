//! The tree that the soak wears out.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use noex::prelude::*;
use noex::{ChildSpec, DynamicSupervisor, Restart, Start, Strategy, TaskSupervisor};

use crate::worker::Worker;

/// How many supervisors of each strategy there are, and how many workers each of them has.
pub(crate) const SHELVES: u64 = 3;
pub(crate) const WORKERS: u64 = 6;

/// How often one of those supervisors was started, the first time included.
pub(crate) static SHELVES_STARTED: AtomicU64 = AtomicU64::new(0);

/// The local name of the supervisor of workers that come and go.
pub(crate) const CROWD: &str = "crowd";

const STRATEGIES: [Strategy; 3] = [
    Strategy::OneForOne,
    Strategy::OneForAll,
    Strategy::RestForOne,
];

/// The local name of a worker; half of them have a cluster-wide one, too.
pub(crate) fn name(shelf: u64, worker: u64) -> String {
    format!("worker-{shelf}-{worker}")
}

pub(crate) fn tasks() -> TaskSupervisor {
    TaskSupervisor::new("tasks").max_children(200)
}

pub(crate) async fn start(tasks: &TaskSupervisor) -> Result<ServerRef<Supervisor>, StartError> {
    let shelves = (0..SHELVES)
        .map(|number| ChildSpec::supervisor(format!("shelf-{number}"), move || shelf(number)));
    let crowd = ChildSpec::supervisor(CROWD, || {
        let crowd = DynamicSupervisor::builder().max_children(500);
        crowd
            .intensity(usize::MAX, Duration::from_secs(1))
            .start()
            .name(CROWD)
    });
    let root = Supervisor::builder().intensity(usize::MAX, Duration::from_secs(1));
    let root = root.children(shelves).child(crowd);
    root.child(tasks.child_spec()).start().await
}

/// Bears so few restarts that it gives up now and then.
fn shelf(number: u64) -> Start<Supervisor> {
    SHELVES_STARTED.fetch_add(1, Ordering::Relaxed);
    let workers = (0..WORKERS).map(move |worker| {
        let start = move || {
            let (name, traps_exits) = (name(number, worker), worker % 3 == 0);
            let start = Worker::start(traps_exits).name(name.clone());
            if worker % 2 == 0 {
                start.name(Global(name))
            } else {
                start
            }
        };
        ChildSpec::new(name(number, worker), start)
    });
    let strategy = STRATEGIES[number as usize % STRATEGIES.len()];
    Supervisor::builder()
        .strategy(strategy)
        .intensity(60, Duration::from_millis(200))
        .children(workers)
        .start()
}

/// A worker that comes and goes.
pub(crate) fn passer_by(restart: Restart) -> ChildSpec {
    ChildSpec::new("passer-by", || Worker::start(false)).restart(restart)
}
