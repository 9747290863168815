//! Puts the expansion together, or the errors in its place.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, Item, ItemTrait, parse2};

use super::declaration::{Arguments, Declaration, without_markers};
use super::{carrier, messages, reference};

/// The expansion. What is wrong stands beside what can be written all the same, so that what
/// speaks of the protocol does not add errors of its own.
pub(crate) fn expand(arguments: TokenStream, item: &TokenStream) -> TokenStream {
    let item = match trait_item(item.clone()) {
        Ok(item) => item,
        Err(error) => {
            let error = error.to_compile_error();
            return quote! { #error #item };
        }
    };
    let (arguments, misused) = match parse2::<Arguments>(arguments) {
        Ok(arguments) => (arguments, None),
        Err(error) => (Arguments::default(), Some(error)),
    };
    let (declaration, errors) = Declaration::read(arguments, &item);
    let is_sound = errors.is_none();
    let errors = [misused, errors].into_iter().flatten();
    let errors = errors.map(Error::into_compile_error);
    let messages = messages::expand(&declaration);
    let reference = reference::expand(&declaration);
    let carrier = carrier::expand(&declaration, &item);
    let item = without_markers(item, is_sound);
    quote! { #(#errors)* #item #messages #reference #carrier }
}

fn trait_item(item: TokenStream) -> syn::Result<ItemTrait> {
    match parse2(item)? {
        Item::Trait(item) => Ok(item),
        other => {
            let hint = "#[noex::protocol] stands on a trait: write `#[noex::protocol] trait Store \
                        { #[call] fn get(&self, key: String) -> Option<u64>; }`";
            Err(Error::new_spanned(other, hint))
        }
    }
}
