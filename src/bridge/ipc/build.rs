//! Generates the wire types from the compiled schema, and the proxies from the schema and the traits.
//!
//! Nothing here needs the Cap'n Proto compiler: its output, `schema/bulkhead.cgr`, is checked in, and a test compares it
//! with the `.capnp` files wherever the compiler is at hand (`doc/adr/0010-ipc-schema-build.md`).
#![expect(clippy::disallowed_methods, reason = "cargo talks to build scripts through the environment")]

#[path = "build/emit.rs"]
mod emit;
#[path = "build/fields.rs"]
mod fields;
#[path = "build/roundtrip.rs"]
mod roundtrip;
#[path = "build/schema.rs"]
mod schema;
#[path = "build/traits.rs"]
mod traits;

use std::error::Error;
use std::fs::{self, File};
use std::path::Path;

const SCHEMA: &str = "schema/bulkhead.cgr";
const TRAITS: &str = "../interfaces/src";

fn main() -> Result<(), Box<dyn Error>> {
    let out = std::env::var("OUT_DIR")?;
    let out = Path::new(&out);
    for path in [SCHEMA, TRAITS, "build.rs", "build"] {
        let mut stdout = std::io::stdout();
        std::io::Write::write_all(&mut stdout, format!("cargo:rerun-if-changed={path}\n").as_bytes())?;
    }

    capnpc::codegen::CodeGenerationCommand::new()
        .output_directory(out)
        .default_parent_module(vec!["wire".to_owned()])
        .run(File::open(SCHEMA)?)?;

    let schema = schema::read(SCHEMA)?;
    let traits = traits::read(Path::new(TRAITS))?;
    fs::write(out.join("glue.rs"), emit::glue(&schema, &traits)?)?;
    fs::write(out.join("roundtrip.rs"), roundtrip::tests(&schema, &traits)?)?;
    Ok(())
}
