//! What several of these tests use.

use std::future::Future;
use std::time::Duration;

use noex_core::LocalNode;

/// Runs a test with a paused clock; a test that hangs fails.
pub(crate) fn in_time(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        tokio::time::timeout(Duration::from_secs(6000), test)
            .await
            .unwrap();
    });
}

/// As [`in_time`], with a node for the test, which runs as code of it.
pub(crate) fn on_a_node<F: Future<Output = ()>>(test: impl FnOnce(LocalNode) -> F) {
    in_time(async {
        let node = LocalNode::start("a@127.0.0.1:4369".parse().unwrap());
        let _inside = node.enter();
        test(node.clone()).await;
    });
}
