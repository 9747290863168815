//! `Init`: how a server is made.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Error, ImplItemFn, ReturnType, Type};

use super::handler::Kind;
use super::owned_type::{self, Place, last_segment};
use super::signature::{Input, Inputs};

/// How a server is made.
pub(crate) struct Init {
    pub(crate) inputs: Vec<Input>,
    pub(crate) takes_context: bool,
    pub(crate) is_async: bool,
    /// It gives a `Result`.
    pub(crate) is_fallible: bool,
}

impl Init {
    pub(crate) fn read(function: &ImplItemFn, ty: &Type) -> syn::Result<Self> {
        if let Some(marker) = function.attrs.iter().find(|attr| Kind::of(attr).is_some()) {
            let hint = "`init` makes the server and handles no message: leave the marker out, or \
                        rename the handler";
            return Err(Error::new_spanned(marker, hint));
        }
        let inputs = Inputs::read(&function.sig)?;
        if let Some(receiver) = inputs.receiver {
            let hint = "there is no server yet: write `fn init(start: u64) -> Self`, without \
                        `self`";
            return Err(Error::new_spanned(receiver, hint));
        }
        for input in &inputs.named {
            owned_type::check(&input.ty, Place::Local)?;
        }
        Ok(Self {
            is_fallible: is_fallible(function, ty)?,
            is_async: function.sig.asyncness.is_some(),
            takes_context: inputs.takes_context,
            inputs: inputs.named,
        })
    }

    /// The type of all that it is given.
    pub(crate) fn arguments(&self) -> TokenStream {
        let types = self.inputs.iter().map(|input| &input.ty);
        match self.inputs.as_slice() {
            [input] => input.ty.to_token_stream(),
            _ => quote! { (#(#types),*) },
        }
    }
}

fn is_fallible(function: &ImplItemFn, ty: &Type) -> syn::Result<bool> {
    let hint = "`init` gives the server: write `-> Self` or `-> Result<Self, ExitReason>`";
    let output = match &function.sig.output {
        ReturnType::Type(_, output) => output,
        ReturnType::Default => return Err(Error::new_spanned(&function.sig.ident, hint)),
    };
    match last_segment(output) {
        Some((name, _)) if name.ends_with("Result") => Ok(true),
        Some((name, _)) if name == "Self" => Ok(false),
        _ if same(output, ty) => Ok(false),
        _ => Err(Error::new_spanned(output, hint)),
    }
}

fn same(one: &Type, other: &Type) -> bool {
    one.to_token_stream().to_string() == other.to_token_stream().to_string()
}
