//! `Proxy`: a man in the middle, who listens, repeats what he heard, and changes it.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// The bytes of a connection before its first message.
const PREAMBLE_SIZE: usize = 5;

/// Stands between the nodes that dial it and the one behind it.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    server: Arc<Mutex<SocketAddr>>,
    connections: Connections,
}

/// In the order in which they were dialled.
type Connections = Arc<Mutex<Vec<Arc<Connection>>>>;

/// What to do with the next message or record of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    /// Change one bit.
    Flip,
    /// Send it behind the one that follows it.
    Swap,
    /// Send it twice.
    Repeat,
    /// Send it back to where it came from.
    Reflect,
    /// Send half of it, and close the connection as if that were all.
    Truncate,
}

/// Who sends what is meddled with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum From {
    Client,
    Server,
}

/// What went over one connection.
#[derive(Default)]
struct Connection {
    from_client: Mutex<Vec<u8>>,
    from_server: Mutex<Vec<u8>>,
    /// The directions that have ended.
    ended: AtomicUsize,
    /// What is to be done with which message or record, counted from nought; `None` is the next.
    deed: Mutex<Option<(From, Option<usize>, Deed)>>,
}

impl Proxy {
    /// Passes on what it hears.
    pub(crate) fn start(server: SocketAddr) -> Self {
        Self::listen(server, None)
    }

    /// Does `deed` with the message of that number on the first connection.
    pub(crate) fn start_with(server: SocketAddr, from: From, number: usize, deed: Deed) -> Self {
        Self::listen(server, Some((from, Some(number), deed)))
    }

    fn listen(server: SocketAddr, mut deed: Option<(From, Option<usize>, Deed)>) -> Self {
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
                let connection = Arc::new(Connection {
                    deed: Mutex::new(deed.take()),
                    ..Connection::default()
                });
                carried.lock().unwrap().push(Arc::clone(&connection));
                carry(client, server, &connection);
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

    /// Does this with the next message or record on the last connection.
    pub(crate) fn meddle(&self, from: From, deed: Deed) {
        let connections = self.connections.lock().unwrap();
        let last = connections.last().expect("the client has dialled");
        *last.deed.lock().unwrap() = Some((from, None, deed));
    }

    /// Whether what was to be meddled with on the last connection has come.
    pub(crate) fn has_meddled(&self) -> bool {
        let connections = self.connections.lock().unwrap();
        let last = connections.last().expect("the client has dialled");
        last.deed.lock().unwrap().is_none()
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

fn carry(client: TcpStream, server: SocketAddr, connection: &Arc<Connection>) {
    let server = TcpStream::connect(server).unwrap();
    let both = |stream: &TcpStream| stream.try_clone().unwrap();
    for (who, from, to) in [
        (From::Client, both(&client), both(&server)),
        (From::Server, server, client),
    ] {
        let connection = Arc::clone(connection);
        std::thread::spawn(move || {
            // A stream that ends within a message is as good as one that ends behind it.
            let _ended = pass_on(who, &from, &to, &connection);
            // The other end may have closed it already.
            let _already_closed = to.shutdown(Shutdown::Write);
            connection.ended.fetch_add(1, Ordering::SeqCst);
        });
    }
}

/// Passes on what comes, message by message, until the stream ends.
fn pass_on(
    who: From,
    from: &TcpStream,
    mut to: &TcpStream,
    connection: &Connection,
) -> io::Result<()> {
    let hear = |size| connection.hear(who, from, size);
    let message = || -> io::Result<Vec<u8>> {
        let length = hear(2)?;
        let size = u16::from_be_bytes([length[0], length[1]]);
        Ok([length, hear(size.into())?].concat())
    };
    if who == From::Client {
        to.write_all(&hear(PREAMBLE_SIZE)?)?;
    }
    for number in 0.. {
        let mut bytes = message()?;
        match connection.take_deed(who, number) {
            None => to.write_all(&bytes)?,
            Some(Deed::Flip) => {
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
                to.write_all(&bytes)?;
            }
            Some(Deed::Swap) => to.write_all(&[message()?, bytes].concat())?,
            Some(Deed::Repeat) => to.write_all(&[&bytes[..], &bytes].concat())?,
            Some(Deed::Reflect) => {
                let mut back = from;
                back.write_all(&bytes)?;
            }
            Some(Deed::Truncate) => return to.write_all(&bytes[..bytes.len() / 2]),
        }
    }
    Ok(())
}

impl Connection {
    /// Reads so many bytes, and remembers them.
    fn hear(&self, who: From, mut from: &TcpStream, size: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; size];
        from.read_exact(&mut bytes)?;
        let heard = match who {
            From::Client => &self.from_client,
            From::Server => &self.from_server,
        };
        heard.lock().unwrap().extend_from_slice(&bytes);
        Ok(bytes)
    }

    fn take_deed(&self, who: From, number: usize) -> Option<Deed> {
        let is_meant = |deed: &mut (From, Option<usize>, Deed)| {
            deed.0 == who && deed.1.is_none_or(|wanted| wanted == number)
        };
        let deed = self.deed.lock().unwrap().take_if(is_meant);
        deed.map(|(_, _, deed)| deed)
    }
}
