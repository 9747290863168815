//! The messages of a protocol, and the protocol itself.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::declaration::Declaration;
use crate::server::block::Server;
use crate::server::handler::Kind;
use crate::server::messages::{derives, variant};

/// `StoreCall`, `StoreCast`, and `impl Protocol for dyn Store`.
pub(super) fn expand(declaration: &Declaration) -> TokenStream {
    let name = &declaration.name;
    let (calls, casts) = (declaration.named("Call"), declaration.named("Cast"));
    let doc = format!("What a server of the protocol [`{name}`] can be asked.");
    let call_enum = message_enum(declaration, Kind::Call, &doc);
    let doc = format!("What a server of the protocol [`{name}`] can be told.");
    let cast_enum = message_enum(declaration, Kind::Cast, &doc);
    let wire_name = match &declaration.wire_name {
        Some(wire_name) => quote! { #wire_name },
        None => quote! {
            ::core::concat!(::core::module_path!(), "::", ::core::stringify!(#name))
        },
    };
    let checks = declaration.handlers.iter().flat_map(|handler| {
        let types = handler.given().map(|input| &input.ty);
        types.chain(handler.outcome.reply())
    });
    // Without effect: the compiler says at the user's type that it can't travel.
    let checks = checks.map(|ty| {
        quote_spanned! { ty.span()=> ::noex::__private::is_message::<#ty>(); }
    });
    quote! {
        #call_enum
        #cast_enum
        const _: () = { #(#checks)* };
        #[automatically_derived]
        impl ::noex::Protocol for dyn #name {
            type Call = #calls;
            type Cast = #casts;
            const NAME: &'static str = #wire_name;
        }
    }
}

/// Whoever accepts the protocol matches all of it: the enum is exhaustive.
fn message_enum(declaration: &Declaration, kind: Kind, doc: &str) -> TokenStream {
    let name = match kind {
        Kind::Cast => declaration.named("Cast"),
        Kind::Call | Kind::Info | Kind::Continue | Kind::Terminate => declaration.named("Call"),
    };
    let variants = declaration
        .handlers(kind)
        .map(|handler| variant(handler, false));
    let (vis, derives, allowances) = (&declaration.vis, derives(false), Server::allowances());
    quote! {
        #[doc = #doc]
        #derives
        #allowances
        #vis enum #name { #(#variants,)* }
    }
}
