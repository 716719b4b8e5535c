//! Reads the traits and structs of the crate `interfaces` from its source: their types are what the proxies have.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;

use syn::{FnArg, GenericArgument, Ident, Item, Pat, PathArguments, ReturnType, TraitItem, Type};

#[derive(Default)]
pub(crate) struct Traits {
    /// Trait name, then method name.
    pub(crate) methods: BTreeMap<String, BTreeMap<String, Signature>>,
    /// Struct name, then field name: whether the field is an `Option`.
    pub(crate) structs: BTreeMap<String, BTreeMap<String, bool>>,
}

pub(crate) struct Signature {
    pub(crate) params: Vec<Param>,
    /// The whole return type, for the proxy's signature.
    pub(crate) output: Type,
    /// The type inside `Call` and `Answer`.
    pub(crate) value: Type,
    /// Whether the inner level is there.
    pub(crate) answer: bool,
}

pub(crate) struct Param {
    pub(crate) name: Ident,
    pub(crate) of_type: Type,
}

impl Param {
    pub(crate) fn is_reference(&self) -> bool {
        matches!(self.of_type, Type::Reference(_))
    }

    pub(crate) fn is_option(&self) -> bool {
        is_option(&self.of_type)
    }
}

/// What is inside `name<...>`, if the type is that.
pub(crate) fn inside<'a>(of_type: &'a Type, name: &str) -> Option<&'a Type> {
    let Type::Path(path) = of_type else { return None };
    let last = path.path.segments.last()?;
    if last.ident != name {
        return None;
    }
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(inner) => Some(inner),
        _ => None,
    })
}

pub(crate) fn is_option(of_type: &Type) -> bool {
    inside(of_type, "Option").is_some()
}

pub(crate) fn read(folder: &Path) -> Result<Traits, Box<dyn Error>> {
    let mut traits = Traits::default();
    read_folder(folder, &mut traits)?;
    Ok(traits)
}

fn read_folder(folder: &Path, traits: &mut Traits) -> Result<(), Box<dyn Error>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        paths.push(entry?.path());
    }
    paths.sort();
    for path in paths {
        if path.is_dir() {
            read_folder(&path, traits)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let file = syn::parse_file(&fs::read_to_string(&path)?)?;
            read_items(&file.items, traits)?;
        }
    }
    Ok(())
}

fn read_items(items: &[Item], traits: &mut Traits) -> Result<(), Box<dyn Error>> {
    for item in items {
        match item {
            Item::Trait(item) => {
                let mut methods = BTreeMap::new();
                for member in &item.items {
                    if let TraitItem::Fn(function) = member {
                        methods.insert(function.sig.ident.to_string(), signature(function)?);
                    }
                }
                traits.methods.insert(item.ident.to_string(), methods);
            }
            Item::Struct(item) => {
                let fields = item
                    .fields
                    .iter()
                    .filter_map(|field| Some((field.ident.as_ref()?.to_string(), is_option(&field.ty))))
                    .collect();
                traits.structs.insert(item.ident.to_string(), fields);
            }
            _ => {}
        }
    }
    Ok(())
}

fn signature(function: &syn::TraitItemFn) -> Result<Signature, Box<dyn Error>> {
    let name = &function.sig.ident;
    let mut params = Vec::new();
    for input in &function.sig.inputs {
        if let FnArg::Typed(input) = input {
            let Pat::Ident(pattern) = &*input.pat else { return Err(format!("{name}: name the parameters").into()) };
            params.push(Param { name: pattern.ident.clone(), of_type: (*input.ty).clone() });
        }
    }
    let ReturnType::Type(_, output) = &function.sig.output else {
        return Err(format!("{name}: every method of an interface returns Call<...>").into());
    };
    let inner = inside(output, "Call").ok_or_else(|| format!("{name}: every method returns Call<...>"))?;
    let answer = inside(inner, "Answer");
    Ok(Signature {
        params,
        output: (**output).clone(),
        value: answer.unwrap_or(inner).clone(),
        answer: answer.is_some(),
    })
}
