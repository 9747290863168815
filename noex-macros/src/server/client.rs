//! The trait of the callers: one method for each call and cast.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;

use super::block::Server;
use super::handler::{Handler, Kind};
use super::messages::reply_type;
use super::outcome::Outcome;

/// `trait CounterClient`, for whatever is a `Callee` of it.
pub(crate) fn expand(server: &Server) -> TokenStream {
    let (name, ty, vis) = (server.client(), &server.ty, &server.vis);
    let (generics, clause) = (&server.generics, &server.generics.where_clause);
    let (_, types, _) = generics.split_for_impl();
    let parameters = generics.params.iter();
    let methods = server
        .handlers
        .iter()
        .map(|handler| method(server, handler));
    let allowances = Server::allowances();
    let doc = format!(
        "The calls and casts of a [`{}`], on a reference to it or a name.",
        server.name
    );
    quote! {
        #[doc = #doc]
        #allowances
        #vis trait #name #generics: ::noex::Callee<#ty> #clause {
            #(#methods)*
        }
        #[automatically_derived]
        #allowances
        impl<#(#parameters,)* __To: ::noex::Callee<#ty> + ?Sized> #name #types for __To #clause {}
    }
}

fn method(server: &Server, handler: &Handler) -> TokenStream {
    let Handler { name, cfgs, .. } = handler;
    let (ty, enumeration) = (&server.ty, server.messages(handler.kind));
    let (_, types, _) = server.generics.split_for_impl();
    let later = matches!(handler.outcome, Outcome::Later { .. });
    let docs = handler.documentation();
    let handle = Ident::new("handle", Span::mixed_site());
    let names: Vec<_> = handler.given().map(|input| &input.name).collect();
    let given = handler.given().map(|input| &input.ty);
    let head = quote! { #docs #(#cfgs)* fn #name(&self, #(#names: #given),*) };
    let message = handler.message(&enumeration, &names, &handle);
    match (handler.kind, reply_type(handler, server.local)) {
        (Kind::Call, Some(reply)) => {
            let make = quote! {
                impl ::core::ops::FnOnce(::noex::ReplyTo<#reply>) -> #enumeration #types
                    + ::core::marker::Send
            };
            let call = quote! {
                <#ty as ::noex::GenServer>::call(
                    self,
                    move |#handle| #message,
                )
            };
            match handler.outcome.reply().filter(|_| server.local && !later) {
                Some(reply) => quote! {
                    #head -> ::noex::LocalCall<#ty, #reply, &Self, #make> {
                        ::core::convert::From::from(#call)
                    }
                },
                None => quote! { #head -> ::noex::Call<#ty, #reply, &Self, #make> { #call } },
            }
        }
        (Kind::Cast, _) => quote! {
            #head -> ::core::result::Result<(), ::noex::CastError<#enumeration #types>> {
                <#ty as ::noex::GenServer>::cast(self, #message)
            }
        },
        _ => TokenStream::new(),
    }
}
