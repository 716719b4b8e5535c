//! Writes the round-trip tests: an implementation of every trait that checks its arguments and answers with a sample, and
//! a test that calls every method of it over a connection.

use std::error::Error;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use crate::emit::{bound, family, owned, values};
use crate::schema::{Kind, Schema, snake};
use crate::traits::Traits;

pub(crate) fn tests(schema: &Schema, traits: &Traits) -> Result<String, Box<dyn Error>> {
    let mut out = quote! {};
    let mut done = Vec::new();
    for interface in values(schema) {
        let of = format_ident!("{}", interface.name);
        let mut calls = quote! {};
        for member in family(schema, interface) {
            let base = format_ident!("{}", member.name);
            let mut functions = quote! {};
            for bound in bound(traits, member)? {
                if bound.method.same_as.is_some() {
                    continue;
                }
                let function = &bound.function;
                let output = &bound.signature.output;
                let mut declared = Vec::new();
                let mut checks = quote! {};
                let mut passed = Vec::new();
                for (param, field) in bound.signature.params.iter().zip(&bound.method.params) {
                    let (name, of_type, owned) = (&param.name, &param.of_type, owned(param));
                    declared.push(quote! { #name: #of_type });
                    checks.extend(match field.kind {
                        Kind::Interface(_) => quote! { drop(#name); },
                        _ if param.is_reference() => quote! { assert_eq!(*#name, *sample::<#owned>()); },
                        _ => quote! { assert_eq!(#name, *sample::<#owned>()); },
                    });
                    passed.push(if param.is_reference() {
                        quote! { &sample::<#owned>() }
                    } else {
                        quote! { *sample::<#owned>() }
                    });
                }
                let value = &bound.signature.value;
                let answer = if bound.signature.answer {
                    quote! { Ok(Ok(*sample::<#value>())) }
                } else {
                    quote! { Ok(*sample::<#value>()) }
                };
                functions.extend(quote! {
                    fn #function(&self, #(#declared),*) -> #output { #checks #answer }
                });
                let inner = if bound.signature.answer {
                    quote! { .unwrap() }
                } else {
                    quote! {}
                };
                let called = quote! { remote.#function(#(#passed),*).unwrap() #inner };
                calls.extend(match bound.method.results.as_slice() {
                    [field] if matches!(field.kind, Kind::Interface(_)) => quote! { drop(#called); },
                    _ => quote! { assert_eq!(#called, *sample::<#value>()); },
                });
            }
            if !functions.is_empty() && !done.contains(&member.id) {
                done.push(member.id);
                out.extend(quote! { impl #base for Sampler { #functions } });
            }
        }
        let name = format_ident!("{}", snake(&interface.name));
        out.extend(quote! {
            impl Sample for Arc<dyn #of> { fn make(_: u8) -> Self { Arc::new(Sampler) } }
            #[test]
            fn #name() { over_the_wire::<dyn #of>(Arc::new(Sampler), |remote| { #calls }); }
        });
    }
    for (name, fields) in traits.structs.iter().filter(|(_, fields)| !fields.is_empty()) {
        let of = format_ident!("{name}");
        let fields: Vec<TokenStream> = fields
            .keys()
            .zip(1_u8..)
            .map(|(name, number)| {
                let name = format_ident!("{name}");
                quote! { #name: Sample::make(seed.wrapping_add(#number)) }
            })
            .collect();
        out.extend(quote! { impl Sample for #of { fn make(seed: u8) -> Self { Self { #(#fields),* } } } });
    }
    for enumeration in &schema.enums {
        let of = format_ident!("{}", enumeration.name);
        let last = format_ident!("{}", enumeration.variants.last().ok_or("an enum without variants")?);
        out.extend(quote! { impl Sample for #of { fn make(_: u8) -> Self { Self::#last } } });
    }
    Ok(out.to_string())
}
