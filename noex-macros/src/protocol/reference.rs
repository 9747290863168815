//! The reference to whatever accepts the protocol, with one method for each message.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;

use super::declaration::Declaration;
use crate::server::block::Server;
use crate::server::handler::{Handler, Kind};

/// `StoreRef`.
pub(super) fn expand(declaration: &Declaration) -> TokenStream {
    let (vis, protocol) = (&declaration.vis, &declaration.name);
    let name = declaration.named("Ref");
    let methods = declaration
        .handlers
        .iter()
        .map(|handler| method(declaration, handler));
    let allowances = Server::allowances();
    let doc = format!(
        "A reference to a server that accepts the protocol [`{protocol}`], whatever its type, here \
         or on another node.\n\nIt is made from a `ServerRef` of such a server, from its pid, or \
         from its name; cheap to clone; and travels as the pid. It is a \
         `noex::ProtocolRef<dyn {protocol}>` with the protocol's messages as methods."
    );
    let conversions = conversions(declaration, &name);
    quote! {
        #[doc = #doc]
        #[derive(
            ::core::clone::Clone, ::core::fmt::Debug, ::core::cmp::PartialEq, ::core::cmp::Eq,
            ::core::hash::Hash, ::noex::__private::serde::Serialize,
            ::noex::__private::serde::Deserialize
        )]
        #[serde(crate = "::noex::__private::serde", transparent)]
        #allowances
        #vis struct #name(::noex::ProtocolRef<dyn #protocol>);
        #allowances
        impl #name {
            #(#methods)*

            /// A reference to the server `pid`, here or on another node, that is held to accept
            /// the protocol. If it does not, calls fail with `CallError::WrongServer`.
            #[must_use]
            pub fn from_pid(pid: ::noex::Pid) -> Self {
                Self(::noex::ProtocolRef::from_pid(pid))
            }

            /// A reference to the server that holds the name now, and that is held to accept the
            /// protocol; `CallError::NoProcess` if nobody holds it.
            pub fn named(
                name: impl ::noex::Whereis,
            ) -> ::core::result::Result<Self, ::noex::CallError> {
                ::noex::ProtocolRef::named(name).map(Self)
            }
        }
        #conversions
    }
}

fn method(declaration: &Declaration, handler: &Handler) -> TokenStream {
    let (protocol, name) = (&declaration.name, &handler.name);
    let (calls, casts) = (declaration.named("Call"), declaration.named("Cast"));
    let handle = Ident::new("handle", Span::mixed_site());
    let names: Vec<_> = handler.given().map(|input| &input.name).collect();
    let types = handler.given().map(|input| &input.ty);
    let docs = handler.documentation();
    let head = quote! { #docs pub fn #name(&self, #(#names: #types),*) };
    let Some(reply) = handler
        .outcome
        .reply()
        .filter(|_| handler.kind == Kind::Call)
    else {
        let message = handler.message(&casts, &names, &handle);
        return quote! {
            #head -> ::core::result::Result<(), ::noex::CastError<#casts>> {
                self.0.cast(#message)
            }
        };
    };
    let message = handler.message(&calls, &names, &handle);
    quote! {
        #head -> ::noex::ProtocolCall<
            '_,
            dyn #protocol,
            #reply,
            impl ::core::ops::FnOnce(::noex::ReplyTo<#reply>) -> #calls + ::core::marker::Send,
        > {
            self.0.call(move |#handle| #message)
        }
    }
}

fn conversions(declaration: &Declaration, name: &Ident) -> TokenStream {
    let protocol = &declaration.name;
    let general = quote! { ::noex::ProtocolRef<dyn #protocol> };
    let from = quote! { ::core::convert::From };
    quote! {
        #[automatically_derived]
        impl<__S: ::noex::Accepts<dyn #protocol>> #from<&::noex::ServerRef<__S>> for #name {
            fn from(server: &::noex::ServerRef<__S>) -> Self {
                Self(#from::from(server))
            }
        }
        #[automatically_derived]
        impl<__S: ::noex::Accepts<dyn #protocol>> #from<::noex::ServerRef<__S>> for #name {
            fn from(server: ::noex::ServerRef<__S>) -> Self {
                Self(#from::from(server))
            }
        }
        #[automatically_derived]
        impl #from<#general> for #name {
            fn from(general: #general) -> Self {
                Self(general)
            }
        }
        #[automatically_derived]
        impl #from<#name> for #general {
            fn from(reference: #name) -> Self {
                reference.0
            }
        }
        /// What each reference has: its pid, and calls by hand.
        #[automatically_derived]
        impl ::core::ops::Deref for #name {
            type Target = #general;

            fn deref(&self) -> &Self::Target {
                &self.0
            }
        }
    }
}
