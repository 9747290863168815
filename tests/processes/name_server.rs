//! `NameServer`: a DNS server whose answers the test changes.

use std::net::{IpAddr, UdpSocket};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use simple_dns::rdata::RData;
use simple_dns::{CLASS, Packet, PacketFlag, QTYPE, RCODE, ResourceRecord, TYPE};

use crate::namespace::{NAME_SERVER, Namespace};

/// Knows one name. It serves until the test's process ends.
pub(crate) struct NameServer {
    zone: Arc<Mutex<Zone>>,
}

#[derive(Default)]
struct Zone {
    /// The addresses behind the name; without any, there is no such name.
    addresses: Vec<IpAddr>,
    /// How often IPv4 and IPv6 addresses were asked for.
    asked: [usize; 2],
}

impl NameServer {
    /// The name that it knows.
    pub(crate) const NAME: &str = "nodes.test";

    /// Serves in the namespace, at the address that its resolver asks.
    pub(crate) fn start(namespace: &Arc<Namespace>) -> Self {
        let zone = Arc::<Mutex<Zone>>::default();
        let (served, namespace) = (Arc::clone(&zone), Arc::clone(namespace));
        let (ready, is_ready) = channel();
        std::thread::spawn(move || {
            namespace.enter();
            let socket = UdpSocket::bind(NAME_SERVER).unwrap();
            drop(namespace);
            ready.send(()).unwrap();
            serve(&socket, &served);
        });
        is_ready.recv().expect("it serves");
        Self { zone }
    }

    /// Has this answer from now on.
    pub(crate) fn set(&self, addresses: &[&str]) {
        let addresses = addresses.iter().map(|address| address.parse().unwrap());
        self.zone.lock().unwrap().addresses = addresses.collect();
    }

    /// How often IPv4 and IPv6 addresses were asked for so far.
    pub(crate) fn asked(&self) -> [usize; 2] {
        self.zone.lock().unwrap().asked
    }
}

fn serve(socket: &UdpSocket, zone: &Mutex<Zone>) {
    let mut buffer = [0; 1_500];
    while let Ok((length, from)) = socket.recv_from(&mut buffer) {
        let Ok(query) = Packet::parse(&buffer[..length]) else {
            continue;
        };
        let answer = answer(query, &mut zone.lock().unwrap());
        // A resolver that has gone asks again.
        drop(socket.send_to(&answer, from));
    }
}

fn answer(query: Packet<'_>, zone: &mut Zone) -> Vec<u8> {
    let mut reply = Packet::new_reply(query.id());
    reply.set_flags(PacketFlag::RECURSION_DESIRED | PacketFlag::RECURSION_AVAILABLE);
    reply.questions = query.questions;
    let questions = reply.questions.clone();
    for question in &questions {
        let kind = question.qtype;
        zone.asked[0] += usize::from(kind == QTYPE::TYPE(TYPE::A));
        zone.asked[1] += usize::from(kind == QTYPE::TYPE(TYPE::AAAA));
        if question.qname.to_string() != NameServer::NAME || zone.addresses.is_empty() {
            *reply.rcode_mut() = RCODE::NameError;
            continue;
        }
        for address in &zone.addresses {
            let data = match *address {
                IpAddr::V4(address) => RData::A(address.into()),
                IpAddr::V6(address) => RData::AAAA(address.into()),
            };
            let record = ResourceRecord::new(question.qname.clone(), CLASS::IN, 0, data);
            if record.match_qtype(kind) {
                reply.answers.push(record);
            }
        }
    }
    reply.build_bytes_vec().expect("it fits a packet")
}
