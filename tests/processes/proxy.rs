//! `Proxy`: a man in the middle, who listens, repeats what he heard, and changes it.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Stands between the nodes that dial it and the one behind it.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    server: Arc<Mutex<SocketAddr>>,
    connections: Connections,
}

/// In the order in which they were dialled.
type Connections = Arc<Mutex<Vec<Arc<Connection>>>>;

/// What went over one connection.
#[derive(Default)]
struct Connection {
    from_client: Mutex<Vec<u8>>,
    from_server: Mutex<Vec<u8>>,
    /// The directions that have ended.
    ended: AtomicUsize,
    /// Whether the next bytes of the client are to be changed.
    flips: AtomicBool,
}

impl Proxy {
    pub(crate) fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Connections::default();
        let carried = Arc::clone(&connections);
        let server = Arc::new(Mutex::new(server));
        let target = Arc::clone(&server);
        // It waits for connections until the test's process ends.
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let server = *target.lock().unwrap();
                carried.lock().unwrap().push(carry(client, server));
            }
        });
        Self {
            address,
            server,
            connections,
        }
    }

    /// Leads those that dial from now on to another node.
    pub(crate) fn lead_to(&self, server: SocketAddr) {
        *self.server.lock().unwrap() = server;
    }

    /// How many connections there have been.
    pub(crate) fn carried(&self) -> usize {
        self.connections.lock().unwrap().len()
    }

    /// Changes one bit of what the client sends next on its last connection.
    pub(crate) fn flip_a_bit(&self) {
        let connections = self.connections.lock().unwrap();
        let last = connections.last().expect("the client has dialled");
        last.flips.store(true, Ordering::SeqCst);
    }

    /// How many connections have ended in both directions.
    pub(crate) fn ended(&self) -> usize {
        let connections = self.connections.lock().unwrap();
        let both = |connection: &&Arc<Connection>| connection.ended.load(Ordering::SeqCst) == 2;
        connections.iter().filter(both).count()
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
        let connections = self.connections.lock().unwrap();
        let each = connections.iter();
        each.map(|connection| which(connection).lock().unwrap().clone())
            .collect()
    }
}

fn carry(client: TcpStream, server: SocketAddr) -> Arc<Connection> {
    let server = TcpStream::connect(server).unwrap();
    let (answers, asker) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    let connection = Arc::<Connection>::default();
    let (there, back) = (Arc::clone(&connection), Arc::clone(&connection));
    std::thread::spawn(move || {
        copy(client, server, |bytes| {
            if there.flips.swap(false, Ordering::SeqCst) {
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
            }
            there.from_client.lock().unwrap().extend_from_slice(bytes);
        });
        there.ended.fetch_add(1, Ordering::SeqCst);
    });
    std::thread::spawn(move || {
        copy(answers, asker, |bytes| {
            back.from_server.lock().unwrap().extend_from_slice(bytes);
        });
        back.ended.fetch_add(1, Ordering::SeqCst);
    });
    connection
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
