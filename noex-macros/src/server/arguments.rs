//! What stands in the parentheses of `#[noex::server(…)]`.

use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::token::Paren;
use syn::{Error, Ident, LitStr, Path, Token, Visibility, parenthesized, parse_quote};

/// What stands in the parentheses of the attribute.
pub(crate) struct Arguments {
    /// Messages stay on their node, and need no serde.
    pub(crate) local: bool,
    /// The word that makes it tell its state, as `Debug` prints it.
    pub(crate) debug: Option<Ident>,
    /// The name of the messages on the wire.
    pub(crate) protocol: Option<LitStr>,
    /// The protocols that it accepts.
    pub(crate) implements: Vec<Path>,
    /// The visibility of what is generated.
    pub(crate) vis: Visibility,
}

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut arguments = Self {
            local: false,
            debug: None,
            protocol: None,
            implements: Vec::new(),
            vis: parse_quote!(pub),
        };
        while !input.is_empty() {
            let key: Ident = input.parse()?;
            match key.to_string().as_str() {
                "local" => arguments.local = true,
                "debug" => arguments.debug = Some(key),
                "protocol" => {
                    input.parse::<Token![=]>()?;
                    arguments.protocol = Some(protocol(input)?);
                }
                "implements" => arguments.implements.extend(protocols(&key, input)?),
                "vis" => {
                    input.parse::<Token![=]>()?;
                    arguments.vis = input.parse()?;
                }
                _ => {
                    let hint = "unknown argument; write `local`, `debug`, \
                                `protocol = \"name\"`, `implements(Store)`, \
                                `vis = pub(crate)`, or no argument";
                    return Err(Error::new(key.span(), hint));
                }
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(arguments)
    }
}

fn protocols(key: &Ident, input: ParseStream<'_>) -> syn::Result<Punctuated<Path, Token![,]>> {
    let hint = "which protocols? write `implements(Store)`, with the names of traits that are \
                marked `#[noex::protocol]`";
    if !input.peek(Paren) {
        return Err(Error::new(key.span(), hint));
    }
    let content;
    parenthesized!(content in input);
    if content.is_empty() {
        return Err(Error::new(key.span(), hint));
    }
    content.parse_terminated(Path::parse_mod_style, Token![,])
}

fn protocol(input: ParseStream<'_>) -> syn::Result<LitStr> {
    let hint = "a protocol's name is a text that is not empty: write `protocol = \"counter\"`";
    let name: LitStr = input
        .parse()
        .map_err(|other| Error::new(other.span(), hint))?;
    if name.value().is_empty() {
        return Err(Error::new(name.span(), hint));
    }
    Ok(name)
}
