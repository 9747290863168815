//! The address that a node listens on, and the one under which others reach it.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, TcpListener, UdpSocket};

use crate::bind_error::BindError;
use crate::pod::pod_name;

/// Where the operating system keeps the names that it knows without asking anybody.
const HOSTS: &str = "/etc/hosts";

/// Binds the port.
pub(crate) fn listen(host: &str, port: u16) -> Result<TcpListener, BindError> {
    let bind = || -> io::Result<TcpListener> {
        let listener = TcpListener::bind((host, port))?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    };
    bind().map_err(|source| BindError::Listen {
        address: if host.contains(':') {
            format!("[{host}]:{port}")
        } else {
            format!("{host}:{port}")
        },
        source,
    })
}

/// The ways on which a datagram socket can be sent out: from any own address to one that is
/// reserved for documentation.
const WAYS: [(&str, &str); 2] = [("0.0.0.0:0", "192.0.2.1:9"), ("[::]:0", "[2001:db8::1]:9")];

/// The host under which others reach a node that listens on every address of the family of
/// `listen`: the DNS name of the pod if it is one that has one, else the address from which this
/// machine reaches others.
pub(crate) fn own_host(listen: &str) -> String {
    let (ipv4, ipv6) = WAYS.split_at(1);
    let hears_ipv4_alone = listen.parse::<Ipv4Addr>().is_ok();
    let found = own_address(if hears_ipv4_alone { ipv4 } else { &WAYS });
    let is_deaf = hears_ipv4_alone && found.is_none() && own_address(ipv6).is_some();
    if is_deaf {
        tracing::warn!(
            listen,
            "this machine reaches others by IPv6 alone, over which the node does not listen; set \
             `listen` to `::`"
        );
    }
    pod_host().unwrap_or_else(|| {
        if found.is_none() && !is_deaf {
            tracing::warn!(
                "this machine has no route to others, so the node advertises its loopback \
                 address; set `advertise` to the address under which others reach it"
            );
        }
        found.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)).to_string()
    })
}

/// A pod of a `StatefulSet` keeps its DNS name when it is started anew, and with it the node's
/// identity; its address changes.
fn pod_host() -> Option<String> {
    std::env::var_os("KUBERNETES_SERVICE_HOST")?;
    let hostname = std::env::var("HOSTNAME").ok()?;
    match fs::read_to_string(HOSTS) {
        Ok(hosts) => pod_name(&hosts, &hostname),
        Err(error) => {
            tracing::debug!(%error, "{HOSTS} can't be read; the pod's DNS name is not known");
            None
        }
    }
}

/// A datagram socket learns its own address when it is connected; nothing is sent for that.
fn own_address(ways: &[(&str, &str)]) -> Option<IpAddr> {
    ways.iter().find_map(|(own, other)| {
        let socket = UdpSocket::bind(own).ok()?;
        socket.connect(other).ok()?;
        let address = socket.local_addr().ok()?.ip();
        (!address.is_unspecified()).then_some(address)
    })
}
