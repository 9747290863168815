//! What the types in messages may be, and how they are said outside of the impl block.

use proc_macro2::{Group, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Error, GenericArgument, PathArguments, Type, TypeReference, parse2};

/// Where a type stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In a message that travels.
    Message,
    /// In one that stays on its node, or in what a server is made from.
    Local,
    /// As a reply.
    Reply,
}

/// Refuses what can't be sent: references and `impl Trait`.
pub(crate) fn check(ty: &Type, place: Place) -> syn::Result<()> {
    match ty {
        Type::Reference(reference) => check_reference(reference, place),
        Type::ImplTrait(_) => {
            let hint = match place {
                Place::Message | Place::Local => {
                    "a message has one type: name it, or put a parameter on the server, \
                     `impl<T: Wire> Cache<T>`"
                }
                Place::Reply => "a reply has one type: name it, as in `Vec<u64>`",
            };
            Err(Error::new_spanned(ty, hint))
        }
        Type::Group(group) => check(&group.elem, place),
        Type::Paren(paren) => check(&paren.elem, place),
        Type::Array(array) => check(&array.elem, place),
        Type::Slice(slice) => check(&slice.elem, place),
        Type::Tuple(tuple) => tuple.elems.iter().try_for_each(|elem| check(elem, place)),
        Type::Path(path) => {
            let arguments = path.path.segments.iter().map(|segment| &segment.arguments);
            arguments
                .flat_map(types_of)
                .try_for_each(|ty| check(ty, place))
        }
        _ => Ok(()),
    }
}

fn check_reference(reference: &TypeReference, place: Place) -> syn::Result<()> {
    let is_static = reference
        .lifetime
        .as_ref()
        .is_some_and(|lifetime| lifetime.ident == "static");
    if is_static && place == Place::Local {
        return Ok(());
    }
    let (elem, owned) = (&reference.elem, owned(&reference.elem));
    let hint = match place {
        Place::Reply => format!("a reply leaves its server and can't borrow: give `{owned}`"),
        Place::Message | Place::Local => format!(
            "a message owns what it carries: take `{owned}` in the place of `&{}`",
            said(elem),
        ),
    };
    Err(Error::new_spanned(reference, hint))
}

/// What to write in the place of a reference to this.
fn owned(borrowed: &Type) -> String {
    match borrowed {
        Type::Slice(slice) => format!("Vec<{}>", said(&slice.elem)),
        other => match said(other).as_str() {
            "str" => "String".to_owned(),
            "Path" => "PathBuf".to_owned(),
            other => other.to_owned(),
        },
    }
}

/// A type as its user may have written it.
pub(crate) fn said(ty: &impl ToTokens) -> String {
    ty.to_token_stream().to_string().replace(' ', "")
}

fn types_of(arguments: &PathArguments) -> Vec<&Type> {
    let PathArguments::AngleBracketed(list) = arguments else {
        return Vec::new();
    };
    let types = list.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    });
    types.collect()
}

/// The last word of a type's path, and the types in its angle brackets.
pub(crate) fn last_segment(ty: &Type) -> Option<(String, Vec<&Type>)> {
    match ty {
        Type::Group(group) => last_segment(&group.elem),
        Type::Path(path) => {
            let last = path.path.segments.last()?;
            Some((last.ident.to_string(), types_of(&last.arguments)))
        }
        _ => None,
    }
}

/// `R`, if this is `ReplyTo<R>`.
pub(crate) fn replied(ty: &Type) -> Option<&Type> {
    match last_segment(ty)? {
        (name, types) if name == "ReplyTo" => types.first().copied(),
        _ => None,
    }
}

/// Whether this is `&mut Context<…>`.
pub(crate) fn is_context(ty: &Type) -> bool {
    let Type::Reference(reference) = ty else {
        return false;
    };
    last_segment(&reference.elem).is_some_and(|(name, _)| name == "Context")
}

/// Whether this is `Flow`.
pub(crate) fn is_flow(ty: &Type) -> bool {
    last_segment(ty).is_some_and(|(name, _)| name == "Flow")
}

/// `ty` as it is said where `Self` is something else.
pub(crate) fn outside(ty: &Type, server: &Type) -> syn::Result<Type> {
    parse2(name_self(ty.to_token_stream(), server))
}

/// Replaces `Self` with the server's type.
pub(crate) fn name_self(tokens: TokenStream, server: &Type) -> TokenStream {
    let mut named = TokenStream::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Group(group) => {
                let inside = name_self(group.stream(), server);
                let mut renamed = Group::new(group.delimiter(), inside);
                renamed.set_span(group.span());
                named.extend([TokenTree::Group(renamed)]);
            }
            TokenTree::Ident(ident) if ident == "Self" => {
                let leads = matches!(tokens.peek(), Some(TokenTree::Punct(next))
                    if next.as_char() == ':' && next.spacing() == proc_macro2::Spacing::Joint);
                named.extend(if leads {
                    quote! { <#server> }
                } else {
                    server.to_token_stream()
                });
            }
            other => named.extend([other]),
        }
    }
    named
}
