//! `#[noex::server(debug)]`: the state is shown to those who look.

use noex::prelude::*;

use crate::pair::alone;

#[derive(Debug)]
struct Shown {
    // Read by `Debug` alone.
    #[expect(dead_code, reason = "Debug does not count as a use")]
    count: u64,
}

#[noex::server(debug)]
impl Shown {
    fn init(count: u64) -> Self {
        Self { count }
    }
}

struct Hidden;

#[noex::server]
impl Hidden {
    fn init() -> Self {
        Self
    }
}

#[tokio::test]
async fn a_server_with_debug_shows_its_state_and_another_one_does_not() {
    let node = alone().await;
    let _inside = node.enter();
    let shown = Shown::start(7).await.expect("it starts");
    let state = shown.inspect().state().await.expect("it lives");
    assert_eq!(state.as_deref(), Some("Shown {\n    count: 7,\n}"));
    let hidden = Hidden::start(()).await.expect("it starts");
    assert_eq!(hidden.inspect().state().await, Ok(None));
    node.stop().await;
}
