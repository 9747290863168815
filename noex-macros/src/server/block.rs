//! `Server`: what the impl block says.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::{
    Error, GenericArgument, GenericParam, Generics, ImplItem, ImplItemFn, ItemImpl, LitStr, Path,
    PathArguments, Type, Visibility, WhereClause, parse2,
};

use super::arguments::Arguments;
use super::handler::{Handler, Kind};
use super::init::Init;
use super::owned_type::name_self;

/// What the impl block says.
pub(crate) struct Server {
    pub(crate) ty: Type,
    pub(crate) name: Ident,
    /// The generics of the block; its where clause speaks of no `Self`.
    pub(crate) generics: Generics,
    pub(crate) vis: Visibility,
    pub(crate) local: bool,
    pub(crate) debug: Option<Ident>,
    pub(crate) protocol: Option<LitStr>,
    pub(crate) implements: Vec<Path>,
    pub(crate) init: Init,
    pub(crate) handlers: Vec<Handler>,
}

impl Server {
    /// Reads the block; the error holds all that was found.
    pub(crate) fn read(arguments: Arguments, block: &ItemImpl) -> syn::Result<Self> {
        let name = name_of(block)?;
        let Arguments {
            local,
            debug,
            protocol,
            implements,
            vis,
        } = arguments;
        let ty = (*block.self_ty).clone();
        let mut errors = Vec::new();
        if let Some(protocol) = &protocol
            && !block.generics.params.is_empty()
        {
            let hint = "a generic server has a protocol for each of its types: leave `protocol` \
                        out";
            errors.push(Error::new(protocol.span(), hint));
        }
        if local && let Some(protocol) = implements.first() {
            let hint = "the messages of a protocol can travel, and those of a local server can't: \
                        leave `local` or `implements` out";
            errors.push(Error::new_spanned(protocol, hint));
        }
        let functions = || block.items.iter().filter_map(as_function);
        let init = match functions().find(|function| function.sig.ident == "init") {
            Some(init) => Init::read(init, &ty).map_err(|error| errors.push(error)),
            None => {
                let hint = "a server begins with its state: write \
                            `fn init(start: u64) -> Self { … }`, which may be async, and may \
                            give a `Result<Self, ExitReason>`";
                errors.push(Error::new_spanned(&block.self_ty, hint));
                Err(())
            }
        };
        let mut handlers = Vec::new();
        for function in functions().filter(|function| function.sig.ident != "init") {
            match Handler::read(&function.attrs, &function.sig, &ty, local) {
                Ok(handler) => handlers.extend(handler),
                Err(error) => errors.push(error),
            }
        }
        refuse_doubles(&handlers, &mut errors);
        let errors = errors.into_iter().reduce(|mut all, error| {
            all.combine(error);
            all
        });
        match (init, errors) {
            (Ok(init), None) => Ok(Self {
                generics: own_generics(block, &ty)?,
                ty,
                name,
                vis,
                local,
                debug,
                protocol,
                implements,
                init,
                handlers,
            }),
            (_, Some(errors)) => Err(errors),
            (Err(()), None) => unreachable!("an init that can't be read leaves an error"),
        }
    }

    /// The handlers of one kind.
    pub(crate) fn handlers(&self, kind: Kind) -> impl Iterator<Item = &Handler> {
        self.handlers
            .iter()
            .filter(move |handler| handler.kind == kind)
    }

    /// The enum of its calls, of its casts, or of what it goes on with.
    pub(crate) fn messages(&self, kind: Kind) -> Ident {
        let suffix = match kind {
            Kind::Cast => "Cast",
            Kind::Continue => "Continue",
            Kind::Call | Kind::Info | Kind::Terminate => "Call",
        };
        format_ident!("{}{suffix}", self.name, span = self.name_span())
    }

    /// The trait of its callers.
    pub(crate) fn client(&self) -> Ident {
        format_ident!("{}Client", self.name, span = self.name_span())
    }

    /// Whether it has type parameters, some of which a message may leave out.
    pub(crate) fn has_types(&self) -> bool {
        self.generics.type_params().next().is_some()
    }

    /// What generated code, which others call as they like, may do.
    pub(crate) fn allowances() -> TokenStream {
        quote! {
            #[allow(
                dead_code, missing_debug_implementations, private_bounds,
                private_interfaces, unnameable_types, unreachable_code, unreachable_pub,
                unused_qualifications, unused_variables, clippy::all, clippy::pedantic,
                clippy::nursery, clippy::restriction
            )]
        }
    }

    /// The user's name, in the place of the macro's call: the user is not held to its lints.
    fn name_span(&self) -> Span {
        self.name.span().resolved_at(Span::call_site())
    }
}

const fn as_function(item: &ImplItem) -> Option<&ImplItemFn> {
    match item {
        ImplItem::Fn(function) => Some(function),
        _ => None,
    }
}

/// The server's name, if the block can be one of a server.
fn name_of(block: &ItemImpl) -> syn::Result<Ident> {
    if let Some((path, _)) = &block.trait_ {
        let hint = "#[noex::server] writes `impl GenServer` itself: put the handlers into an \
                    impl block without a trait, `impl Counter { … }`; those of a protocol, too, \
                    with `#[noex::server(implements(…))]`";
        return Err(Error::new_spanned(path, hint));
    }
    let borrows = "a server owns its state and can't borrow: leave the lifetime out, and keep \
                   `String` or `Arc<T>` in the place of a reference";
    for parameter in &block.generics.params {
        if let GenericParam::Lifetime(lifetime) = parameter {
            return Err(Error::new_spanned(lifetime, borrows));
        }
    }
    let last = match &*block.self_ty {
        Type::Path(path) if path.qself.is_none() => path.path.segments.last(),
        _ => None,
    };
    let Some(last) = last else {
        let hint = "a server is a struct or an enum of this crate: write `impl Counter { … }`";
        return Err(Error::new_spanned(&block.self_ty, hint));
    };
    if let PathArguments::AngleBracketed(list) = &last.arguments {
        for argument in &list.args {
            if let GenericArgument::Lifetime(lifetime) = argument
                && lifetime.ident != "static"
            {
                return Err(Error::new_spanned(lifetime, borrows));
            }
        }
    }
    Ok(last.ident.clone())
}

fn refuse_doubles(handlers: &[Handler], errors: &mut Vec<Error>) {
    for (index, handler) in handlers.iter().enumerate() {
        let same = |earlier: &&Handler| earlier.kind == handler.kind;
        let mut earlier = handlers[..index].iter().filter(same);
        let hint = match handler.kind {
            Kind::Info => {
                let ty = |handler: &Handler| {
                    let message = handler.inputs.first();
                    message.map(|input| input.ty.to_token_stream().to_string())
                };
                if !earlier.any(|earlier| ty(earlier) == ty(handler)) {
                    continue;
                }
                "this type has an #[info] handler already: let one handle both, or wrap the \
                 message in a type of its own"
            }
            Kind::Continue
                if handler.inputs.is_empty() && earlier.any(|other| other.inputs.is_empty()) =>
            {
                "the #[continue_] handler without values runs behind `init`, and there is one: let \
                 it do both, or give this one a value, `step: u32`, and ask for it with \
                 `cx.continue_with(…)`"
            }
            Kind::Terminate if earlier.next().is_some() => {
                "a server has one #[terminate] handler: let it do both"
            }
            Kind::Continue | Kind::Terminate | Kind::Call | Kind::Cast => continue,
        };
        errors.push(Error::new(handler.name.span(), hint));
    }
}

fn own_generics(block: &ItemImpl, ty: &Type) -> syn::Result<Generics> {
    let mut generics = block.generics.clone();
    if let Some(clause) = &block.generics.where_clause {
        let clause: WhereClause = parse2(name_self(clause.to_token_stream(), ty))?;
        generics.where_clause = Some(clause);
    }
    Ok(generics)
}
