//! `Spawner`: starts servers of this node for supervisors on other ones.

use std::collections::BTreeMap;

use noex_core::{CallError, Creation, ExitReason, LocalNode, Pid, ReplyTo, Target};
use noex_gen_server::{Address, Context, Dest, Flow, GenServer, Start, StartError};
use serde::{Deserialize, Serialize};

use super::server_type::{ServerType, StartRequest};
use crate::tasks::Tasks;

/// The local name of each node's spawner.
const NAME: &str = "noex.spawner";

/// Starts servers of its node for supervisors on other ones; one on each node.
///
/// It knows the types that were given to [`register_server!`](crate::register_server). A slow
/// `init` keeps nobody else waiting. If the spawner ends, so does what it was starting.
///
/// # Examples
/// ```
/// use noex_core::LocalNode;
/// use noex_supervisor::Spawner;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let node = LocalNode::start("a@127.0.0.1:4369".parse()?);
/// let spawner = Spawner::start(&node).await?;
/// assert_eq!(node.whereis("noex.spawner"), Some(spawner.pid()));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Spawner {
    server_types: BTreeMap<&'static str, &'static ServerType>,
    starts: Tasks,
}

/// What a spawner can be asked.
#[derive(Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub enum SpawnerCall {
    /// Starts a server.
    Start(StartRequest, ReplyTo<Result<Pid, StartError>>),
}

impl Spawner {
    /// Starts the spawner of `node`.
    ///
    /// # Errors
    /// [`StartError::AlreadyStarted`] if it has one.
    pub fn start(node: &LocalNode) -> Start<Self> {
        <Self as GenServer>::start(()).on(node).name(NAME)
    }
}

impl GenServer for Spawner {
    type Args = ();
    type Call = SpawnerCall;
    type Cast = ();

    async fn init(_args: (), _cx: &mut Context<Self>) -> Result<Self, ExitReason> {
        let mut server_types = BTreeMap::new();
        for server_type in inventory::iter::<ServerType> {
            let protocol = (server_type.protocol)();
            if server_types.insert(protocol, server_type).is_some() {
                tracing::error!(protocol, "registered twice; one of them is never started");
            }
        }
        Ok(Self {
            server_types,
            starts: Tasks::default(),
        })
    }

    async fn handle_call(&mut self, call: SpawnerCall, cx: &mut Context<Self>) -> Flow {
        let SpawnerCall::Start(request, reply) = call;
        let Some(server_type) = self.server_types.get(request.protocol.as_str()) else {
            reply.send(Err(StartError::UnknownType(request.protocol.into())));
            return Flow::Continue;
        };
        let (node, start) = (cx.node().clone(), server_type.start);
        // What decodes the arguments is user code: it runs, and may panic, in the task.
        self.starts
            .spawn(async move { reply.send(start(&node, request).await) });
        Flow::Continue
    }

    /// Fixed, so that the module can move.
    fn protocol() -> &'static str {
        "noex.spawner.1"
    }
}

/// The spawner of the node whose life is `creation`, seen from `node`.
#[derive(Debug, Clone)]
pub(crate) struct SpawnerAt {
    pub(crate) node: LocalNode,
    pub(crate) creation: Creation,
}

impl Dest<Spawner> for SpawnerAt {
    /// The own node's spawner is asked by the same path as any other.
    fn resolve(&self) -> Result<Address<Spawner>, CallError> {
        Ok(Address::Remote {
            node: self.node.clone(),
            target: Target::Named {
                node: self.creation,
                name: NAME.into(),
            },
        })
    }
}
