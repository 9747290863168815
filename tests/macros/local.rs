//! Servers whose messages stay on their node.

use std::sync::Arc;

use noex::Local;
use noex::prelude::*;
use tokio::sync::oneshot;

use crate::pair::{alone, pair};

/// A job, which no other node could run.
type Job = Box<dyn FnOnce() -> Report + Send>;

/// What came of it; serde knows nothing of it.
#[derive(Debug, PartialEq)]
struct Report(Arc<str>);

/// Runs jobs.
struct Runner(u64);

#[noex::server(local)]
impl Runner {
    fn init() -> Self {
        Self(0)
    }

    #[call]
    fn run(&mut self, job: Job) -> Report {
        self.0 += 1;
        job()
    }

    #[call]
    fn count(&self) -> u64 {
        self.0
    }

    #[call]
    fn give(&self, at: &'static str, reply: ReplyTo<Local<Report>>) {
        reply.send(Local(Report(at.into())));
    }

    #[cast]
    fn tell(&mut self, answer: oneshot::Sender<u64>) {
        assert_eq!(answer.send(self.0), Ok(()));
    }

    #[cast]
    fn forget(&mut self) {
        self.0 = 0;
    }
}

/// In a server of which a part stays at home, the other messages travel.
struct Half;

#[noex::server]
impl Half {
    fn init() -> Self {
        Self
    }

    #[call]
    fn twice(&self, number: u64) -> u64 {
        number * 2
    }

    #[call]
    fn apply(&self, function: Local<fn(u64) -> u64>) -> u64 {
        (*function)(1)
    }
}

#[tokio::test]
async fn a_local_server_is_called_with_anything() {
    let node = alone().await;
    let _inside = node.enter();
    let runner = Runner::start(()).await.expect("it starts");
    let word = String::from("done");
    let report = runner.run(Box::new(move || Report(word.into()))).await;
    assert_eq!(report, Ok(Report("done".into())));
    assert_eq!(runner.count().await, Ok(1));
    let Local(count) = runner.call(RunnerCall::Count).await.expect("a reply");
    assert_eq!(count, 1);
    let given = runner.give("here").await.expect("a reply");
    assert_eq!(*given, Report("here".into()));
    let (answer, told) = oneshot::channel();
    runner.tell(answer).expect("queued");
    Runner::cast(&runner, RunnerCast::Forget).expect("queued");
    assert_eq!(told.await, Ok(1));
    assert_eq!(
        runner
            .count()
            .timeout(std::time::Duration::from_secs(1))
            .await,
        Ok(0)
    );
    node.stop().await;
}

#[tokio::test]
async fn messages_of_a_local_server_do_not_leave_their_node() {
    let (a, b) = pair().await;
    let (runner, half) = {
        let _inside = a.enter();
        let runner = Runner::start(()).await.expect("it starts");
        (runner, Half::start(()).await.expect("it starts"))
    };
    {
        let _inside = b.enter();
        let runner = ServerRef::<Runner>::from_pid(runner.pid());
        assert_eq!(runner.count().await, Err(CallError::LocalOnly));
        let job: Job = Box::new(|| Report("never".into()));
        assert_eq!(runner.run(job).await, Err(CallError::LocalOnly));
        let refused = runner.forget().map_err(|error| error.to_string());
        assert_eq!(refused, Err(CallError::LocalOnly.to_string()));
        let half = ServerRef::<Half>::from_pid(half.pid());
        assert_eq!(half.twice(4).await, Ok(8));
        assert_eq!(
            half.apply(Local(|n| n + 1)).await,
            Err(CallError::LocalOnly)
        );
    }
    b.stop().await;
    a.stop().await;
}
