//! `#[continue_]`: what a server goes on with, behind `init` or behind a handler.

use noex::prelude::*;

use crate::pair::alone;

/// Writes down what it does.
struct Library(Vec<String>);

#[noex::server]
impl Library {
    fn init(shelf: String, cx: &mut Context<Self>) -> Self {
        cx.continue_with(LibraryContinue::Load {
            key: shelf,
            books: 2,
        });
        Self(vec!["init".into()])
    }

    #[continue_]
    async fn load(&mut self, key: String, books: u32, cx: &mut Context<Self>) {
        tokio::task::yield_now().await;
        self.0.push(format!("{books} on {key}"));
        if books > 1 {
            cx.continue_with(LibraryContinue::Load {
                key,
                books: books - 1,
            });
        }
    }

    /// Has no values: it runs behind `init`, before what `init` asked for.
    #[continue_]
    fn open(&mut self) {
        self.0.push("open".into());
    }

    #[continue_]
    fn shut(&mut self, reason: ExitReason) -> Flow {
        Flow::Stop(reason)
    }

    #[call]
    fn told(&self) -> Vec<String> {
        self.0.clone()
    }

    #[call]
    fn reopen(&mut self, cx: &mut Context<Self>) {
        cx.continue_with(LibraryContinue::Open);
        cx.continue_with("nobody takes a text");
    }

    /// The answer is there before the end is.
    #[call]
    fn end(&mut self, cx: &mut Context<Self>) -> u64 {
        cx.continue_with(LibraryContinue::Shut {
            reason: ExitReason::Shutdown,
        });
        7
    }
}

/// What serde knows nothing of.
type Step<T> = Box<dyn Fn(&Vec<T>) -> usize + Send>;

/// Goes on with what could not be sent, of its own type.
struct Shelf<T, const MAX: usize>(Vec<T>);

#[noex::server]
impl<T: noex::Wire, const MAX: usize> Shelf<T, MAX> {
    fn init(first: T, cx: &mut Context<Self>) -> Self {
        let step = Box::new(Vec::len);
        cx.continue_with(ShelfContinue::<T, MAX>::Put { first, step });
        Self(Vec::new())
    }

    #[continue_]
    fn put(&mut self, first: T, step: Step<T>) {
        assert_eq!(step(&self.0), 0);
        self.0.push(first);
    }

    #[continue_]
    fn reserve(&mut self) {
        self.0.reserve(MAX);
    }

    #[call]
    fn room(&self) -> (usize, bool) {
        (self.0.len(), self.0.capacity() >= MAX)
    }
}

#[tokio::test]
async fn what_is_asked_for_is_done_in_order_and_before_the_next_message() {
    let node = alone().await;
    let _inside = node.enter();
    let library = Library::start("a".into()).await.expect("it starts");
    let begun = ["init", "open", "2 on a", "1 on a"].map(String::from);
    assert_eq!(library.told().await, Ok(begun.to_vec()));
    library.reopen().await.expect("a reply");
    let told = library.told().await.expect("a reply");
    assert_eq!(told.last().map(String::as_str), Some("open"));
    assert_eq!(told.len(), 5);
    node.stop().await;
}

#[tokio::test]
async fn a_handler_can_answer_and_then_end_the_server() {
    let node = alone().await;
    let _inside = node.enter();
    let library = Library::start("a".into()).await.expect("it starts");
    let ended = node.local().ended(library.pid());
    assert_eq!(library.end().await, Ok(7));
    assert_eq!(ended.await, ExitReason::Shutdown);
    node.stop().await;
}

#[tokio::test]
async fn a_generic_server_goes_on_with_its_own_types() {
    let node = alone().await;
    let _inside = node.enter();
    let shelf = Shelf::<u64, 9>::start(5).await.expect("it starts");
    assert_eq!(shelf.room().await, Ok((1, true)));
    node.stop().await;
}
