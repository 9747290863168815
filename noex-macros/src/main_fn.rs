//! `#[noex::main]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::{Parse, ParseStream};
use syn::{Error, Ident, ItemFn, LitInt, Token, parse2};

/// What stands in the parentheses of the attribute.
#[derive(Default)]
struct Arguments {
    worker_threads: Option<LitInt>,
}

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut arguments = Self::default();
        while !input.is_empty() {
            let key: Ident = input.parse()?;
            if key != "worker_threads" {
                let hint = "unknown argument; write `worker_threads = 4`, or no argument";
                return Err(Error::new(key.span(), hint));
            }
            input.parse::<Token![=]>()?;
            let value: LitInt = input.parse()?;
            if value.base10_parse::<usize>()? == 0 {
                return Err(Error::new(
                    value.span(),
                    "a runtime needs a worker thread: write `worker_threads = 1`, or more",
                ));
            }
            arguments.worker_threads = Some(value);
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(arguments)
    }
}

/// The expansion, or the errors in its place.
pub(crate) fn expand(arguments: TokenStream, function: TokenStream) -> TokenStream {
    let original = function.clone();
    parse2(arguments)
        .and_then(|arguments| rewrite(&arguments, function))
        .unwrap_or_else(|error| {
            let (error, original) = (error.to_compile_error(), set_aside(original));
            quote! { #error #original }
        })
}

/// A function with mistakes, under another name: the compiler says nothing of an async `main`.
fn set_aside(function: TokenStream) -> TokenStream {
    let Ok(mut function) = parse2::<ItemFn>(function.clone()) else {
        return function;
    };
    let name = function.sig.ident;
    function.sig.ident = Ident::new("body", name.span());
    quote! {
        fn #name() {
            #[allow(dead_code)]
            #function
        }
    }
}

fn rewrite(arguments: &Arguments, function: TokenStream) -> syn::Result<TokenStream> {
    let ItemFn {
        attrs,
        vis,
        sig,
        block,
        ..
    } = parse2(function)?;
    if sig.asyncness.is_none() {
        let hint = "#[noex::main] stands on an async function: write `async fn`";
        return Err(Error::new_spanned(sig.fn_token, hint));
    }
    if !sig.inputs.is_empty() {
        let hint = "the entry point takes no arguments: write `async fn main()`; \
                    `noex::Node::current()` is its node";
        return Err(Error::new_spanned(&sig.inputs, hint));
    }
    if !sig.generics.params.is_empty() {
        let hint = "the entry point can't be generic: write `async fn main()`";
        return Err(Error::new_spanned(&sig.generics, hint));
    }
    let (name, output) = (&sig.ident, &sig.output);
    let threads = match &arguments.worker_threads {
        Some(threads) => quote! { ::core::option::Option::Some(#threads) },
        None => quote! { ::core::option::Option::None },
    };
    Ok(quote! {
        #(#attrs)*
        #vis fn #name() -> ::std::process::ExitCode {
            async fn body() #output #block
            ::noex::__private::run(#threads, body)
        }
    })
}
