//! `Inputs`: the parameters of a handler, or of `init`.

use proc_macro2::Ident;
use quote::format_ident;
use syn::{Error, FnArg, Pat, Receiver, Safety, Signature, Type};

use super::owned_type::is_context;

/// The parameters of a function.
pub(crate) struct Inputs<'a> {
    pub(crate) receiver: Option<&'a Receiver>,
    /// All that follows `self`, without the context.
    pub(crate) named: Vec<Input>,
    pub(crate) takes_context: bool,
}

/// One parameter.
pub(crate) struct Input {
    /// Its name; a pattern has none of its own.
    pub(crate) name: Ident,
    /// It is taken apart where it stands.
    pub(crate) pattern: Option<Pat>,
    pub(crate) ty: Type,
}

impl<'a> Inputs<'a> {
    /// Reads the parameters. A function that the server calls has one form only.
    pub(crate) fn read(signature: &'a Signature) -> syn::Result<Self> {
        if !signature.generics.params.is_empty() {
            let hint = "a message has one type: put the parameter on the server, \
                        `impl<T: Wire> Cache<T>`, or name the type";
            return Err(Error::new_spanned(&signature.generics, hint));
        }
        if let Safety::Unsafe(token) = &signature.safety {
            let hint = "whoever sends a message can't promise anything: leave `unsafe` out";
            return Err(Error::new_spanned(token, hint));
        }
        let mut inputs = Self {
            receiver: signature.receiver(),
            named: Vec::new(),
            takes_context: false,
        };
        for input in &signature.inputs {
            let FnArg::Typed(input) = input else {
                continue;
            };
            if inputs.takes_context {
                let hint = "the context comes last: write `cx: &mut Context<Self>` behind this";
                return Err(Error::new_spanned(input, hint));
            }
            if is_context(&input.ty) {
                inputs.takes_context = true;
                continue;
            }
            let name = name_of(&input.pat);
            let ty = (*input.ty).clone();
            inputs.named.push(Input {
                pattern: name.is_none().then(|| (*input.pat).clone()),
                name: name.unwrap_or_else(|| format_ident!("_pattern")),
                ty,
            });
        }
        Ok(inputs)
    }
}

fn name_of(pattern: &Pat) -> Option<Ident> {
    match pattern {
        Pat::Ident(named) if named.subpat.is_none() => Some(named.ident.clone()),
        _ => None,
    }
}
