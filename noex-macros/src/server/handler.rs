//! `Handler`: one marked method.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::ext::IdentExt;
use syn::{Attribute, Error, Meta, ReceiverKind, Signature, Type, TypeReference};

use super::outcome::Outcome;
use super::owned_type::{self, Place, last_segment, outside, replied};
use super::shape::Shape;
use super::signature::{Input, Inputs};

/// What a method handles, as its marker says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Call,
    Cast,
    Info,
    Continue,
    Terminate,
}

/// One marked method. Its types are said without `Self`.
pub(crate) struct Handler {
    pub(crate) kind: Kind,
    pub(crate) name: Ident,
    /// Its variant in the enum of messages.
    pub(crate) variant: Ident,
    pub(crate) docs: Vec<Attribute>,
    /// Under which configurations there is such a method.
    pub(crate) cfgs: Vec<Attribute>,
    pub(crate) is_async: bool,
    pub(crate) inputs: Vec<Input>,
    pub(crate) takes_context: bool,
    pub(crate) outcome: Outcome,
}

impl Kind {
    /// The kind that an attribute marks.
    pub(crate) fn of(attr: &Attribute) -> Option<Self> {
        let name = attr.path().get_ident()?;
        let kinds = [
            ("call", Self::Call),
            ("cast", Self::Cast),
            ("info", Self::Info),
            ("continue_", Self::Continue),
            ("terminate", Self::Terminate),
        ];
        let named = kinds.into_iter().find(|(marker, _)| name == marker);
        named.map(|(_, kind)| kind)
    }
}

impl Handler {
    /// The handler that a method is, if it is marked as one.
    pub(crate) fn read(
        attrs: &[Attribute],
        signature: &Signature,
        server: &Type,
        local: bool,
    ) -> syn::Result<Option<Self>> {
        let mut marked = attrs
            .iter()
            .filter_map(|attr| Kind::of(attr).map(|kind| (attr, kind)));
        let Some((marker, kind)) = marked.next() else {
            return Ok(None);
        };
        if let Some((second, _)) = marked.next() {
            let hint = "a method handles one kind of message: leave one of the markers out, and \
                        let a second method call this one";
            return Err(Error::new_spanned(second, hint));
        }
        if !matches!(marker.meta, Meta::Path(_)) {
            let hint = "a marker takes no arguments: write it without parentheses, and options \
                        in `#[noex::server(…)]`";
            return Err(Error::new_spanned(&marker.meta, hint));
        }
        let inputs = Inputs::read(signature)?;
        check_receiver(&inputs, signature, kind)?;
        check_name(&signature.ident, kind)?;
        let place = if local { Place::Local } else { Place::Message };
        check_inputs(&inputs, signature, kind, place)?;
        let outcome = Outcome::read(&inputs, signature, kind, server)?;
        let mut named = inputs.named;
        if kind == Kind::Terminate {
            named.truncate(1);
        } else {
            for input in &mut named {
                input.ty = outside(&input.ty, server)?;
            }
        }
        let attributes = |name: &str| {
            let named = attrs.iter().filter(|attr| attr.path().is_ident(name));
            named.cloned().collect()
        };
        Ok(Some(Self {
            kind,
            variant: variant(&signature.ident),
            name: signature.ident.clone(),
            docs: attributes("doc"),
            cfgs: attributes("cfg"),
            is_async: signature.asyncness.is_some(),
            takes_context: inputs.takes_context,
            inputs: named,
            outcome,
        }))
    }

    /// The method's documentation, or a line in its place.
    pub(crate) fn documentation(&self) -> TokenStream {
        if self.docs.is_empty() {
            let doc = format!("What the handler `{}` takes.", self.name);
            return quote! { #[doc = #doc] };
        }
        let docs = &self.docs;
        quote! { #(#docs)* }
    }

    /// The names of its message's fields, in order. In a call, one of them holds the reply handle.
    pub(crate) fn fields(&self) -> Vec<Ident> {
        let inputs = self.inputs.iter().map(|input| input.name.clone());
        inputs.chain(self.added_reply_field()).collect()
    }

    /// What its callers give: its inputs, but for the reply handle.
    pub(crate) fn given(&self) -> impl Iterator<Item = &Input> {
        let taken = match &self.outcome {
            Outcome::Later { field, .. } => Some(field),
            Outcome::Nothing | Outcome::Flow | Outcome::Reply(_) | Outcome::ReplyAndFlow(_) => None,
        };
        let inputs = self.inputs.iter();
        inputs.filter(move |input| Some(&input.name) != taken)
    }

    /// The message of an enum, made of what is given and the reply handle, or matched by patterns
    /// for them.
    pub(crate) fn message(
        &self,
        enumeration: &Ident,
        given: &[impl ToTokens],
        reply: &impl ToTokens,
    ) -> TokenStream {
        let (variant, reply_field) = (&self.variant, self.reply_field());
        let mut given = given.iter().map(ToTokens::to_token_stream);
        let fields = self.fields();
        let is_reply = |field: &Ident| self.kind == Kind::Call && *field == reply_field;
        let values = fields.iter().map(|field| match is_reply(field) {
            true => reply.to_token_stream(),
            false => given.next().unwrap_or_default(),
        });
        let values: Vec<_> = values.collect();
        Shape::of(self).fill(&quote! { #enumeration::#variant }, &fields, &values)
    }

    /// The field that holds the reply handle, where none of the inputs is it.
    pub(crate) fn added_reply_field(&self) -> Option<Ident> {
        match self.outcome {
            Outcome::Reply(_) | Outcome::ReplyAndFlow(_) => Some(self.reply_field()),
            Outcome::Nothing | Outcome::Flow | Outcome::Later { .. } => None,
        }
    }

    /// The field of the variant that holds the reply handle.
    pub(crate) fn reply_field(&self) -> Ident {
        if let Outcome::Later { field, .. } = &self.outcome {
            return field.clone();
        }
        let mut name = "reply".to_owned();
        while self.inputs.iter().any(|input| input.name == name) {
            name.push('_');
        }
        format_ident!("{name}")
    }
}

fn check_receiver(inputs: &Inputs<'_>, signature: &Signature, kind: Kind) -> syn::Result<()> {
    let Some(receiver) = inputs.receiver else {
        let hint = "a handler works on the server's state: begin with `&self` or `&mut self`";
        return Err(Error::new_spanned(&signature.ident, hint));
    };
    match &receiver.kind {
        ReceiverKind::Reference(..) => Ok(()),
        _ if kind == Kind::Terminate => {
            let hint = "the server is dropped behind this: write `&mut self`";
            Err(Error::new_spanned(receiver, hint))
        }
        _ => {
            let hint = "the server lives on when this is handled: write `&self` or `&mut self`, \
                        and give `Flow::Stop(reason)` to end it";
            Err(Error::new_spanned(receiver, hint))
        }
    }
}

/// Names that would hide what every server, or every reference, has.
fn check_name(name: &Ident, kind: Kind) -> syn::Result<()> {
    let taken = [
        "at",
        "start",
        "start_link",
        "call",
        "cast",
        "stop",
        "inspect",
        "pid",
        "clone",
    ];
    if matches!(kind, Kind::Call | Kind::Cast) && taken.iter().any(|taken| name == taken) {
        let hint = format!(
            "every server has a `{name}` of its own, which this would hide: name the handler \
             otherwise, as `{name}_it`"
        );
        return Err(Error::new(name.span(), hint));
    }
    Ok(())
}

fn check_inputs(
    inputs: &Inputs<'_>,
    signature: &Signature,
    kind: Kind,
    place: Place,
) -> syn::Result<()> {
    let named = &inputs.named;
    match kind {
        Kind::Call | Kind::Cast => {
            named
                .iter()
                .try_for_each(|input| check_field(input, place))?;
            let mut replies = named.iter().filter(|input| replied(&input.ty).is_some());
            match (kind, replies.next(), replies.next()) {
                (Kind::Cast, Some(reply), _) => {
                    let hint = "nobody waits for a cast: make this a #[call], or leave the \
                                `ReplyTo` out";
                    Err(Error::new_spanned(&reply.ty, hint))
                }
                (_, _, Some(second)) => {
                    let hint = "a call has one reply: leave one `ReplyTo` out, and reply with a \
                                tuple or a struct";
                    Err(Error::new_spanned(&second.ty, hint))
                }
                _ => Ok(()),
            }
        }
        Kind::Info => {
            let [message] = named.as_slice() else {
                let hint = "an #[info] handler takes one message: write `down: Down`, \
                            `exit: Exit`, `event: PeerEvent`, a type that you post yourself, or \
                            `info: Info` for all others";
                return Err(Error::new_spanned(&signature.ident, hint));
            };
            owned_type::check(&message.ty, Place::Local)
        }
        Kind::Continue => named
            .iter()
            .try_for_each(|input| check_field(input, Place::Local)),
        Kind::Terminate => match named.as_slice() {
            [] => Ok(()),
            [reason] if is_exit_reason(&reason.ty) => Ok(()),
            [other, ..] => {
                let hint = "a #[terminate] handler takes nothing, or `reason: &ExitReason`, and \
                            may take `cx: &mut Context<Self>`";
                Err(Error::new_spanned(&other.ty, hint))
            }
        },
    }
}

/// Whether a parameter can be a field of a message.
fn check_field(input: &Input, place: Place) -> syn::Result<()> {
    if let Some(pattern) = &input.pattern {
        let hint = "a parameter names a field of its message: write `point: (u64, u64)`, and take \
                    it apart in the body";
        return Err(Error::new_spanned(pattern, hint));
    }
    owned_type::check(&input.ty, place)
}

fn is_exit_reason(ty: &Type) -> bool {
    let Type::Reference(TypeReference { elem, .. }) = ty else {
        return false;
    };
    last_segment(elem).is_some_and(|(name, _)| name == "ExitReason")
}

/// `wait_for` becomes `WaitFor`.
fn variant(name: &Ident) -> Ident {
    let mut camel = String::new();
    for word in name.unraw().to_string().split('_') {
        let mut letters = word.chars();
        camel.extend(letters.next().into_iter().flat_map(char::to_uppercase));
        camel.extend(letters);
    }
    if camel == "Self" || camel.starts_with(|first: char| first.is_ascii_digit()) {
        camel.insert(0, '_');
    }
    Ident::new(&camel, name.span())
}
