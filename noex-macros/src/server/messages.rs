//! The enums of messages: one for calls, one for casts, one for what a server goes on with.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::block::Server;
use super::handler::{Handler, Kind};
use super::outcome::Outcome;
use super::shape::Shape;

/// `CounterCall`, `CounterCast`, and `CounterContinue` if there is a `#[continue_]` handler.
pub(crate) fn expand(server: &Server) -> TokenStream {
    let calls = message_enum(
        server,
        Kind::Call,
        "What a server of this type can be asked.",
    );
    let casts = message_enum(
        server,
        Kind::Cast,
        "What a server of this type can be told.",
    );
    let has_continues = server.handlers(Kind::Continue).next().is_some();
    let continues = has_continues.then(|| {
        let doc = "What a server of this type can go on with; its context's `continue_with` takes \
                   it.";
        message_enum(server, Kind::Continue, doc)
    });
    quote! { #calls #casts #continues }
}

/// The type of the reply as it is in the message.
pub(crate) fn reply_type(handler: &Handler, local: bool) -> Option<TokenStream> {
    let reply = handler.outcome.reply()?;
    let is_wrapped = local && !matches!(handler.outcome, Outcome::Later { .. });
    Some(if is_wrapped {
        quote! { ::noex::Local<#reply> }
    } else {
        quote! { #reply }
    })
}

fn message_enum(server: &Server, kind: Kind, doc: &str) -> TokenStream {
    let (name, vis) = (server.messages(kind), &server.vis);
    let (generics, clause) = (&server.generics, &server.generics.where_clause);
    let variants = server
        .handlers(kind)
        .map(|handler| variant(handler, server.local));
    let travels = !server.local && kind != Kind::Continue;
    let unused = server.has_types().then(|| unused_variant(server, travels));
    let allowances = Server::allowances();
    let derives = travels.then(|| derives(server.has_types()));
    let impls = (server.local && kind != Kind::Continue).then(|| stay(server, &name));
    quote! {
        #[doc = #doc]
        #derives
        #allowances
        #[non_exhaustive]
        #vis enum #name #generics #clause {
            #(#variants,)*
            #unused
        }
        #impls
    }
}

/// One message of an enum.
pub(crate) fn variant(handler: &Handler, local: bool) -> TokenStream {
    let Handler {
        variant,
        cfgs,
        inputs,
        ..
    } = handler;
    let shape = Shape::of(handler);
    let name = |name: &Ident| (shape == Shape::Named).then(|| quote! { #name: });
    let mut fields: Vec<TokenStream> = inputs
        .iter()
        .map(|input| {
            let (ty, doc) = (&input.ty, format!("The handler's `{}`.", input.name));
            let name = name(&input.name);
            quote! { #[doc = #doc] #name #ty }
        })
        .collect();
    if let Some((field, reply)) = handler.added_reply_field().zip(reply_type(handler, local)) {
        let name = name(&field);
        fields.push(quote! { #[doc = "Answers the call."] #name ::noex::ReplyTo<#reply> });
    }
    let fields = match shape {
        Shape::Unit => TokenStream::new(),
        Shape::OfReply => quote! { (#(#fields),*) },
        Shape::Named => quote! { { #(#fields),* } },
    };
    let docs = handler.documentation();
    quote! { #docs #(#cfgs)* #variant #fields }
}

/// A variant that can't be, for the type parameters that no message has.
fn unused_variant(server: &Server, travels: bool) -> TokenStream {
    let types = server
        .generics
        .type_params()
        .map(|parameter| &parameter.ident);
    let skip = travels.then(|| quote! { #[serde(skip)] });
    quote! {
        #[doc(hidden)]
        #skip
        __Unused(
            ::core::convert::Infallible,
            ::core::marker::PhantomData<fn() -> (#(::core::marker::PhantomData<#types>,)*)>,
        ),
    }
}

/// The bounds of the block are all that serde may ask for: `Wire` says it in one word.
pub(crate) fn derives(has_types: bool) -> TokenStream {
    let bounds = has_types.then(|| quote! { , bound(serialize = "", deserialize = "") });
    quote! {
        #[derive(::noex::__private::serde::Serialize, ::noex::__private::serde::Deserialize)]
        #[serde(crate = "::noex::__private::serde" #bounds)]
    }
}

/// Messages that are refused when they are to leave their node, whatever is in them.
fn stay(server: &Server, name: &Ident) -> TokenStream {
    let (_, types, clause) = server.generics.split_for_impl();
    let parameters = &server.generics.params;
    let parameters: Vec<_> = parameters.iter().collect();
    quote! {
        #[automatically_derived]
        impl<#(#parameters),*> ::noex::__private::serde::Serialize for #name #types #clause {
            fn serialize<__S: ::noex::__private::serde::Serializer>(
                &self,
                serializer: __S,
            ) -> ::core::result::Result<__S::Ok, __S::Error> {
                ::noex::__private::refuse_to_leave(serializer)
            }
        }
        #[automatically_derived]
        impl<'de, #(#parameters),*> ::noex::__private::serde::Deserialize<'de>
            for #name #types #clause
        {
            fn deserialize<__D: ::noex::__private::serde::Deserializer<'de>>(
                deserializer: __D,
            ) -> ::core::result::Result<Self, __D::Error> {
                ::noex::__private::refuse_to_come(deserializer)
            }
        }
    }
}
