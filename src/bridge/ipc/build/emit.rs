//! Writes the proxies: for each interface of the schema a client that implements the trait, a dispatch that calls it, and
//! for each struct and enum the conversion to its twin. Every mismatch between schema and trait is an error of the build.

use std::error::Error;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Ident, Type};

use crate::fields::{get, put};
use crate::schema::{Field, Interface, Kind, Method, Schema, snake};
use crate::traits::{Param, Signature, Traits, is_option};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A method of the schema together with the function that answers it.
pub(crate) struct Bound<'a> {
    pub(crate) interface: &'a Interface,
    pub(crate) method: &'a Method,
    pub(crate) function: Ident,
    pub(crate) signature: &'a Signature,
    /// The method whose results have the shape of the trait's answer: itself, or the one it is an older ordinal of.
    pub(crate) shape: &'a Method,
}

pub(crate) fn glue(schema: &Schema, traits: &Traits) -> Result<String> {
    let mut out = quote! {};
    for interface in values(schema) {
        out.extend(dispatch(schema, traits, interface)?);
        out.extend(client(schema, traits, interface)?);
    }
    for record in &schema.records {
        if let Some(fields) = traits.structs.get(&record.name) {
            out.extend(conversion(record, fields)?);
        }
    }
    for enumeration in &schema.enums {
        let ours = format_ident!("{}", enumeration.name);
        let wire = path(&enumeration.path)?;
        let variants: Vec<Ident> = enumeration.variants.iter().map(|name| format_ident!("{name}")).collect();
        out.extend(quote! {
            impl conv::Scalar<#wire> for #ours {
                fn to_wire(&self) -> capnp::Result<#wire> { Ok(match self { #(Self::#variants => #wire::#variants,)* }) }
                fn from_wire(wire: #wire) -> capnp::Result<Self> {
                    Ok(match wire { #(#wire::#variants => Self::#variants,)* })
                }
            }
        });
    }
    Ok(out.to_string())
}

/// The interfaces that travel as objects: not those that only others extend.
pub(crate) fn values(schema: &Schema) -> impl Iterator<Item = &Interface> {
    schema.interfaces.values().filter(|interface| {
        let extended = schema.interfaces.values().any(|other| other.supers.contains(&interface.id));
        let travels = schema.interfaces.values().flat_map(|other| &other.methods).any(|method| {
            let named = Kind::Interface(interface.name.clone());
            method.params.iter().chain(&method.results).any(|field| field.kind == named)
        });
        travels || !extended
    })
}

/// An interface and everything that it extends.
pub(crate) fn family<'a>(schema: &'a Schema, interface: &'a Interface) -> Vec<&'a Interface> {
    let mut all = vec![interface];
    for id in &interface.supers {
        all.extend(family(schema, &schema.interfaces[id]));
    }
    all
}

/// The methods of one interface that have a function in the trait of the same name.
pub(crate) fn bound<'a>(traits: &'a Traits, interface: &'a Interface) -> Result<Vec<Bound<'a>>> {
    let functions = traits.methods.get(&interface.name).ok_or(format!("there is no trait {}", interface.name))?;
    let mut all = Vec::new();
    for method in &interface.methods {
        if ["construct", "destroy"].contains(&method.name.as_str()) {
            continue;
        }
        let wanted = method.same_as.as_ref().unwrap_or(&method.name);
        let shape = interface.methods.iter().find(|other| other.name == *wanted).ok_or("sameAs names no method")?;
        let name = snake(wanted);
        let signature = functions.get(&name).ok_or(format!("trait {} has no fn {name}", interface.name))?;
        if signature.params.len() != method.params.len() {
            return Err(format!("{}::{name} and its schema differ in their parameters", interface.name).into());
        }
        for (param, field) in signature.params.iter().zip(&method.params) {
            if param.name != snake(&field.name) {
                return Err(
                    format!("{}::{name}: {} is {} in the schema", interface.name, param.name, field.name).into()
                );
            }
        }
        all.push(Bound { interface, method, function: format_ident!("{name}"), signature, shape });
    }
    for name in functions.keys() {
        if !all.iter().any(|bound| bound.function == name) {
            return Err(format!("{}::{name} is not in the schema", interface.name).into());
        }
    }
    Ok(all)
}

fn path(text: &str) -> Result<TokenStream> {
    Ok(text.parse().map_err(|_| "a path that is no path")?)
}

fn meta(interface: &Interface, method: &Method) -> TokenStream {
    let (of, name, quick) = (&interface.name, &method.name, method.quick);
    quote! { { static META: Method = Method { interface: #of, name: #name, quick: #quick }; &META } }
}

/// What a parameter is called in the generated code, where it must not hide anything.
fn local(param: &Param) -> Ident {
    format_ident!("arg_{}", param.name)
}

/// The owned type that a parameter has on its way.
pub(crate) fn owned(param: &Param) -> TokenStream {
    let Type::Reference(reference) = &param.of_type else {
        let of_type = &param.of_type;
        return quote! { #of_type };
    };
    match &*reference.elem {
        Type::Slice(slice) => {
            let element = &slice.elem;
            quote! { Vec<#element> }
        }
        Type::Path(path) if path.path.is_ident("str") => quote! { String },
        other => quote! { #other },
    }
}

fn dispatch(schema: &Schema, traits: &Traits, interface: &Interface) -> Result<TokenStream> {
    let name = &interface.name;
    let of = format_ident!("{name}");
    let mut arms = quote! {};
    let mut destroy = quote! { None };
    for member in family(schema, interface) {
        let id = member.type_id;
        for method in &member.methods {
            let ordinal = method.ordinal;
            let meta = meta(member, method);
            let params = path(&method.params_path)?;
            if method.name == "construct" {
                arms.extend(quote! { (#id, #ordinal) => object.construct(#meta, &params, results), });
            } else if method.name == "destroy" {
                if member.id == interface.id {
                    destroy = quote! { Some((#id, #ordinal)) };
                }
                arms.extend(quote! { (#id, #ordinal) => object.destroy(#meta, &params, |call, params| {
                    let reader: #params::Reader<'_> = params.get_as()?;
                    call.context(if reader.has_context() { Some(reader.get_context()?) } else { None })
                }), });
            }
        }
        for bound in bound(traits, member)? {
            arms.extend(dispatch_method(&bound, &of)?);
        }
    }
    let interrupt = match &interface.interrupt_by {
        Some(method) => {
            let function = format_ident!("{}", snake(method));
            quote! { fn interrupt(&self) -> bool { drop(self.#function()); true } }
        }
        None => quote! {},
    };
    let bounded = interface.bounded;
    Ok(quote! {
        impl Dispatch for dyn #of {
            const NAME: &'static str = #name;
            const BOUNDED: bool = #bounded;
            const DESTROY: Option<(u64, u16)> = #destroy;
            fn dispatch(
                object: std::rc::Rc<Object<Self>>, interface: u64, method: u16, params: Params, results: Results,
            ) -> Promise<(), capnp::Error> {
                match (interface, method) {
                    #arms
                    _ => Promise::err(capnp::Error::unimplemented("Method not implemented.".to_owned())),
                }
            }
            fn proxy(remote: Remote<Self>) -> Arc<Self> { Arc::new(remote) }
            #interrupt
        }
    })
}

fn dispatch_method(bound: &Bound<'_>, of: &Ident) -> Result<TokenStream> {
    let Bound { interface, method, function, signature, .. } = bound;
    let (id, ordinal, meta) = (interface.type_id, method.ordinal, meta(interface, method));
    let params = path(&method.params_path)?;
    let results = path(&method.results_path)?;
    let mut reads = quote! {};
    let mut passed = Vec::new();
    for (param, field) in signature.params.iter().zip(&method.params) {
        let (name, owned) = (local(param), owned(param));
        let read = get(field, param.is_option(), Some(&param.of_type))?;
        reads.extend(quote! { let #name: #owned = #read; });
        passed.push(if param.is_reference() {
            quote! { &#name }
        } else {
            quote! { #name }
        });
    }
    let shown = shown(signature, method);
    let context = if method.has_context {
        quote! { call.context(if reader.has_context() { Some(reader.get_context()?) } else { None })? }
    } else {
        quote! { call.context(None)? }
    };
    let thrown = if signature.answer {
        quote! { Thrown::from_answer }
    } else {
        quote! { Thrown::from_plain }
    };
    let mut writes = quote! {};
    for (value, field, option) in answers(bound) {
        writes.extend(put(field, &value, option)?);
    }
    let show_answer = answer_shown(bound);
    let build = if method.results.is_empty() {
        quote! {}
    } else {
        quote! { let mut b: #results::Builder<'_> = builder.init_as(); #writes }
    };
    let reader = if method.params.is_empty() && !method.has_context {
        quote! {}
    } else {
        quote! { let reader: #params::Reader<'_> = params.get_as()?; }
    };
    let on_loop = method.on_loop;
    Ok(quote! {
        (#id, #ordinal) => object.serve(#meta, #on_loop, &params, results, |call, params| {
            let cx = call.cx();
            #reader
            #reads
            call.request(|| #shown);
            let context = #context;
            let job: Job<dyn #of> = Box::new(move |imp| {
                let answer = #thrown(imp.#function(#(#passed),*))?;
                let write: Write = Box::new(move |call, builder| {
                    let cx = call.cx();
                    #build
                    call.response(|| #show_answer);
                    Ok(())
                });
                Ok(write)
            });
            Ok((context, job))
        }),
    })
}

/// Each result field of a bound method with the expression that has its value, and what is known of its type.
fn answers<'a>(bound: &'a Bound<'_>) -> Vec<(TokenStream, &'a Field, bool)> {
    let value = &bound.signature.value;
    match bound.shape.results.as_slice() {
        [] => Vec::new(),
        [_] => match bound.method.results.first() {
            Some(field) => vec![(quote! { answer }, field, is_option(value))],
            None => Vec::new(),
        },
        _ => {
            let mut all = Vec::new();
            for field in &bound.method.results {
                let name = format_ident!("{}", snake(&field.name));
                all.push((quote! { answer.#name }, field, false));
            }
            all
        }
    }
}

/// An expression that formats the arguments for the log.
fn shown(signature: &Signature, method: &Method) -> TokenStream {
    let mut parts = Vec::new();
    let mut values = Vec::new();
    for (param, field) in signature.params.iter().zip(&method.params) {
        let name = &param.name;
        if let Kind::Interface(of) = &field.kind {
            parts.push(format!("{name}=<{of}>"));
        } else {
            parts.push(format!("{name}={{:?}}"));
            values.push(local(param));
        }
    }
    let format = parts.join(", ");
    quote! { format!(#format #(, #values)*) }
}

fn answer_shown(bound: &Bound<'_>) -> TokenStream {
    match bound.shape.results.as_slice() {
        [] => quote! { String::new() },
        [Field { kind: Kind::Interface(of), .. }] => quote! { format!("<{}>", #of) },
        _ => quote! { format!("{answer:?}") },
    }
}

fn client(schema: &Schema, traits: &Traits, interface: &Interface) -> Result<TokenStream> {
    let of = format_ident!("{}", interface.name);
    let mut out = quote! {};
    for member in family(schema, interface) {
        let base = format_ident!("{}", member.name);
        let mut functions = quote! {};
        for bound in bound(traits, member)? {
            if bound.method.same_as.is_none() {
                let name = &bound.method.name;
                let older = member.methods.iter().find(|method| method.same_as.as_ref() == Some(name));
                functions.extend(client_method(&bound, older)?);
            }
        }
        // An interface that only sums others up is implemented for whatever implements them.
        if !functions.is_empty() {
            out.extend(quote! { impl #base for Remote<dyn #of> { #functions } });
        }
    }
    Ok(out)
}

/// The proxy's side of a method. If the other side does not have it, the older ordinal is tried, if there is one.
fn client_method(bound: &Bound<'_>, older: Option<&Method>) -> Result<TokenStream> {
    let Bound { interface, method, function, signature, .. } = bound;
    let mut declared = Vec::new();
    let mut owns = quote! {};
    let mut keeps = quote! {};
    for param in &signature.params {
        let (name, of_type) = (local(param), &param.of_type);
        declared.push(quote! { #name: #of_type });
        if let Type::Reference(reference) = of_type {
            let to_owned = match &*reference.elem {
                Type::Slice(_) => quote! { to_vec },
                Type::Path(path) if path.path.is_ident("str") => quote! { to_owned },
                _ => quote! { clone },
            };
            owns.extend(quote! { let #name = #name.#to_owned(); });
        }
        keeps.extend(quote! { let #name = #name.clone(); });
    }
    let output = &signature.output;
    let finish = if signature.answer {
        quote! { Thrown::into_answer }
    } else {
        quote! { Thrown::into_plain }
    };
    let call = client_call(interface, method, signature)?;
    let call = if let Some(older) = older {
        let again = client_call(interface, older, signature)?;
        quote! {
            let result = { #keeps #call };
            let result = match result {
                Err(Thrown::Road(IpcError::Unimplemented(_))) => { #again }
                result => result,
            };
            #finish(result)
        }
    } else {
        quote! { #finish({ #call }) }
    };
    Ok(quote! {
        fn #function(&self, #(#declared),*) -> #output { #owns #call }
    })
}

/// One call: how it is logged, written and read. Results that an older ordinal lacks have their defaults.
fn client_call(interface: &Interface, method: &Method, signature: &Signature) -> Result<TokenStream> {
    let (id, ordinal, meta) = (interface.type_id, method.ordinal, meta(interface, method));
    let params = path(&method.params_path)?;
    let results = path(&method.results_path)?;
    let mut writes = quote! {};
    for (param, field) in signature.params.iter().zip(&method.params) {
        let name = local(param);
        writes.extend(put(field, &quote! { #name }, param.is_option())?);
    }
    let shown = shown(signature, method);
    let context = if method.has_context {
        quote! { cx.fill(b.reborrow().init_context()); }
    } else {
        quote! {}
    };
    let value = &signature.value;
    let read = match method.results.as_slice() {
        [] => quote! { () },
        [field] if method.same_as.is_none() => get(field, is_option(value), Some(value))?,
        fields => {
            let mut members = quote! {};
            for field in fields {
                let name = format_ident!("{}", snake(&field.name));
                let read = get(field, false, None)?;
                members.extend(quote! { #name: #read, });
            }
            if method.same_as.is_some() {
                members.extend(quote! { ..#value::default() });
            }
            quote! { #value { #members } }
        }
    };
    let (answer, show_answer) = match method.results.as_slice() {
        [] => (quote! { _answer }, quote! { String::new() }),
        [Field { kind: Kind::Interface(of), .. }] => (quote! { _answer }, quote! { format!("<{}>", #of) }),
        _ => (quote! { answer }, quote! { format!("{answer:?}") }),
    };
    Ok(quote! {
        let asked = self.request(#meta, || #shown);
        self.call(
            &asked,
            (#id, #ordinal),
            Box::new(move |cx, builder| {
                let mut b: #params::Builder<'_> = builder.init_as();
                #context
                #writes
                Ok(())
            }),
            |cx, reader| {
                let reader: #results::Reader<'_> = reader.get_as()?;
                Ok(#read)
            },
            |#answer: &#value| #show_answer,
        )
    })
}

fn conversion(
    record: &crate::schema::Record,
    options: &std::collections::BTreeMap<String, bool>,
) -> Result<TokenStream> {
    let ours = format_ident!("{}", record.name);
    let wire = path(&record.path)?;
    let mut writes = quote! {};
    let mut reads = quote! {};
    for field in &record.fields {
        let name = snake(&field.name);
        let option = *options.get(&name).ok_or(format!("struct {} has no field {name}", record.name))?;
        let name = format_ident!("{name}");
        writes.extend(put(field, &quote! { self.#name }, option)?);
        let read = get(field, option, None)?;
        reads.extend(quote! { #name: #read, });
    }
    Ok(quote! {
        impl conv::Record for #ours {
            type Wire = #wire::Owned;
            fn build(&self, mut b: #wire::Builder<'_>) -> capnp::Result<()> { #writes Ok(()) }
            fn read(reader: #wire::Reader<'_>) -> capnp::Result<Self> { Ok(Self { #reads }) }
        }
    })
}
