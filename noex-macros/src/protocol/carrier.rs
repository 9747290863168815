//! The macro of the trait's name, which carries the trait to a server that implements it.

use std::hash::{DefaultHasher, Hash, Hasher};

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::{ItemTrait, Visibility};

use super::declaration::Declaration;

/// `macro Store!`. It is found wherever the trait is: names of macros do not meet those of traits.
pub(super) fn expand(declaration: &Declaration, item: &ItemTrait) -> TokenStream {
    let (name, vis) = (&declaration.name, &declaration.vis);
    let carrier = format_ident!("__noex_protocol_{}_{:016x}", name, place());
    // What is public may be used in another crate, to which a macro goes by the crate's root: so
    // its name says where it is from.
    let export = matches!(vis, Visibility::Public(_)).then(|| quote! { #[macro_export] });
    quote! {
        #[doc(hidden)]
        #[allow(unused_macros, non_local_definitions)]
        #export
        macro_rules! #carrier {
            ($($server:tt)*) => {
                ::noex::__private::implement! { { #item } $($server)* }
            };
        }
        #[doc(hidden)]
        #[allow(unused_imports)]
        #vis use #carrier as #name;
    }
}

/// A number for the place of the attribute.
fn place() -> u64 {
    let place = Span::call_site().unwrap();
    let mut hasher = DefaultHasher::new();
    (place.file(), place.line(), place.column()).hash(&mut hasher);
    hasher.finish()
}
