//! `impl GenServer`: each message goes to its handler.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Ident, ImplItem, ItemImpl};

use super::block::Server;
use super::handler::{Handler, Kind};
use super::init::Init;
use super::outcome::Outcome;
use super::shape::Shape;

/// `impl GenServer for Counter`.
pub(crate) fn expand(server: &Server) -> TokenStream {
    let ty = &server.ty;
    let (parameters, types, clause) = server.generics.split_for_impl();
    let (calls, casts) = (server.messages(Kind::Call), server.messages(Kind::Cast));
    let arguments = server.init.arguments();
    let parts = [
        init(server),
        handle_messages(server, Kind::Call),
        handle_messages(server, Kind::Cast),
        handle_info(server),
        handle_continue(server),
        terminate(server),
        describe(server).unwrap_or_default(),
        protocol(server).unwrap_or_default(),
        protocols(server),
    ];
    let allowances = Server::allowances();
    quote! {
        #[automatically_derived]
        #allowances
        impl #parameters ::noex::GenServer for #ty #clause {
            type Args = #arguments;
            type Call = #calls #types;
            type Cast = #casts #types;
            #(#parts)*
        }
    }
}

/// A server that does nothing, in the place of one with mistakes: what else speaks of the server
/// does not add errors of its own.
pub(crate) fn stub(block: &ItemImpl) -> TokenStream {
    let ty = &block.self_ty;
    let (parameters, _, clause) = block.generics.split_for_impl();
    let init = block.items.iter().find_map(|item| match item {
        ImplItem::Fn(function) if function.sig.ident == "init" => Init::read(function, ty).ok(),
        _ => None,
    });
    let arguments = init.map_or_else(|| quote! { () }, |init| init.arguments());
    let allowances = Server::allowances();
    quote! {
        #allowances
        impl #parameters ::noex::GenServer for #ty #clause {
            type Args = #arguments;
            type Call = ();
            type Cast = ();
            async fn init(
                _: Self::Args,
                _: &mut ::noex::Context<Self>,
            ) -> ::core::result::Result<Self, ::noex::ExitReason> {
                ::core::unreachable!()
            }
            async fn handle_call(
                &mut self,
                _: Self::Call,
                _: &mut ::noex::Context<Self>,
            ) -> ::noex::Flow {
                ::core::unreachable!()
            }
        }
    }
}

/// Names of the expansion, which no name of the user meets.
fn local(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

fn init(server: &Server) -> TokenStream {
    let (cx, arguments) = (local("cx"), local("arguments"));
    let names: Vec<Ident> = (0..server.init.inputs.len())
        .map(|index| local(&format!("argument_{index}")))
        .collect();
    let pattern = match names.as_slice() {
        [name] => quote! { #name },
        names => quote! { (#(#names),*) },
    };
    let context = server.init.takes_context.then(|| quote! { #cx });
    let waits = server.init.is_async.then(|| quote! { .await });
    let made = quote! { Self::init(#(#names,)* #context) #waits };
    let made = if server.init.is_fallible {
        quote! { #made.map_err(::noex::__private::exit_reason) }
    } else {
        quote! { ::core::result::Result::Ok(#made) }
    };
    let behind = server.handlers(Kind::Continue);
    let behind = behind.filter(|handler| handler.inputs.is_empty());
    let continues = behind.map(|handler| {
        let Handler { variant, cfgs, .. } = handler;
        let (enumeration, (_, types, _)) = (
            server.messages(Kind::Continue),
            server.generics.split_for_impl(),
        );
        let types = types.as_turbofish();
        quote! { #(#cfgs)* #cx.continue_with(#enumeration #types::#variant); }
    });
    quote! {
        async fn init(
            #arguments: Self::Args,
            #cx: &mut ::noex::Context<Self>,
        ) -> ::core::result::Result<Self, ::noex::ExitReason> {
            let #pattern = #arguments;
            #(#continues)*
            #made
        }
    }
}

fn handle_messages(server: &Server, kind: Kind) -> TokenStream {
    let is_call = kind == Kind::Call;
    if !is_call && server.handlers(kind).next().is_none() {
        return TokenStream::new();
    }
    let (method, ty) = if is_call {
        (format_ident!("handle_call"), quote! { Self::Call })
    } else {
        (format_ident!("handle_cast"), quote! { Self::Cast })
    };
    let (cx, message) = (local("cx"), local("message"));
    let checks = server.handlers(kind).map(|handler| checks(server, handler));
    let arms = server.handlers(kind).map(|handler| arm(server, handler));
    let never = never(server, kind);
    quote! {
        async fn #method(
            &mut self,
            #message: #ty,
            #cx: &mut ::noex::Context<Self>,
        ) -> ::noex::Flow {
            #(#checks)*
            match #message { #(#arms)* #never }
        }
    }
}

/// Lines without effect, where the compiler says at the user's type that it can't travel.
fn checks(server: &Server, handler: &Handler) -> TokenStream {
    if server.local {
        return TokenStream::new();
    }
    let later = matches!(handler.outcome, Outcome::Later { .. });
    let inputs = handler.inputs.iter().map(|input| &input.ty);
    let reply = handler.outcome.reply().filter(|_| !later);
    let cfgs = &handler.cfgs;
    let checks = inputs.chain(reply).map(|ty| {
        quote_spanned! { ty.span()=> #(#cfgs)* ::noex::__private::is_message::<#ty>(); }
    });
    quote! { #(#checks)* }
}

fn arm(server: &Server, handler: &Handler) -> TokenStream {
    let (variant, cfgs) = (&handler.variant, &handler.cfgs);
    let names: Vec<Ident> = (0..handler.inputs.len())
        .map(|index| local(&format!("input_{index}")))
        .collect();
    let reply = local("reply");
    let bound: Vec<&Ident> = names.iter().chain([&reply]).collect();
    let fields = handler.fields();
    let enumeration = server.messages(handler.kind);
    let path = quote! { #enumeration::#variant };
    let pattern = Shape::of(handler).fill(&path, &fields, &bound[..fields.len()]);
    let handled = handled(handler, &names);
    let (answer, flow) = (local("answer"), local("flow"));
    let sent = if server.local {
        quote! { ::noex::Local(#answer) }
    } else {
        quote! { #answer }
    };
    let body = match &handler.outcome {
        Outcome::Reply(_) => quote! {
            let #answer = #handled;
            #reply.send(#sent);
            ::noex::Flow::Continue
        },
        Outcome::ReplyAndFlow(_) => quote! {
            let (#answer, #flow) = #handled;
            #reply.send(#sent);
            #flow
        },
        Outcome::Nothing | Outcome::Flow | Outcome::Later { .. } => flow_of(handler, &handled),
    };
    quote! { #(#cfgs)* #pattern => { #body } }
}

/// The handler, called with these inputs. That its future can't move between threads is said at
/// the handler's name.
fn handled(handler: &Handler, inputs: &[Ident]) -> TokenStream {
    let cx = local("cx");
    let name = &handler.name;
    let context = handler.takes_context.then(|| quote! { #cx });
    if handler.is_async {
        quote_spanned! { name.span()=>
            ::noex::__private::movable(Self::#name(self, #(#inputs,)* #context)).await
        }
    } else {
        quote! { Self::#name(self, #(#inputs,)* #context) }
    }
}

/// What the handler gives, as `Flow`.
fn flow_of(handler: &Handler, handled: &TokenStream) -> TokenStream {
    match &handler.outcome {
        Outcome::Flow
        | Outcome::Later {
            gives_flow: true, ..
        } => handled.clone(),
        Outcome::Nothing | Outcome::Later { .. } | Outcome::Reply(_) | Outcome::ReplyAndFlow(_) => {
            quote! { #handled; ::noex::Flow::Continue }
        }
    }
}

fn handle_info(server: &Server) -> TokenStream {
    if server.handlers(Kind::Info).next().is_none() {
        return TokenStream::new();
    }
    let (cx, info, message) = (local("cx"), local("info"), local("message"));
    let next = local("next");
    let (others, typed): (Vec<_>, Vec<_>) = server
        .handlers(Kind::Info)
        .partition(|handler| is_any(handler));
    let typed = typed.into_iter().map(|handler| {
        let (ty, cfgs) = (&handler.inputs[0].ty, &handler.cfgs);
        let flow = flow_of(handler, &handled(handler, std::slice::from_ref(&message)));
        let flow = quote! { let #next = { #flow }; return #next; };
        quote_spanned! { ty.span()=>
            #(#cfgs)*
            let #info = match ::noex::__private::info_as::<#ty>(#info) {
                ::core::result::Result::Ok(#message) => { #flow }
                ::core::result::Result::Err(#next) => #next,
            };
        }
    });
    let others = others.into_iter().map(|handler| {
        let cfgs = &handler.cfgs;
        let flow = flow_of(handler, &handled(handler, std::slice::from_ref(&info)));
        quote! { #(#cfgs)* { let #next = { #flow }; return #next; } }
    });
    quote! {
        async fn handle_info(
            &mut self,
            #info: ::noex::Info,
            #cx: &mut ::noex::Context<Self>,
        ) -> ::noex::Flow {
            #(#typed)*
            #(#others)*
            ::noex::__private::unhandled(#cx, &#info)
        }
    }
}

/// Whether it handles whatever no other does.
fn is_any(handler: &Handler) -> bool {
    let ty = super::owned_type::last_segment(&handler.inputs[0].ty);
    ty.is_some_and(|(name, _)| name == "Info")
}

fn handle_continue(server: &Server) -> TokenStream {
    if server.handlers(Kind::Continue).next().is_none() {
        return TokenStream::new();
    }
    let (cx, value, message) = (local("cx"), local("value"), local("message"));
    let enumeration = server.messages(Kind::Continue);
    let (_, types, _) = server.generics.split_for_impl();
    let arms = server
        .handlers(Kind::Continue)
        .map(|handler| arm(server, handler));
    let never = never(server, Kind::Continue);
    quote! {
        async fn handle_continue(
            &mut self,
            #value: ::std::boxed::Box<dyn ::core::any::Any + ::core::marker::Send>,
            #cx: &mut ::noex::Context<Self>,
        ) -> ::noex::Flow {
            let #message: #enumeration #types = match #value.downcast() {
                ::core::result::Result::Ok(#message) => *#message,
                ::core::result::Result::Err(_) => {
                    return ::noex::__private::unhandled_continue(#cx.pid());
                }
            };
            match #message { #(#arms)* #never }
        }
    }
}

/// The arm of the variant that can't be.
fn never(server: &Server, kind: Kind) -> Option<TokenStream> {
    let (never, enumeration) = (local("never"), server.messages(kind));
    let arm = quote! { #enumeration::__Unused(#never, _) => match #never {}, };
    server.has_types().then_some(arm)
}

fn terminate(server: &Server) -> TokenStream {
    let Some(handler) = server.handlers(Kind::Terminate).next() else {
        return TokenStream::new();
    };
    let (cx, reason, cfgs) = (local("cx"), local("reason"), &handler.cfgs);
    let reasons = vec![reason.clone(); handler.inputs.len()];
    let handled = handled(handler, &reasons);
    quote! {
        #(#cfgs)*
        async fn terminate(
            &mut self,
            #reason: &::noex::ExitReason,
            #cx: &mut ::noex::Context<Self>,
        ) {
            #handled
        }
    }
}

/// The compiler says at the word `debug` if the state can't be printed.
fn describe(server: &Server) -> Option<TokenStream> {
    let debug = server.debug.as_ref()?;
    let state = quote_spanned! { debug.span()=> ::noex::__private::printed(self) };
    Some(quote! {
        fn describe(&self) -> ::core::option::Option<::std::string::String> {
            ::core::option::Option::Some(#state)
        }
    })
}

fn protocol(server: &Server) -> Option<TokenStream> {
    let name = server.protocol.as_ref()?;
    Some(quote! {
        fn protocol() -> &'static str {
            #name
        }
    })
}

fn protocols(server: &Server) -> TokenStream {
    if server.implements.is_empty() {
        return TokenStream::new();
    }
    let accepted = server
        .implements
        .iter()
        .map(|path| quote_spanned! { path.span()=> ::noex::Accepted::of::<dyn #path>() });
    quote! {
        fn protocols() -> &'static [::noex::Accepted<Self>] {
            const { &[#(#accepted),*] }
        }
    }
}
