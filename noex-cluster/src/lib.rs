//! Discovery, authenticated sessions, membership and the wire format.

mod proto;
