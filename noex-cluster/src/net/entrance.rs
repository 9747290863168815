//! `Entrance`: where strangers come in, until they have proved who they are.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::proto::handshake::FirstMessages;
use crate::proto::strangers::{Failures, GuestId, Guests, Network};

/// Where strangers come in; cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Entrance(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    guests: Guests,
    /// Dropping one asks its guest to leave.
    places: BTreeMap<GuestId, oneshot::Sender<()>>,
    failures: Failures,
    first_messages: FirstMessages,
}

/// One connection that has not proved who it is. Dropping it makes room for another.
#[derive(Debug)]
pub(super) struct Guest {
    entrance: Entrance,
    network: Network,
    id: GuestId,
    place: oneshot::Receiver<()>,
    delay: Duration,
}

impl Entrance {
    /// Lets one more in; another one has to go for it if there is no room.
    pub(super) fn admit(&self, address: IpAddr) -> Guest {
        let network = Network::from(address);
        let (place, taken) = oneshot::channel();
        let mut state = self.0.lock();
        let (id, displaced) = state.guests.admit(network);
        state.places.insert(id, place);
        if let Some(displaced) = displaced {
            state.places.remove(&displaced);
        }
        let delay = state.failures.delay(network, now());
        drop(state);
        Guest {
            entrance: self.clone(),
            network,
            id,
            place: taken,
            delay,
        }
    }

    /// Somebody at this address failed to prove that it knows the secret.
    pub(super) fn failed(&self, address: IpAddr) {
        self.0.lock().failures.failed(address.into(), now());
    }

    /// Somebody at this address proved to know the secret.
    pub(super) fn succeeded(&self, address: IpAddr) {
        self.0.lock().failures.succeeded(address.into());
    }

    /// Whether somebody at this address proved it since somebody there failed.
    pub(super) fn is_redeemed(&self, address: IpAddr) -> bool {
        self.0.lock().failures.is_redeemed(address.into())
    }

    /// Whether this first message came before.
    pub(super) fn is_replayed(&self, message: &[u8]) -> bool {
        self.0.lock().first_messages.has(message)
    }

    /// This first message came, made by somebody who knows the secret.
    pub(super) fn remember(&self, message: &[u8]) {
        self.0.lock().first_messages.remember(message);
    }
}

impl Guest {
    /// How long it has to wait before it is heard.
    pub(super) const fn delay(&self) -> Duration {
        self.delay
    }

    /// Waits until it has to go, to make room for another.
    pub(super) async fn displaced(&mut self) {
        // Nothing is ever sent: the other end is dropped.
        let _dropped = (&mut self.place).await;
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut state = self.entrance.0.lock();
        state.guests.leave(self.network, self.id);
        state.places.remove(&self.id);
    }
}

fn now() -> std::time::Instant {
    Instant::now().into_std()
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::proto::strangers::GUESTS_MAX;

    fn is_displaced(guest: &mut Guest) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        pin!(guest.displaced()).poll(&mut context) == Poll::Ready(())
    }

    #[test]
    fn who_is_displaced_hears_of_it_and_nobody_else() {
        let entrance = Entrance::default();
        let (flood, quiet) = ([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
        let mut member = entrance.admit(quiet);
        let mut flooding: Vec<Guest> = (0..GUESTS_MAX).map(|_| entrance.admit(flood)).collect();
        let displaced: Vec<bool> = flooding.iter_mut().map(is_displaced).collect();
        assert!(displaced[0] && displaced[1..].iter().all(|displaced| !displaced));
        assert!(!is_displaced(&mut member));
        drop(flooding);
        let state = entrance.0.lock();
        assert_eq!(state.places.len(), 1);
    }
}
