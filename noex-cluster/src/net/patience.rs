//! How long the operating system waits for a peer that does not answer, before it gives a
//! connection up.
//!
//! Heartbeats go over the sessions of the membership's rings alone. On any other session it would
//! take a quarter of an hour to notice that the way to the peer is cut. This is for control
//! connections: a peer that reads one too slowly is as good as gone, while a lane waits for its
//! readers, who may be busy.

use std::io;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};

/// The operating system counts the time between its own questions in seconds.
const QUESTION_INTERVAL_MIN: Duration = Duration::from_secs(1);

/// The longest that Linux lets pass between them.
const QUESTION_INTERVAL_MAX: Duration = Duration::from_secs(32_767);

/// The longest that Linux waits for an acknowledgement: it counts milliseconds in 31 bits.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "fuchsia"))]
const PATIENCE_MAX: Duration = Duration::from_millis(i32::MAX as u64);

/// How many of its questions fit into the patience, so that a lost one ends no connection.
const QUESTIONS: u32 = 3;

/// Gives the connection up when the peer's machine has not acknowledged what was sent, or the
/// questions of the operating system while nothing is sent, for about `patience`.
///
/// # Errors
/// What the operating system says. The connection then is as patient as it was.
pub(super) fn set_patience(socket: &SockRef<'_>, patience: Duration) -> io::Result<()> {
    let interval = (patience / QUESTIONS).clamp(QUESTION_INTERVAL_MIN, QUESTION_INTERVAL_MAX);
    let keepalive = TcpKeepalive::new()
        .with_time(interval)
        .with_interval(interval)
        .with_retries(QUESTIONS);
    socket.set_tcp_keepalive(&keepalive)?;
    #[cfg(any(target_os = "linux", target_os = "android", target_os = "fuchsia"))]
    socket.set_tcp_user_timeout(Some(patience.min(PATIENCE_MAX)))?;
    Ok(())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use socket2::{Domain, Socket, Type};

    use super::*;

    #[test]
    fn a_silent_peer_is_given_up_in_the_time_that_was_set() {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let patience = Duration::from_secs(15);
        set_patience(&SockRef::from(&socket), patience).unwrap();
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(patience));
        assert!(socket.keepalive().unwrap());
        assert_eq!(socket.tcp_keepalive_time().unwrap(), patience / 3);
        assert_eq!(socket.tcp_keepalive_interval().unwrap(), patience / 3);
        assert_eq!(socket.tcp_keepalive_retries().unwrap(), 3);
        set_patience(&SockRef::from(&socket), Duration::from_millis(100)).unwrap();
        assert_eq!(socket.tcp_keepalive_time().unwrap(), QUESTION_INTERVAL_MIN);
        // As long as a configuration may ask for.
        let longest = 1_000 * Duration::from_hours(1);
        set_patience(&SockRef::from(&socket), longest).unwrap();
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(PATIENCE_MAX));
        assert_eq!(socket.tcp_keepalive_time().unwrap(), QUESTION_INTERVAL_MAX);
    }
}
