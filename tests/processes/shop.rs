//! The application that tests start as a process of its own: `log`, and what its arguments name,
//! under a supervisor that bears no restart. All say what they do.

#[path = "part.rs"]
mod part;

use std::error::Error;
use std::time::Duration;

use noex::prelude::*;
use noex::supervisor::SupervisorBuilder;
use noex::{
    Application, ApplicationError, AutoShutdown, ChildSpec, Restart, Shutdown, run_application,
};
use part::Part;

struct Shop;

impl Application for Shop {
    async fn start(&mut self) -> Result<SupervisorBuilder, Box<dyn Error + Send + Sync>> {
        println!("start");
        let supervisor = Supervisor::builder()
            .intensity(0, Duration::from_secs(1))
            .auto_shutdown(AutoShutdown::AnySignificant)
            .child(spec("log"));
        let others = std::env::args().skip(1);
        Ok(others.fold(supervisor, |supervisor, name| {
            supervisor.child(spec(name.leak()))
        }))
    }

    async fn prep_stop(&mut self) {
        println!("prep_stop");
    }

    async fn stop(&mut self) {
        println!("stop");
    }
}

/// A part under its cluster-wide name. The shop closes in order when the till does.
fn spec(name: &'static str) -> ChildSpec {
    let spec = ChildSpec::new(name, move || Part::start(name).name(Global(name)));
    match name {
        "till" => spec.restart(Restart::Transient).significant(),
        "stubborn" => spec.shutdown(Shutdown::Unlimited),
        _ => spec,
    }
}

#[noex::main(worker_threads = 2)]
async fn main() -> Result<(), ApplicationError> {
    let node = Node::current().ok_or(StartError::NoNode)?;
    println!("ready {}", node.id());
    run_application(Shop).await
}
