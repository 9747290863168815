//! `Proxy`: a man in the middle, who listens, repeats what he heard, and changes it.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Stands between the nodes that dial it and the one behind it.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    connections: Mutex<Vec<Arc<Connection>>>,
    /// Whether the next bytes of a client are to be changed, on whichever connection.
    flips: AtomicBool,
}

/// What went over one connection.
#[derive(Default)]
struct Connection {
    from_client: Mutex<Vec<u8>>,
    from_server: Mutex<Vec<u8>>,
    /// The directions that have ended.
    ended: AtomicUsize,
    is_flipped: AtomicBool,
}

impl Proxy {
    pub(crate) fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::<State>::default();
        let shared = Arc::clone(&state);
        // It waits for connections until the test's process ends.
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                carry(client, TcpStream::connect(server).unwrap(), &shared);
            }
        });
        Self { address, state }
    }

    /// Changes one bit of what a client sends next.
    pub(crate) fn flip_a_bit(&self) {
        self.state.flips.store(true, Ordering::SeqCst);
    }

    /// Whether the connection on which a bit was changed has ended, in both directions.
    pub(crate) fn flipped_has_ended(&self) -> bool {
        let connections = self.state.connections.lock().unwrap();
        let mut flipped = connections
            .iter()
            .filter(|connection| connection.is_flipped.load(Ordering::SeqCst));
        flipped.any(|connection| connection.ended.load(Ordering::SeqCst) == 2)
    }

    /// What the client of each connection has sent.
    pub(crate) fn heard_from_clients(&self) -> Vec<Vec<u8>> {
        self.recorded(|connection| &connection.from_client)
    }

    /// What was sent back on each connection.
    pub(crate) fn heard_from_server(&self) -> Vec<Vec<u8>> {
        self.recorded(|connection| &connection.from_server)
    }

    fn recorded(&self, which: impl Fn(&Connection) -> &Mutex<Vec<u8>>) -> Vec<Vec<u8>> {
        let connections = self.state.connections.lock().unwrap();
        let each = connections.iter();
        each.map(|connection| which(connection).lock().unwrap().clone())
            .collect()
    }
}

fn carry(client: TcpStream, server: TcpStream, state: &Arc<State>) {
    let connection = Arc::<Connection>::default();
    state
        .connections
        .lock()
        .unwrap()
        .push(Arc::clone(&connection));
    let (answers, asker) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    let (there, shared) = (Arc::clone(&connection), Arc::clone(state));
    std::thread::spawn(move || {
        copy(client, server, |bytes| {
            if shared.flips.swap(false, Ordering::SeqCst) {
                there.is_flipped.store(true, Ordering::SeqCst);
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
            }
            there.from_client.lock().unwrap().extend_from_slice(bytes);
        });
        there.ended.fetch_add(1, Ordering::SeqCst);
    });
    std::thread::spawn(move || {
        copy(answers, asker, |bytes| {
            connection
                .from_server
                .lock()
                .unwrap()
                .extend_from_slice(bytes);
        });
        connection.ended.fetch_add(1, Ordering::SeqCst);
    });
}

fn copy(mut from: TcpStream, mut to: TcpStream, mut see: impl FnMut(&mut [u8])) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        see(&mut buffer[..length]);
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    // The other end may have closed it already.
    let _already_closed = to.shutdown(Shutdown::Write);
}
