//! `Outcome`: what comes of a handler.

use proc_macro2::Ident;
use syn::{Error, ReturnType, Signature, Type};

use super::handler::Kind;
use super::owned_type::{self, Place, is_flow, outside, replied};
use super::signature::Inputs;

/// What comes of a handler. Its types are said without `Self`.
pub(crate) enum Outcome {
    /// Nothing; the server goes on.
    Nothing,
    /// `Flow`.
    Flow,
    /// The reply.
    Reply(Type),
    /// The reply, and `Flow`.
    ReplyAndFlow(Type),
    /// The handler took the reply's handle, from this field.
    Later {
        field: Ident,
        reply: Type,
        gives_flow: bool,
    },
}

impl Outcome {
    pub(crate) fn read(
        inputs: &Inputs<'_>,
        signature: &Signature,
        kind: Kind,
        server: &Type,
    ) -> syn::Result<Self> {
        let output = match &signature.output {
            ReturnType::Type(_, output) if !is_unit(output) => Some(&**output),
            ReturnType::Type(..) | ReturnType::Default => None,
        };
        match kind {
            Kind::Call => Self::of_call(inputs, output, signature, server),
            Kind::Cast | Kind::Info | Kind::Continue | Kind::Terminate => match output {
                None => Ok(Self::Nothing),
                Some(output) if is_flow(output) && kind != Kind::Terminate => Ok(Self::Flow),
                Some(output) => Err(Error::new_spanned(output, without_reply(kind))),
            },
        }
    }

    /// The type of the reply.
    pub(crate) const fn reply(&self) -> Option<&Type> {
        match self {
            Self::Reply(reply) | Self::ReplyAndFlow(reply) | Self::Later { reply, .. } => {
                Some(reply)
            }
            Self::Nothing | Self::Flow => None,
        }
    }

    fn of_call(
        inputs: &Inputs<'_>,
        output: Option<&Type>,
        signature: &Signature,
        server: &Type,
    ) -> syn::Result<Self> {
        let later = inputs
            .named
            .iter()
            .find_map(|input| replied(&input.ty).map(|reply| (input, reply)));
        if let Some((input, reply)) = later {
            return match output {
                Some(output) if !is_flow(output) => {
                    let hint = "the `ReplyTo` answers this call: leave the return type out, or \
                                the `ReplyTo`";
                    Err(Error::new_spanned(output, hint))
                }
                _ => Ok(Self::Later {
                    field: input.name.clone(),
                    reply: outside(reply, server)?,
                    gives_flow: output.is_some(),
                }),
            };
        }
        let Some(output) = output else {
            // Where the handler is: a protocol may want another reply.
            let nothing = syn::parse_quote_spanned!(signature.ident.span()=> ());
            return Ok(Self::Reply(nothing));
        };
        if is_flow(output) {
            let hint = "a call has a reply: give `((), Flow)`, with the reply in the first \
                        place, or make this a #[cast]";
            return Err(Error::new_spanned(output, hint));
        }
        owned_type::check(output, Place::Reply)?;
        match output {
            Type::Tuple(pair) if pair.elems.len() == 2 && is_flow(&pair.elems[1]) => {
                Ok(Self::ReplyAndFlow(outside(&pair.elems[0], server)?))
            }
            _ => Ok(Self::Reply(outside(output, server)?)),
        }
    }
}

fn is_unit(ty: &Type) -> bool {
    matches!(ty, Type::Tuple(tuple) if tuple.elems.is_empty())
}

const fn without_reply(kind: Kind) -> &'static str {
    match kind {
        Kind::Cast => "nobody waits for a cast: make this a #[call], or give nothing or `Flow`",
        Kind::Terminate => "the server has ended: give nothing",
        Kind::Call | Kind::Info | Kind::Continue => {
            "there is nobody to reply to: give nothing or `Flow`"
        }
    }
}
