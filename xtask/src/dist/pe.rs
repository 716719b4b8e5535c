//! What a PE file, a program for Windows, says about itself, and the hardening that it must have.

use anyhow::{Context as _, Result, ensure};
use goblin::pe::PE;
use goblin::pe::characteristic::{IMAGE_FILE_DLL, IMAGE_FILE_EXECUTABLE_IMAGE};
use goblin::pe::dll_characteristic::{
    IMAGE_DLLCHARACTERISTICS_DYNAMIC_BASE, IMAGE_DLLCHARACTERISTICS_HIGH_ENTROPY_VA, IMAGE_DLLCHARACTERISTICS_NX_COMPAT,
};
use goblin::pe::header::{COFF_MACHINE_ARM64, COFF_MACHINE_X86_64};
use goblin::pe::section_table::{IMAGE_SCN_MEM_EXECUTE, IMAGE_SCN_MEM_WRITE};

/// Libraries that every Windows since version 10 has. Names are not told apart by case there.
const OF_SYSTEM: [&str; 14] = [
    "advapi32.dll",
    "api-ms-win-core-synch-l1-2-0.dll",
    "bcrypt.dll",
    "bcryptprimitives.dll",
    "iphlpapi.dll",
    "kernel32.dll",
    "msvcrt.dll",
    "ntdll.dll",
    "ole32.dll",
    "rpcrt4.dll",
    "shell32.dll",
    "shlwapi.dll",
    "userenv.dll",
    "ws2_32.dll",
];

/// What was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is a property of its own")]
pub(crate) struct Facts {
    /// Processor, as the header numbers them.
    pub(crate) machine: u16,
    /// May be loaded at an address that nobody can foretell.
    pub(crate) dynamic_base: bool,
    /// That address has more than 32 bits to vary in.
    pub(crate) high_entropy: bool,
    /// The list of places that change with the address is there, without which it cannot move.
    pub(crate) relocations: bool,
    /// Stack and data cannot be run.
    pub(crate) nx: bool,
    /// Sections that can be written and run.
    pub(crate) writable_code: Vec<String>,
    /// The time of the build, if it was written into the file.
    pub(crate) time: u32,
    /// Calls the handler of a smashed stack. Seen in symbols only.
    pub(crate) canary: bool,
    /// Libraries.
    pub(crate) needed: Vec<String>,
    /// Names of functions and data. Empty in a stripped file.
    pub(crate) symbols: Vec<String>,
    /// Has line tables.
    pub(crate) debug: bool,
    /// Names the file that has its debug symbols.
    pub(crate) debug_link: bool,
}

/// The number that a processor has in the header.
fn machine(arch: &str) -> Option<u16> {
    match arch {
        "x86_64" => Some(COFF_MACHINE_X86_64),
        "aarch64" => Some(COFF_MACHINE_ARM64),
        _ => None,
    }
}

/// Reads a file's facts.
pub(crate) fn read(bytes: &[u8]) -> Result<Facts> {
    let pe = PE::parse(bytes).context("this is no PE file")?;
    let coff = &pe.header.coff_header;
    let kind = coff.characteristics & (IMAGE_FILE_EXECUTABLE_IMAGE | IMAGE_FILE_DLL);
    ensure!(kind == IMAGE_FILE_EXECUTABLE_IMAGE, "this PE file is no program");
    let optional = pe.header.optional_header.context("this PE file is no program")?;
    let flags = optional.windows_fields.dll_characteristics;
    let relocations = optional.data_directories.get_base_relocation_table();
    let mut facts = Facts {
        machine: coff.machine,
        dynamic_base: flags & IMAGE_DLLCHARACTERISTICS_DYNAMIC_BASE != 0,
        high_entropy: flags & IMAGE_DLLCHARACTERISTICS_HIGH_ENTROPY_VA != 0,
        nx: flags & IMAGE_DLLCHARACTERISTICS_NX_COMPAT != 0,
        relocations: relocations.is_some_and(|table| table.size > 0),
        time: coff.time_date_stamp,
        needed: pe.libraries.iter().map(|&name| name.to_owned()).collect(),
        ..Facts::default()
    };
    for section in &pe.sections {
        // What is longer than eight letters is in a table of its own.
        let name = section.real_name.as_deref().or_else(|| section.name().ok()).unwrap_or_default();
        facts.debug |= name == ".debug_line";
        facts.debug_link |= name == ".gnu_debuglink";
        let both = IMAGE_SCN_MEM_EXECUTE | IMAGE_SCN_MEM_WRITE;
        if section.characteristics & both == both {
            facts.writable_code.push(name.to_owned());
        }
    }
    if let (Some(symbols), Some(names)) = (coff.symbols(bytes)?, coff.strings(bytes)?) {
        let found = symbols.iter().filter(|(_, _, symbol)| symbol.section_number > 0);
        let named = found.filter_map(|(_, short, symbol)| match short {
            Some(name) => Some(name.to_owned()),
            None => Some(symbol.name(&names).ok()?.to_owned()),
        });
        facts.symbols = named.collect();
    }
    facts.canary = facts.symbols.iter().any(|name| name == "__stack_chk_fail");
    Ok(facts)
}

/// Every rule that an executable for `arch` breaks, stripped or not.
pub(crate) fn hardening(arch: &str, facts: &Facts) -> Vec<String> {
    let mut faults = Vec::new();
    let mut rule = |kept: bool, fault: String| {
        if !kept {
            faults.push(fault);
        }
    };
    rule(machine(arch) == Some(facts.machine), format!("is for another processor than {arch}"));
    rule(facts.dynamic_base && facts.relocations, "is not position independent".to_owned());
    rule(facts.high_entropy, "is loaded below four gigabytes, where few addresses are".to_owned());
    rule(facts.nx, "has an executable stack".to_owned());
    for section in &facts.writable_code {
        rule(false, format!("has memory that can be written and run: {section}"));
    }
    for name in &facts.needed {
        rule(OF_SYSTEM.contains(&name.to_lowercase().as_str()), format!("needs the library {name}"));
    }
    rule(facts.time == 0, "says when it was built".to_owned());
    faults
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Where the one section is in the file and in memory, and how long it is.
    const RAW: u32 = 0x200;
    const AT: u32 = 0x1000;
    const LENGTH: u32 = 0x200;

    /// What is to be different in [`program`].
    #[derive(Debug, Clone)]
    pub(in crate::dist) struct Wish {
        pub(in crate::dist) machine: u16,
        pub(in crate::dist) kind: u16,
        pub(in crate::dist) flags: u16,
        pub(in crate::dist) relocations: u32,
        pub(in crate::dist) section: u32,
        pub(in crate::dist) time: u32,
        pub(in crate::dist) library: &'static str,
        pub(in crate::dist) symbols: &'static [&'static str],
        /// Of the second section, which is empty.
        pub(in crate::dist) name: &'static str,
    }

    impl Wish {
        pub(in crate::dist) fn good() -> Wish {
            Wish {
                machine: 0x8664,
                kind: 0x0022,
                flags: 0x0160,
                relocations: 12,
                section: 0x6000_0020,
                time: 0,
                library: "KERNEL32.dll",
                symbols: &[],
                name: ".gnu_debuglink",
            }
        }
    }

    /// The bytes of a small program: headers, a section with an import table, an empty one, and symbols.
    pub(in crate::dist) fn program(wish: &Wish) -> Vec<u8> {
        let mut file = b"MZ".to_vec();
        file.resize(0x3c, 0);
        file.extend(0x40_u32.to_le_bytes());
        file.extend(b"PE\0\0");
        let number = u32::try_from(wish.symbols.len()).unwrap();
        for word in [wish.machine, 2] {
            file.extend(word.to_le_bytes());
        }
        for long in [wish.time, RAW + LENGTH, number] {
            file.extend(long.to_le_bytes());
        }
        for word in [240, wish.kind, 0x020b, 0x2802] {
            file.extend(word.to_le_bytes());
        }
        for long in [LENGTH, 0, 0, AT, AT] {
            file.extend(long.to_le_bytes());
        }
        file.extend(0x1_4000_0000_u64.to_le_bytes());
        for long in [0x1000, 0x200, 4, 0, 0x0002_0005, 0, 0x3000, RAW, 0] {
            file.extend(long.to_le_bytes());
        }
        for word in [3, wish.flags] {
            file.extend(word.to_le_bytes());
        }
        file.extend([0; 32 + 4]);
        file.extend(16_u32.to_le_bytes());
        let mut directories = [(0, 0); 16];
        directories[1] = (AT, 40);
        directories[5] = (AT + 0x100, wish.relocations);
        for (at, size) in directories {
            file.extend(u32::to_le_bytes(at));
            file.extend(u32::to_le_bytes(size));
        }
        // The second section's name is the first of the long ones.
        for (name, at, size, raw, kind) in
            [(".text\0\0\0", AT, LENGTH, RAW, wish.section), ("/4\0\0\0\0\0\0", AT + 0x1000, 0, 0, 0x4200_0000)]
        {
            file.extend(name.as_bytes());
            for long in [size, at, size, raw, 0, 0, 0, kind] {
                file.extend(long.to_le_bytes());
            }
        }
        file.resize(RAW as usize, 0);
        // One library, one function, and the end of the list.
        for long in [AT + 0x60, 0, 0, AT + 0x80, AT + 0x70] {
            file.extend(long.to_le_bytes());
        }
        file.resize((RAW + 0x60) as usize, 0);
        file.extend(u64::from(AT + 0xa0).to_le_bytes());
        file.resize((RAW + 0x70) as usize, 0);
        file.extend(u64::from(AT + 0xa0).to_le_bytes());
        file.resize((RAW + 0x80) as usize, 0);
        file.extend(wish.library.as_bytes());
        file.resize((RAW + 0xa0) as usize, 0);
        file.extend(b"\0\0ExitProcess\0");
        file.resize((RAW + 0x100) as usize, 0);
        for long in [AT, 12, 0] {
            file.extend(long.to_le_bytes());
        }
        file.resize((RAW + LENGTH) as usize, 0);
        let mut names = format!("{}\0", wish.name).into_bytes();
        for name in wish.symbols {
            file.extend(0_u32.to_le_bytes());
            file.extend(u32::try_from(names.len() + 4).unwrap().to_le_bytes());
            names.extend(name.bytes().chain([0]));
            file.extend(AT.to_le_bytes());
            for word in [1_u16, 0x20] {
                file.extend(word.to_le_bytes());
            }
            file.extend([2, 0]);
        }
        file.extend(u32::try_from(names.len() + 4).unwrap().to_le_bytes());
        file.extend(names);
        file
    }

    fn faults(change: fn(&mut Wish)) -> String {
        let mut wish = Wish::good();
        change(&mut wish);
        hardening("x86_64", &read(&program(&wish)).unwrap()).join("\n")
    }

    #[test]
    fn each_rule_is_told_by_name() {
        assert_eq!(faults(|_| ()), "");
        assert!(faults(|wish| wish.machine = 0xaa64).contains("another processor"));
        assert!(faults(|wish| wish.flags = 0x0120).contains("position independent"));
        assert!(faults(|wish| wish.relocations = 0).contains("position independent"));
        assert!(faults(|wish| wish.flags = 0x0140).contains("four gigabytes"));
        assert!(faults(|wish| wish.flags = 0x0060).contains("executable stack"));
        assert!(faults(|wish| wish.section = 0xe000_0020).contains("written and run: .text"));
        assert!(faults(|wish| wish.library = "libstdc++-6.dll").contains("needs the library libstdc++-6.dll"));
        assert!(faults(|wish| wish.time = 1_700_000_000).contains("when it was built"));
    }

    #[test]
    fn symbols_and_sections_are_seen() {
        let stripped = read(&program(&Wish::good())).unwrap();
        assert_eq!(stripped.needed, ["KERNEL32.dll"]);
        assert!(stripped.debug_link && !stripped.debug && stripped.symbols.is_empty() && !stripped.canary);
        let full = Wish { name: ".debug_line", symbols: &["sqlite3_open_v2", "__stack_chk_fail"], ..Wish::good() };
        let full = read(&program(&full)).unwrap();
        assert_eq!(full.symbols, ["sqlite3_open_v2", "__stack_chk_fail"]);
        assert!(full.debug && !full.debug_link && full.canary);
    }

    #[test]
    fn what_is_no_program_is_refused() {
        assert!(read(b"#!/bin/sh\n").is_err());
        let library = Wish { kind: 0x2022, ..Wish::good() };
        assert!(read(&program(&library)).unwrap_err().to_string().contains("no program"));
        let whole = program(&Wish::good());
        for length in 0..RAW as usize {
            assert!(read(&whole[..length]).is_err(), "{length} bytes are enough");
        }
    }
}
