//! `Declaration`: what the trait says.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::{ToTokens, format_ident};
use syn::parse::{Parse, ParseStream};
use syn::{
    Attribute, Error, FnArg, Generics, ItemTrait, LitStr, Signature, Token, TraitItem, TraitItemFn,
    Visibility, parse_quote,
};

use crate::server::handler::{Handler, Kind};
use crate::server::outcome::Outcome;
use crate::server::owned_type::is_context;

/// What stands in the parentheses of the attribute.
#[derive(Default)]
pub(super) struct Arguments {
    /// The name on the wire.
    pub(super) name: Option<LitStr>,
}

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if input.is_empty() {
            return Ok(Self::default());
        }
        let hint = "write `name = \"store\"`, the name by which other nodes know the protocol, or \
                    no argument";
        let key: Ident = input
            .parse()
            .map_err(|other| Error::new(other.span(), hint))?;
        if key != "name" {
            return Err(Error::new(key.span(), hint));
        }
        input.parse::<Token![=]>()?;
        let name: LitStr = input
            .parse()
            .map_err(|other| Error::new(other.span(), hint))?;
        if name.value().is_empty() {
            return Err(Error::new(name.span(), hint));
        }
        input.parse::<Option<Token![,]>>()?;
        Ok(Self { name: Some(name) })
    }
}

/// What the trait says.
pub(super) struct Declaration {
    pub(super) name: Ident,
    pub(super) vis: Visibility,
    pub(super) wire_name: Option<LitStr>,
    pub(super) handlers: Vec<Handler>,
}

impl Declaration {
    /// Reads the trait. What is wrong with a method is an error; the others are there, unless the
    /// trait itself can't be a protocol.
    pub(super) fn read(arguments: Arguments, item: &ItemTrait) -> (Self, Option<Error>) {
        let mut errors: Vec<Error> = check_trait(item).err().into_iter().collect();
        let is_protocol = errors.is_empty();
        let mut handlers = Vec::new();
        for item in &item.items {
            match method(item) {
                Ok(handler) => handlers.extend(is_protocol.then_some(handler)),
                Err(error) => errors.push(error),
            }
        }
        let declaration = Self {
            name: item.ident.clone(),
            vis: item.vis.clone(),
            wire_name: arguments.name,
            handlers,
        };
        let errors = errors.into_iter().reduce(|mut all, error| {
            all.combine(error);
            all
        });
        (declaration, errors)
    }

    /// The messages of one kind.
    pub(super) fn handlers(&self, kind: Kind) -> impl Iterator<Item = &Handler> {
        let handlers = self.handlers.iter();
        handlers.filter(move |handler| handler.kind == kind)
    }

    /// `StoreCall`, `StoreCast`, `StoreRef`, in the place of the macro's call.
    pub(super) fn named(&self, suffix: &str) -> Ident {
        let span = self.name.span();
        let span = span.resolved_at(proc_macro2::Span::call_site());
        format_ident!("{}{suffix}", self.name, span = span)
    }
}

/// The trait as it was, but for the markers. One with mistakes is empty, so that there is a
/// `dyn Store` all the same.
pub(super) fn without_markers(mut item: ItemTrait, is_sound: bool) -> ItemTrait {
    if !is_sound {
        item.items.clear();
        item.supertraits.clear();
        item.colon_token = None;
        item.generics = Generics::default();
    }
    for method in &mut item.items {
        if let TraitItem::Fn(method) = method {
            method.attrs.retain(|attr| Kind::of(attr).is_none());
        }
    }
    item.attrs.push(parse_quote! {
        #[allow(dead_code, private_interfaces, clippy::all, clippy::pedantic)]
    });
    item
}

fn check_trait(item: &ItemTrait) -> syn::Result<()> {
    if !item.generics.params.is_empty() || item.generics.where_clause.is_some() {
        let hint = "a protocol is one set of messages, known by its name: leave the parameters \
                    out, and name the types";
        return Err(Error::new_spanned(&item.generics, hint));
    }
    if !item.supertraits.is_empty() {
        let hint = "a protocol stands alone: leave this out; a server accepts several with \
                    `#[noex::server(implements(One, Other))]`";
        return Err(Error::new_spanned(&item.supertraits, hint));
    }
    if let Some(token) = &item.unsafety {
        let hint = "whoever sends a message can't promise anything: leave `unsafe` out";
        return Err(Error::new_spanned(token, hint));
    }
    Ok(())
}

fn method(item: &TraitItem) -> syn::Result<Handler> {
    let TraitItem::Fn(method) = item else {
        let hint = "a protocol holds messages alone: write `#[call] fn get(&self, key: String) -> \
                    u64;` or `#[cast] fn forget(&mut self, key: String);`";
        return Err(Error::new_spanned(item, hint));
    };
    check_attributes(&method.attrs)?;
    check_form(method)?;
    let itself = parse_quote!(Self);
    let Some(handler) = Handler::read(&method.attrs, &method.sig, &itself, false)? else {
        let hint = "a message of a protocol is marked `#[call]` if it has a reply, `#[cast]` if it \
                    has none";
        return Err(Error::new(method.sig.ident.span(), hint));
    };
    check_name(&handler)?;
    if let Outcome::Flow | Outcome::ReplyAndFlow(_) = handler.outcome {
        let hint = "whether a server goes on is its own matter: leave `Flow` out; its handler may \
                    give it";
        return Err(Error::new_spanned(&method.sig.output, hint));
    }
    Ok(handler)
}

fn check_attributes(attrs: &[Attribute]) -> syn::Result<()> {
    for attr in attrs {
        if attr.path().is_ident("cfg") {
            let hint = "a protocol is the same in all programs that speak it: leave `cfg` out";
            return Err(Error::new_spanned(attr, hint));
        }
        if let Some(Kind::Info | Kind::Continue | Kind::Terminate) = Kind::of(attr) {
            let hint = "a protocol is what others send: write `#[call]` or `#[cast]`, and put this \
                        handler into the server";
            return Err(Error::new_spanned(attr, hint));
        }
    }
    Ok(())
}

fn check_form(method: &TraitItemFn) -> syn::Result<()> {
    let signature = &method.sig;
    if let Some(body) = &method.default {
        let hint = "a protocol says what can be sent, and its servers what they do: write `;` in \
                    the place of the body";
        return Err(Error::new_spanned(body, hint));
    }
    if let Some(token) = &signature.asyncness {
        let hint = "leave `async` out: each server says whether its handler is async";
        return Err(Error::new_spanned(token, hint));
    }
    for input in &signature.inputs {
        let FnArg::Typed(input) = input else {
            continue;
        };
        if is_context(&input.ty) {
            let hint = "a protocol says what is sent: leave the context out; a server's handler \
                        may take it";
            return Err(Error::new_spanned(input, hint));
        }
    }
    match itself(signature) {
        Some(itself) => {
            let hint = "a protocol has many servers: name the type, as in `StoreRef`";
            Err(Error::new(itself.span(), hint))
        }
        None => Ok(()),
    }
}

/// Where the signature says `Self`.
fn itself(signature: &Signature) -> Option<Ident> {
    let typed = signature.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(input) => Some(input.ty.to_token_stream()),
        FnArg::Receiver(_) => None,
    });
    let said = typed.chain([signature.output.to_token_stream()]);
    said.into_iter().find_map(find_itself)
}

fn find_itself(tokens: TokenStream) -> Option<Ident> {
    tokens.into_iter().find_map(|token| match token {
        TokenTree::Ident(ident) if ident == "Self" => Some(ident),
        TokenTree::Group(group) => find_itself(group.stream()),
        TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => None,
    })
}

/// Names that would hide what each reference has.
fn check_name(handler: &Handler) -> syn::Result<()> {
    let taken = ["eq", "fmt", "from", "from_pid", "hash", "into", "named"];
    let name = &handler.name;
    if taken.iter().any(|taken| name == taken) {
        let hint = format!(
            "every reference has a `{name}` of its own, which this would hide: name the message \
             otherwise, as `{name}_it`"
        );
        return Err(Error::new(name.span(), hint));
    }
    Ok(())
}
