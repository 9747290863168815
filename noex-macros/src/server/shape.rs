//! `Shape`: how the variant of a message is written.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};

use super::handler::{Handler, Kind};

/// How the variant of a message is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// `Poke`: there is nothing in it.
    Unit,
    /// `Get(reply)`: a call without arguments, which is made from its reply handle alone.
    OfReply,
    /// `Add { by }`.
    Named,
}

impl Shape {
    pub(crate) fn of(handler: &Handler) -> Self {
        match (handler.fields().len(), handler.kind) {
            (0, _) => Self::Unit,
            (1, Kind::Call) => Self::OfReply,
            _ => Self::Named,
        }
    }

    /// The variant at `path` with a value, or a pattern, for each of its fields.
    pub(crate) fn fill(
        self,
        path: &TokenStream,
        fields: &[Ident],
        values: &[impl ToTokens],
    ) -> TokenStream {
        match self {
            Self::Unit => quote! { #path },
            Self::OfReply => quote! { #path(#(#values),*) },
            Self::Named => quote! { #path { #(#fields: #values),* } },
        }
    }
}
