//! Reads the compiled schema into what the generator needs: interfaces, their methods, and the structs they carry.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::File;
use std::io::BufReader;

use capnp::message::ReaderOptions;
use capnp::schema_capnp::{annotation, code_generator_request, field, node, type_, value};

/// Ids of our annotations, from `schema/wire.capnp`.
const ON_LOOP: u64 = 0xb1d3_6bba_3d1f_8d01;
const QUICK: u64 = 0xb1d3_6bba_3d1f_8d07;
const SAME_AS: u64 = 0xb1d3_6bba_3d1f_8d03;
const INTERRUPT_BY: u64 = 0xb1d3_6bba_3d1f_8d04;
const BOUNDED: u64 = 0xb1d3_6bba_3d1f_8d05;
const TYPE_ID: u64 = 0xb1d3_6bba_3d1f_8d06;
/// The file of `Thread`, `ThreadMap` and `Context`, which the runtime implements by hand.
const PROXY_FILE: &str = "proxy.capnp";
/// The only struct that the runtime fills in.
const CONTEXT: u64 = 0x9c44_e664_5d0b_22c6;

#[derive(Default)]
pub(crate) struct Schema {
    pub(crate) interfaces: BTreeMap<u64, Interface>,
    pub(crate) records: Vec<Record>,
    pub(crate) enums: Vec<Enum>,
}

pub(crate) struct Interface {
    pub(crate) id: u64,
    /// The id by which calls name it: its own, unless it poses as another.
    pub(crate) type_id: u64,
    pub(crate) name: String,
    pub(crate) methods: Vec<Method>,
    pub(crate) supers: Vec<u64>,
    pub(crate) interrupt_by: Option<String>,
    pub(crate) bounded: bool,
}

pub(crate) struct Method {
    pub(crate) name: String,
    pub(crate) ordinal: u16,
    /// Rust path of the parameter struct's module.
    pub(crate) params_path: String,
    pub(crate) results_path: String,
    pub(crate) has_context: bool,
    pub(crate) params: Vec<Field>,
    pub(crate) results: Vec<Field>,
    pub(crate) on_loop: bool,
    pub(crate) quick: bool,
    pub(crate) same_as: Option<String>,
}

/// A struct that has a twin in `interfaces`.
pub(crate) struct Record {
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) fields: Vec<Field>,
}

pub(crate) struct Enum {
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) variants: Vec<String>,
}

#[derive(Clone)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// Whether a Bool field `hasName` says if this one counts.
    pub(crate) flagged: bool,
}

#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Scalar,
    Enum,
    Text,
    Data,
    List(Box<Kind>),
    Struct(u64),
    Interface(String),
}

/// The module name that capnpc gives to a schema name.
pub(crate) fn capnp_snake(name: &str) -> String {
    let mut out = String::new();
    for (index, c) in name.chars().enumerate() {
        if c.is_uppercase() && index > 0 {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    out
}

/// The Rust name of a schema name: a run of capitals is one word.
pub(crate) fn snake(name: &str) -> String {
    let mut out = String::new();
    let mut previous_upper = true;
    for c in name.chars() {
        if c.is_uppercase() && !previous_upper {
            out.push('_');
        }
        previous_upper = c.is_uppercase();
        out.extend(c.to_lowercase());
    }
    out
}

pub(crate) fn read(path: &str) -> Result<Schema, Box<dyn Error>> {
    let options = ReaderOptions { traversal_limit_in_words: None, nesting_limit: 64 };
    let message = capnp::serialize::read_message(BufReader::new(File::open(path)?), options)?;
    let request: code_generator_request::Reader<'_> = message.get_root()?;
    let mut nodes = BTreeMap::new();
    for node in request.get_nodes()? {
        nodes.insert(node.get_id(), node);
    }
    let mut schema = Schema::default();
    for node in nodes.values() {
        if file_of(*node)? == PROXY_FILE {
            continue;
        }
        match node.which()? {
            node::Interface(interface) => {
                let mut methods = Vec::new();
                for (ordinal, method) in interface.get_methods()?.iter().enumerate() {
                    let module = module_path(*node, &nodes)?;
                    let name = method.get_name()?.to_string()?;
                    let (params, has_context) = fields(&nodes, method.get_param_struct_type())?;
                    let (results, _) = fields(&nodes, method.get_result_struct_type())?;
                    let notes = method.get_annotations()?;
                    methods.push(Method {
                        params_path: format!("{module}::{}_params", capnp_snake(&name)),
                        results_path: format!("{module}::{}_results", capnp_snake(&name)),
                        name,
                        ordinal: u16::try_from(ordinal)?,
                        has_context,
                        params,
                        results,
                        on_loop: note(notes, ON_LOOP)?.is_some(),
                        quick: note(notes, QUICK)?.is_some(),
                        same_as: note(notes, SAME_AS)?,
                    });
                }
                let mut supers = Vec::new();
                for superclass in interface.get_superclasses()? {
                    supers.push(superclass.get_id());
                }
                schema.interfaces.insert(
                    node.get_id(),
                    Interface {
                        id: node.get_id(),
                        type_id: type_id(*node)?,
                        name: short_name(*node)?,
                        methods,
                        supers,
                        interrupt_by: note(node.get_annotations()?, INTERRUPT_BY)?,
                        bounded: note(node.get_annotations()?, BOUNDED)?.is_some(),
                    },
                );
            }
            node::Struct(_) if node.get_scope_id() != 0 => {
                let (fields, _) = fields(&nodes, node.get_id())?;
                schema.records.push(Record { name: short_name(*node)?, path: module_path(*node, &nodes)?, fields });
            }
            node::Enum(enumeration) => {
                let mut variants = Vec::new();
                for enumerant in enumeration.get_enumerants()? {
                    let name = enumerant.get_name()?.to_string()?;
                    variants.push(name[..1].to_uppercase() + &name[1..]);
                }
                let name = short_name(*node)?;
                let file = file_of(*node)?;
                let path = format!("wire::{}_capnp::{name}", file.trim_end_matches(".capnp"));
                schema.enums.push(Enum { name, path, variants });
            }
            _ => {}
        }
    }
    Ok(schema)
}

fn file_of(node: node::Reader<'_>) -> Result<String, Box<dyn Error>> {
    let name = node.get_display_name()?.to_string()?;
    Ok(name.split(':').next().unwrap_or_default().to_owned())
}

fn short_name(node: node::Reader<'_>) -> Result<String, Box<dyn Error>> {
    let name = node.get_display_name()?.to_string()?;
    Ok(name[usize::try_from(node.get_display_name_prefix_length())?..].to_owned())
}

/// The Rust module of an interface or struct that is declared at the top of its file.
fn module_path(node: node::Reader<'_>, nodes: &BTreeMap<u64, node::Reader<'_>>) -> Result<String, Box<dyn Error>> {
    let scope = nodes.get(&node.get_scope_id()).ok_or("a node without its file")?;
    if !matches!(scope.which()?, node::File(())) {
        return Err(format!("{} is nested; declare it at the top of the file", short_name(node)?).into());
    }
    let file = file_of(node)?;
    Ok(format!("wire::{}_capnp::{}", file.trim_end_matches(".capnp"), capnp_snake(&short_name(node)?)))
}

/// The fields of a struct in the order of their ordinals, without the context and the `has` flags.
fn fields(nodes: &BTreeMap<u64, node::Reader<'_>>, id: u64) -> Result<(Vec<Field>, bool), Box<dyn Error>> {
    let node::Struct(structure) = nodes.get(&id).ok_or("a struct that is not in the request")?.which()? else {
        return Err("a parameter list that is not a struct".into());
    };
    let mut all = Vec::new();
    let mut has_context = false;
    for item in structure.get_fields()? {
        let field::Slot(slot) = item.which()? else { return Err("groups are not supported".into()) };
        let of_type = slot.get_type()?;
        if let type_::Struct(context) = of_type.which()?
            && context.get_type_id() == CONTEXT
        {
            has_context = true;
            continue;
        }
        if let Some(kind) = kind(nodes, of_type)? {
            all.push(Field { name: item.get_name()?.to_string()?, kind, flagged: false });
        }
    }
    let names: Vec<String> = all.iter().map(|field| field.name.clone()).collect();
    let flag = |name: &str| format!("has{}{}", name[..1].to_uppercase(), &name[1..]);
    for field in &mut all {
        field.flagged = names.contains(&flag(&field.name));
    }
    let flags: Vec<String> = all.iter().filter(|field| field.flagged).map(|field| flag(&field.name)).collect();
    all.retain(|field| !flags.contains(&field.name));
    Ok((all, has_context))
}

/// `None` for what the runtime handles itself: the thread map.
fn kind(nodes: &BTreeMap<u64, node::Reader<'_>>, of_type: type_::Reader<'_>) -> Result<Option<Kind>, Box<dyn Error>> {
    Ok(Some(match of_type.which()? {
        type_::Text(()) => Kind::Text,
        type_::Data(()) => Kind::Data,
        type_::Enum(_) => Kind::Enum,
        type_::Struct(of) => Kind::Struct(of.get_type_id()),
        type_::List(of) => Kind::List(Box::new(kind(nodes, of.get_element_type()?)?.ok_or("a list of thread maps")?)),
        type_::Interface(of) => {
            let node = nodes.get(&of.get_type_id()).ok_or("an interface that is not in the request")?;
            if file_of(*node)? == PROXY_FILE {
                return Ok(None);
            }
            Kind::Interface(short_name(*node)?)
        }
        type_::AnyPointer(_) | type_::Void(()) => return Err("a type that the generator does not know".into()),
        _ => Kind::Scalar,
    }))
}

/// The id by which calls name an interface.
fn type_id(node: node::Reader<'_>) -> Result<u64, Box<dyn Error>> {
    for note in node.get_annotations()? {
        if let (TYPE_ID, value::Uint64(id)) = (note.get_id(), note.get_value()?.which()?) {
            return Ok(id);
        }
    }
    Ok(node.get_id())
}

/// The text of an annotation, or the empty text if it carries none.
fn note(notes: capnp::struct_list::Reader<'_, annotation::Owned>, id: u64) -> Result<Option<String>, Box<dyn Error>> {
    for note in notes {
        if note.get_id() == id {
            return Ok(Some(match note.get_value()?.which()? {
                value::Text(text) => text?.to_string()?,
                _ => String::new(),
            }));
        }
    }
    Ok(None)
}
