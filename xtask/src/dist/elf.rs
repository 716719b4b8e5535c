//! What an ELF file says about itself, as far as a release cares.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, bail};
use goblin::elf::Elf;
use goblin::elf::dynamic::{DF_1_NOW, DF_1_PIE, DF_BIND_NOW, DT_BIND_NOW, DT_FLAGS, DT_FLAGS_1};
use goblin::elf::header::ET_DYN;
use goblin::elf::program_header::{PF_W, PF_X, PT_GNU_RELRO, PT_GNU_STACK, PT_LOAD};

/// What was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is a property of its own")]
pub(crate) struct Facts {
    /// Processor, as the ELF header numbers them.
    pub(crate) machine: u16,
    /// Loaded at an address that nobody can foretell.
    pub(crate) pie: bool,
    /// Relocations are read-only once the program runs.
    pub(crate) relro: bool,
    /// All symbols are bound at start, so that the table of them can be read-only too.
    pub(crate) bind_now: bool,
    /// The stack cannot be run.
    pub(crate) stack_nx: bool,
    /// Some memory can be written and run.
    pub(crate) writable_code: bool,
    /// Calls the handler of a smashed stack.
    pub(crate) canary: bool,
    /// Shared libraries.
    pub(crate) needed: Vec<String>,
    /// Folders that libraries are looked for in, written into the file.
    pub(crate) run_paths: Vec<String>,
    /// The program that loads it.
    pub(crate) interpreter: Option<String>,
    /// Versions of symbols that libraries must have: `GLIBC_2.34`.
    pub(crate) versions: BTreeSet<String>,
    /// Names of its own functions and data. Empty in a stripped file.
    pub(crate) symbols: Vec<String>,
    /// Has line tables.
    pub(crate) debug: bool,
    /// Names the file that has its debug symbols.
    pub(crate) debug_link: bool,
}

/// The machine number that a processor has in ELF headers.
pub(crate) fn machine(arch: &str) -> Option<u16> {
    match arch {
        "x86_64" => Some(goblin::elf::header::EM_X86_64),
        "aarch64" => Some(goblin::elf::header::EM_AARCH64),
        _ => None,
    }
}

/// Reads a file's facts.
pub(crate) fn read(bytes: &[u8]) -> Result<Facts> {
    let elf = Elf::parse(bytes).context("this is no ELF file")?;
    if elf.header.e_type != ET_DYN && elf.header.e_type != goblin::elf::header::ET_EXEC {
        bail!("this ELF file is no program");
    }
    let sections: BTreeSet<&str> =
        elf.section_headers.iter().filter_map(|section| elf.shdr_strtab.get_at(section.sh_name)).collect();
    let mut facts = Facts {
        machine: elf.header.e_machine,
        needed: elf.libraries.iter().map(|&name| name.to_owned()).collect(),
        run_paths: elf.rpaths.iter().chain(&elf.runpaths).map(|&path| path.to_owned()).collect(),
        interpreter: elf.interpreter.map(str::to_owned),
        debug: sections.contains(".debug_line"),
        debug_link: sections.contains(".gnu_debuglink"),
        ..Facts::default()
    };
    for header in &elf.program_headers {
        match header.p_type {
            PT_GNU_RELRO => facts.relro = true,
            PT_GNU_STACK => facts.stack_nx = header.p_flags & PF_X == 0,
            PT_LOAD if header.p_flags & PF_W != 0 && header.p_flags & PF_X != 0 => facts.writable_code = true,
            _ => {}
        }
    }
    for entry in elf.dynamic.iter().flat_map(|dynamic| &dynamic.dyns) {
        match entry.d_tag {
            DT_FLAGS => facts.bind_now |= entry.d_val & DF_BIND_NOW != 0,
            DT_FLAGS_1 => {
                facts.bind_now |= entry.d_val & DF_1_NOW != 0;
                facts.pie |= entry.d_val & DF_1_PIE != 0;
            }
            DT_BIND_NOW => facts.bind_now = true,
            _ => {}
        }
    }
    facts.pie &= elf.header.e_type == ET_DYN;
    for need in elf.verneed.iter().flatten() {
        let names = need.iter().filter_map(|version| elf.dynstrtab.get_at(version.vna_name));
        facts.versions.extend(names.map(str::to_owned));
    }
    facts.canary = elf.dynsyms.iter().any(|symbol| elf.dynstrtab.get_at(symbol.st_name) == Some("__stack_chk_fail"));
    let defined = elf.syms.iter().filter(|symbol| symbol.st_shndx != 0);
    facts.symbols = defined.filter_map(|symbol| elf.strtab.get_at(symbol.st_name)).map(str::to_owned).collect();
    Ok(facts)
}

#[cfg(test)]
pub(super) mod tests {
    use std::process::Command;

    use super::*;

    /// A program that the machine's compiler made with `flags`.
    pub(in crate::dist) fn compiled(flags: &[&str]) -> Vec<u8> {
        let dir = tempfile::tempdir().unwrap();
        let source = "#include <string.h>\n#include <stdio.h>\n\
                      int sqlite3_open(char *p) { char b[64]; strcpy(b, p); return puts(b); }\n\
                      int main(int n, char **v) { return sqlite3_open(v[0]); }\n";
        std::fs::write(dir.path().join("x.c"), source).unwrap();
        let out = dir.path().join("x");
        let mut cc = Command::new("cc");
        cc.arg(dir.path().join("x.c")).arg("-o").arg(&out).args(["-O1", "-fno-inline"]).args(flags);
        let output = cc.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        std::fs::read(out).unwrap()
    }

    pub(in crate::dist) const HARD: [&str; 4] =
        ["-fPIE", "-pie", "-fstack-protector-strong", "-Wl,-z,relro,-z,now,-z,noexecstack"];

    #[test]
    fn a_hardened_program_is_told_from_a_soft_one() {
        let hard = read(&compiled(&HARD)).unwrap();
        assert!(hard.pie && hard.relro && hard.bind_now && hard.stack_nx && hard.canary && !hard.writable_code);
        assert!(hard.needed.iter().any(|name| name.starts_with("libc.so")), "{:?}", hard.needed);
        assert!(hard.versions.iter().any(|version| version.starts_with("GLIBC_2.")), "{:?}", hard.versions);
        assert!(hard.symbols.iter().any(|name| name == "sqlite3_open"));
        let soft = ["-fno-PIE", "-no-pie", "-fno-stack-protector", "-Wl,-z,norelro,-z,lazy,-z,execstack"];
        let soft = read(&compiled(&soft)).unwrap();
        assert!(!soft.pie && !soft.relro && !soft.bind_now && !soft.stack_nx && !soft.canary);
    }

    #[test]
    fn paths_and_debug_information_are_seen() {
        let facts = read(&compiled(&["-g", "-Wl,-rpath,/somewhere"])).unwrap();
        assert_eq!(facts.run_paths, ["/somewhere"]);
        assert!(facts.debug && !facts.debug_link);
        let stripped = read(&compiled(&["-s"])).unwrap();
        assert!(!stripped.debug && stripped.symbols.is_empty());
    }

    #[test]
    fn what_is_no_program_is_refused() {
        assert!(read(b"#!/bin/sh\n").is_err());
        let mut object = compiled(&[]);
        object[16] = 1; // a relocatable file
        assert!(read(&object).unwrap_err().to_string().contains("no program"));
    }
}
