//! `ServerType`: a server type that a node may start for another one.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use noex_core::{CallError, LocalNode, Pid, Wire};
use noex_gen_server::{GenServer, Start, StartError};
use noex_registry::Global;
use serde::{Deserialize, Serialize};

/// How deep arguments may nest; more could overflow a worker's stack.
const DEPTH_MAX: usize = 64;

/// A server type that a node may start for another one.
pub struct ServerType {
    pub(super) protocol: fn() -> &'static str,
    pub(super) start: fn(&LocalNode, StartRequest) -> Starting,
}

inventory::collect!(ServerType);

/// What to start, and for whom.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StartRequest {
    /// The type's [`protocol`](GenServer::protocol) name.
    pub(crate) protocol: String,
    /// Its `Args`, encoded.
    pub(crate) args: Vec<u8>,
    /// The cluster-wide name to start it under.
    pub(crate) global_name: Option<String>,
    /// The process that may hold the name still, and is to lose it.
    pub(crate) replaces: Option<Pid>,
    /// The process that it is linked with.
    pub(crate) parent: Pid,
    /// How long its `init` may take.
    pub(crate) timeout: Duration,
}

type Starting = Pin<Box<dyn Future<Output = Result<Pid, StartError>> + Send>>;

impl ServerType {
    /// The server type `S`.
    #[must_use]
    pub const fn of<S: GenServer<Args: Wire>>() -> Self {
        Self {
            protocol: S::protocol,
            start: |node, request| match plan::<S>(node, request) {
                Ok(start) => Box::pin(async move { start.await.map(|server| server.pid()) }),
                Err(error) => Box::pin(async move { Err(error) }),
            },
        }
    }
}

impl fmt::Debug for ServerType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerType({})", (self.protocol)())
    }
}

fn plan<S: GenServer<Args: Wire>>(
    node: &LocalNode,
    request: StartRequest,
) -> Result<Start<S>, StartError> {
    let args = {
        // References to servers find their node while they are decoded.
        let _inside = node.enter();
        decode_args(&request.args).map_err(StartError::Node)?
    };
    let start = S::start(args)
        .on(node)
        .link_with(request.parent)
        .timeout(request.timeout);
    Ok(match (request.global_name, request.replaces) {
        (None, _) => start,
        (Some(name), None) => start.name(Global::claim(name)),
        (Some(name), Some(former)) => start.name(Global::claim(name).replacing(former)),
    })
}

/// Encodes arguments, as messages are encoded: with named fields.
pub(crate) fn encode_args<T: Wire>(args: &T) -> Result<Vec<u8>, Arc<str>> {
    rmp_serde::to_vec_named(args).map_err(|error| error.to_string().into())
}

fn decode_args<T: Wire>(bytes: &[u8]) -> Result<T, CallError> {
    let mut decoder = rmp_serde::Deserializer::from_read_ref(bytes);
    decoder.set_max_depth(DEPTH_MAX);
    T::deserialize(&mut decoder).map_err(|error| CallError::Codec(error.to_string().into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_that_are_no_arguments_are_refused() {
        let bytes = encode_args(&"text".to_owned()).unwrap();
        assert!(matches!(
            decode_args::<u32>(&bytes),
            Err(CallError::Codec(_))
        ));
    }
}
