//! `Part`: a child of the program that tests start as an application. It says what it does.

use std::time::Duration;

use noex::prelude::*;

/// What a part is told to be.
pub(crate) struct Part(&'static str);

#[noex::server(protocol = "noex.test.Part", vis = pub(crate))]
impl Part {
    /// Tells when it is there; a `broken` one never is, a `slow` one takes its time.
    async fn init(name: &'static str, cx: &mut Context<Self>) -> Result<Self, &'static str> {
        cx.trap_exit(true);
        match name {
            "broken" => return Err("it is broken"),
            "slow" => {
                println!("?slow");
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
            _ => {}
        }
        println!("+{name}");
        Ok(Self(name))
    }

    /// Answers after this time.
    #[call]
    async fn answer(&mut self, after: Duration) -> String {
        tokio::time::sleep(after).await;
        println!("answered");
        self.0.to_owned()
    }

    /// Blocks every worker of the program, for ever.
    #[cast]
    fn block(&mut self) {
        for _ in 0..64 {
            noex::spawn(async {
                loop {
                    std::thread::park();
                }
            });
        }
    }

    #[cast]
    fn end(&mut self, reason: ExitReason) -> Flow {
        Flow::Stop(reason)
    }

    /// A `stubborn` one never ends.
    #[terminate]
    async fn tell(&mut self) {
        if self.0 == "stubborn" {
            std::future::pending::<()>().await;
        }
        println!("-{}", self.0);
    }
}
