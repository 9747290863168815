//! `Nature`: what is the same for all processes of a type.

use std::any::Any;

use super::MessageKind;

/// What is the same for all processes of a type, for those who look at one: whose server it is,
/// and what kinds its messages are of. A layer that runs servers notes it at the spawn.
#[derive(Debug, Clone, Copy)]
pub struct Nature {
    server: Option<fn() -> &'static str>,
    kind: fn(&dyn Any) -> MessageKind,
}

impl Nature {
    /// A process that is no server.
    pub const PLAIN: Self = Self {
        server: None,
        kind: plain,
    };

    /// A server of the type that `name` gives; `kind` is asked for messages of the process's own
    /// type alone.
    #[must_use]
    pub const fn server(name: fn() -> &'static str, kind: fn(&dyn Any) -> MessageKind) -> Self {
        Self {
            server: Some(name),
            kind,
        }
    }

    pub(super) fn server_type(&self) -> Option<&'static str> {
        self.server.map(|name| name())
    }

    pub(crate) fn kind_of(&self, message: &dyn Any) -> MessageKind {
        (self.kind)(message)
    }
}

const fn plain(_message: &dyn Any) -> MessageKind {
    MessageKind::Message
}
