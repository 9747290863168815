//! A program as a tree of supervisors: it starts in order, works, and stops in reverse order.
//!
//! It ends when its last customer has been served. Ended by SIGTERM or SIGINT before, it stops in
//! the same order.

use std::error::Error;

use noex::prelude::*;
use noex::supervisor::SupervisorBuilder;
use noex::{Application, AutoShutdown, ChildSpec, Restart, run_application};

/// What the shop has; it must be there before anybody sells.
struct Stock(u32);

#[noex::server]
impl Stock {
    fn init(loaves: u32, cx: &mut Context<Self>) -> Self {
        cx.trap_exit(true);
        println!("{loaves} loaves are in stock");
        Self(loaves)
    }

    #[call]
    fn take(&mut self) -> Option<u32> {
        self.0 = self.0.checked_sub(1)?;
        Some(self.0)
    }

    #[terminate]
    fn tell(&self) {
        println!("{} loaves are left", self.0);
    }
}

/// Who sells. Its work is done when it has served so many customers.
struct Till(u32);

#[noex::server]
impl Till {
    fn init(customers: u32) -> Self {
        Self(customers)
    }

    #[continue_]
    async fn sell(&mut self) -> Flow {
        for customer in 1..=self.0 {
            match Stock::at("stock").take().await {
                Ok(Some(_left)) => println!("customer {customer} has bread"),
                Ok(None) => println!("customer {customer} goes without"),
                Err(error) => return Flow::Stop(ExitReason::error(error)),
            }
        }
        Flow::Stop(ExitReason::Normal)
    }
}

struct Shop {
    customers: u32,
}

impl Application for Shop {
    async fn start(&mut self) -> Result<SupervisorBuilder, Box<dyn Error + Send + Sync>> {
        println!("the shop opens");
        let customers = self.customers;
        let till = ChildSpec::new("till", move || Till::start(customers));
        Ok(Supervisor::builder()
            .auto_shutdown(AutoShutdown::AnySignificant)
            .child(ChildSpec::new("stock", || Stock::start(5).name("stock")))
            .child(till.restart(Restart::Transient).significant()))
    }

    async fn stop(&mut self) {
        println!("the shop is closed");
    }
}

#[noex::main]
async fn main() -> Result<(), Box<dyn Error>> {
    run_application(Shop { customers: 3 }).await?;
    println!("done");
    Ok(())
}
