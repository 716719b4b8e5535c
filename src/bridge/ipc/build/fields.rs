//! Writes how one field goes into a message and comes out of it.

use std::error::Error;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::Type;

use crate::schema::{Field, Kind, capnp_snake};
use crate::traits::inside;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Statements that write `value` into the builder `b`.
pub(crate) fn put(field: &Field, value: &TokenStream, option: bool) -> Result<TokenStream> {
    let capnp_name = capnp_snake(&field.name);
    let set = format_ident!("set_{capnp_name}");
    let init = format_ident!("init_{capnp_name}");
    let set_has = format_ident!("set_has_{capnp_name}");
    let has = if field.flagged {
        quote! { b.#set_has(true); }
    } else {
        quote! {}
    };
    let blob = matches!(field.kind, Kind::Text | Kind::Data);
    let (wrapped, inner) = if option && !blob { (true, quote! { value }) } else { (false, quote! { &#value }) };
    let body = match &field.kind {
        Kind::Scalar | Kind::Enum => quote! { b.#set(conv::Scalar::to_wire(#inner)?); },
        Kind::Text => quote! { if let Some(text) = conv::Words::text(#inner) { b.#set(text); #has } },
        Kind::Data => quote! { if let Some(data) = conv::Blob::bytes(#inner) { b.#set(data); #has } },
        Kind::List(element) => {
            let list = match &**element {
                Kind::Data => quote! { put_data_list },
                Kind::Text => quote! { put_text_list },
                Kind::Scalar => quote! { put_scalar_list },
                Kind::Struct(_) => quote! { put_record_list },
                _ => return Err(format!("{}: a list of that is not supported", field.name).into()),
            };
            quote! { conv::#list(b.reborrow().#init(conv::length(#inner)?), #inner)?; }
        }
        Kind::Struct(_) => quote! { conv::Record::build(#inner, b.reborrow().#init())?; },
        Kind::Interface(of) => {
            let of = format_ident!("{of}");
            quote! { b.#set(cx.export::<dyn #of, _>((#inner).clone())); }
        }
    };
    Ok(if wrapped {
        quote! { if let Some(value) = &#value { #has #body } }
    } else if field.flagged && !blob {
        quote! { #has #body }
    } else {
        body
    })
}

/// An expression that reads the field from `reader`.
pub(crate) fn get(field: &Field, option: bool, of_type: Option<&Type>) -> Result<TokenStream> {
    let capnp_name = capnp_snake(&field.name);
    let get = format_ident!("get_{capnp_name}");
    let has = format_ident!("has_{capnp_name}");
    let get_has = format_ident!("get_has_{capnp_name}");
    let there = quote! { if reader.#has() { Some(reader.#get()?) } else { None } };
    let plain = match &field.kind {
        Kind::Scalar => quote! { conv::Scalar::from_wire(reader.#get())? },
        Kind::Enum => quote! { conv::Scalar::from_wire(reader.#get()?)? },
        Kind::Text => return Ok(quote! { conv::Words::parse(#there)? }),
        Kind::Data => return Ok(quote! { conv::Blob::parse(#there)? }),
        Kind::List(element) => {
            let list = match &**element {
                Kind::Data => quote! { get_data_list },
                Kind::Text => quote! { get_text_list },
                Kind::Scalar => quote! { get_scalar_list },
                Kind::Struct(_) => quote! { get_record_list },
                _ => return Err(format!("{}: a list of that is not supported", field.name).into()),
            };
            quote! { conv::#list(reader.#get()?)? }
        }
        Kind::Struct(_) => quote! { conv::Record::read(reader.#get()?)? },
        Kind::Interface(of) => {
            let of = format_ident!("{of}");
            if of_type.is_some_and(|of_type| inside(of_type, "Option").is_none() && inside(of_type, "Arc").is_none()) {
                return Err(format!("{}: an interface is an Arc<dyn ...>", field.name).into());
            }
            quote! { cx.import::<dyn #of>(conv::there(#there)?.client) }
        }
    };
    Ok(if !option {
        plain
    } else if field.flagged {
        quote! { if reader.#get_has() { Some(#plain) } else { None } }
    } else {
        match field.kind {
            Kind::Struct(_) | Kind::Interface(_) => quote! { if reader.#has() { Some(#plain) } else { None } },
            _ => return Err(format!("{}: optional needs a Bool field hasX beside it", field.name).into()),
        }
    })
}
