//! `implement!`: each message of a protocol meets the server's handler of the same name.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::{Error, ImplItem, ItemImpl, ItemTrait, Path, braced, parse2};

use super::declaration::{Arguments, Declaration};
use crate::server::block::Server;
use crate::server::handler::{Handler, Kind};
use crate::server::owned_type::said;

/// What the trait's carrier hands over.
struct Parts {
    declaration: Declaration,
    /// The protocol, as the server says it.
    path: Path,
    block: ItemImpl,
    server: Server,
}

impl Parse for Parts {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let group = || -> syn::Result<TokenStream> {
            let content;
            braced!(content in input);
            content.parse()
        };
        let item: ItemTrait = parse2(group()?)?;
        let (path, arguments, block) = (parse2(group()?)?, parse2(group()?)?, group()?);
        let block: ItemImpl = parse2(block)?;
        // What is wrong with the trait is told where it stands.
        let (declaration, _told_there) = Declaration::read(Arguments::default(), &item);
        Ok(Self {
            declaration,
            path,
            server: Server::read(arguments, &block)?,
            block,
        })
    }
}

/// `impl Accepts<dyn Store> for MemoryStore`, or the errors and an implementation that does
/// nothing.
pub(crate) fn implement(input: TokenStream) -> TokenStream {
    let parts = match parse2::<Parts>(input) {
        Ok(parts) => parts,
        Err(error) => return error.to_compile_error(),
    };
    let mut errors = Vec::new();
    let mut pairs = Vec::new();
    for message in &parts.declaration.handlers {
        match parts.handler_of(message) {
            Ok(handler) => pairs.push(Pair { message, handler }),
            Err(error) => errors.push(error.into_compile_error()),
        }
    }
    let (wrap_call, wrap_cast, unwrap_cast) = if errors.is_empty() {
        (
            parts.wrap(&pairs, Kind::Call),
            parts.wrap(&pairs, Kind::Cast),
            parts.unwrap(&pairs),
        )
    } else {
        let nothing = quote! { ::core::unreachable!() };
        (nothing.clone(), nothing.clone(), nothing)
    };
    let (ty, path, message) = (&parts.server.ty, &parts.path, local("message"));
    let (parameters, _, clause) = parts.server.generics.split_for_impl();
    let allowances = Server::allowances();
    quote! {
        #(#errors)*
        #[automatically_derived]
        #allowances
        #[allow(unreachable_patterns)]
        impl #parameters ::noex::Accepts<dyn #path> for #ty #clause {
            fn wrap_call(#message: <dyn #path as ::noex::Protocol>::Call) -> Self::Call {
                #wrap_call
            }

            fn wrap_cast(#message: <dyn #path as ::noex::Protocol>::Cast) -> Self::Cast {
                #wrap_cast
            }

            fn unwrap_cast(
                #message: Self::Cast,
            ) -> ::core::option::Option<<dyn #path as ::noex::Protocol>::Cast> {
                #unwrap_cast
            }
        }
    }
}

/// A message, and what handles it.
struct Pair<'a> {
    message: &'a Handler,
    handler: &'a Handler,
}

impl Parts {
    /// The handler of a message; the error says which to write.
    fn handler_of(&self, message: &Handler) -> syn::Result<&Handler> {
        let (protocol, name) = (&self.declaration.name, &message.name);
        let marker = marker(message.kind);
        let same_name = |handler: &&Handler| handler.name == *name;
        let Some(handler) = self.server.handlers.iter().find(same_name) else {
            let mut functions = self.block.items.iter().filter_map(|item| match item {
                ImplItem::Fn(function) => Some(&function.sig.ident),
                _ => None,
            });
            let hint = match functions.find(|function| *function == name) {
                Some(unmarked) => {
                    let hint = format!("`{protocol}` has a message `{name}`: mark this `{marker}`");
                    return Err(Error::new(unmarked.span(), hint));
                }
                None => format!(
                    "`{}` has no handler for a message of `{protocol}`: write `{marker} {}` in \
                     this block",
                    self.server.name,
                    signature(message),
                ),
            };
            return Err(Error::new_spanned(&self.path, hint));
        };
        if handler.kind != message.kind {
            let hint =
                format!("`{protocol}` says that `{name}` is another kind: mark it `{marker}`");
            return Err(Error::new(handler.name.span(), hint));
        }
        if handler.given().count() != message.given().count() {
            let hint = format!(
                "`{protocol}` says `{}`: take the same parameters",
                signature(message)
            );
            return Err(Error::new(handler.name.span(), hint));
        }
        Ok(handler)
    }

    fn wrap(&self, pairs: &[Pair<'_>], kind: Kind) -> TokenStream {
        let (given, message) = (local("__Given"), local("message"));
        let assoc = match kind {
            Kind::Cast => quote! { Cast },
            Kind::Call | Kind::Info | Kind::Continue | Kind::Terminate => quote! { Call },
        };
        let own = self.server.messages(kind);
        let arms = pairs.iter().filter(|pair| pair.message.kind == kind).map(
            |Pair { message, handler }| {
                let (names, reply) = (names(message), local("reply"));
                let inputs = handler.given().zip(&names);
                let inputs = inputs.map(|(input, name)| {
                    let (ty, name) = (&input.ty, at(name, input.ty.span()));
                    quote_spanned! { ty.span()=> ::noex::__private::same::<_, #ty>(#name) }
                });
                let inputs: Vec<_> = inputs.collect();
                let replies = handler.outcome.reply().map(|ty| {
                    let reply = at(&reply, ty.span());
                    quote_spanned! { ty.span()=> ::noex::__private::same_reply::<_, #ty>(#reply) }
                });
                let pattern = message.message(&given, &names, &reply);
                let wrapped = handler.message(&own, &inputs, &replies);
                let cfgs = &handler.cfgs;
                quote! { #(#cfgs)* #pattern => #wrapped }
            },
        );
        let path = &self.path;
        quote! {
            type #given = <dyn #path as ::noex::Protocol>::#assoc;
            match #message { #(#arms,)* }
        }
    }

    fn unwrap(&self, pairs: &[Pair<'_>]) -> TokenStream {
        let (given, own) = (local("__Given"), self.server.messages(Kind::Cast));
        let casts = pairs.iter().filter(|pair| pair.message.kind == Kind::Cast);
        let arms = casts.map(|Pair { message, handler }| {
            let (names, reply) = (names(message), local("reply"));
            let inputs = handler.given().zip(&names);
            let inputs = inputs.map(|(input, name)| {
                let ty = &input.ty;
                quote_spanned! { ty.span()=> ::noex::__private::same_again::<_, #ty>(#name) }
            });
            let inputs: Vec<_> = inputs.collect();
            let pattern = handler.message(&own, &names, &reply);
            let unwrapped = message.message(&given, &inputs, &reply);
            let cfgs = &handler.cfgs;
            quote! { #(#cfgs)* #pattern => ::core::option::Option::Some(#unwrapped) }
        });
        let (path, message) = (&self.path, local("message"));
        quote! {
            type #given = <dyn #path as ::noex::Protocol>::Cast;
            match #message { #(#arms,)* _ => ::core::option::Option::None }
        }
    }
}

/// Names of the expansion, which no name of the user meets.
fn local(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

/// The same name, of which the compiler speaks as if it stood there.
fn at(name: &Ident, place: Span) -> Ident {
    Ident::new(&name.to_string(), name.span().located_at(place))
}

fn names(message: &Handler) -> Vec<Ident> {
    let count = message.given().count();
    let names = (0..count).map(|index| format_ident!("input_{index}", span = Span::mixed_site()));
    names.collect()
}

const fn marker(kind: Kind) -> &'static str {
    match kind {
        Kind::Cast => "#[cast]",
        Kind::Call | Kind::Info | Kind::Continue | Kind::Terminate => "#[call]",
    }
}

/// The handler to write for a message.
fn signature(message: &Handler) -> String {
    let inputs = message.given();
    let inputs: String = inputs
        .map(|input| format!(", {}: {}", input.name, said(&input.ty)))
        .collect();
    let reply = message
        .outcome
        .reply()
        .map(|reply| said(&reply.to_token_stream()));
    let reply = reply.filter(|reply| reply != "()");
    let reply = reply
        .map(|reply| format!(" -> {reply}"))
        .unwrap_or_default();
    format!("fn {}(&mut self{inputs}){reply}", message.name)
}
