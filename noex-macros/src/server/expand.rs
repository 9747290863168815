//! Puts the expansion together, or the errors in its place.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, ImplItem, Item, ItemImpl, parse_quote, parse2};

use super::arguments::Arguments;
use super::block::Server;
use super::handler::Kind;
use super::{client, dispatch, messages};

/// The expansion, or the errors in its place.
pub(crate) fn expand(arguments: &TokenStream, item: &TokenStream) -> TokenStream {
    let block = match impl_block(item.clone()) {
        Ok(block) => block,
        Err(error) => {
            let error = error.to_compile_error();
            return quote! { #error #item };
        }
    };
    let server = parse2::<Arguments>(arguments.clone())
        .and_then(|arguments| Server::read(arguments, &block));
    let generated = match server {
        Ok(server) => {
            let (messages, client) = (messages::expand(&server), client::expand(&server));
            let dispatch = dispatch::expand(&server);
            // Each protocol has a macro of its name, which brings its messages along.
            let protocols = server.implements.iter();
            let carriers = protocols.map(|path| quote! { #path! { {#path} {#arguments} {#item} } });
            quote! { #messages #dispatch #client #(#carriers)* }
        }
        Err(error) => {
            let error = error.to_compile_error();
            let stub = may_serve(&block).then(|| dispatch::stub(&block));
            quote! { #error #stub }
        }
    };
    let block = without_markers(block);
    quote! { #block #generated }
}

/// Whether its type could be a server's, if there were no mistakes.
fn may_serve(block: &ItemImpl) -> bool {
    block.trait_.is_none() && block.generics.lifetimes().next().is_none()
}

fn impl_block(item: TokenStream) -> syn::Result<ItemImpl> {
    match parse2(item)? {
        Item::Impl(block) => Ok(block),
        other => {
            let hint = "#[noex::server] stands on the impl block that holds the handlers: \
                        write `#[noex::server] impl Counter { … }`";
            Err(Error::new_spanned(other, hint))
        }
    }
}

/// The block as it was, but for the markers. What a handler takes, and how, is the macro's wish.
fn without_markers(mut block: ItemImpl) -> ItemImpl {
    for item in &mut block.items {
        let ImplItem::Fn(function) = item else {
            continue;
        };
        let marked = function.attrs.iter().any(|attr| Kind::of(attr).is_some());
        function.attrs.retain(|attr| Kind::of(attr).is_none());
        if marked || function.sig.ident == "init" {
            function.attrs.push(parse_quote! {
                #[allow(
                    clippy::needless_pass_by_ref_mut, clippy::needless_pass_by_value,
                    clippy::trivially_copy_pass_by_ref, clippy::unused_async, clippy::unused_self
                )]
            });
        }
    }
    block
}
