//! Debug symbols go into files of their own, which the executables name.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use xshell::{Shell, cmd};

use crate::depends::source::run;
use crate::depends::toolchain::Toolchain;

/// Symbols of a program for Windows that say where it was built: `dlltool` makes them of the path of the import libraries that
/// the compiler writes for the system's own, in a folder with a random name. No debugger looks for them.
const OF_THE_PLACE: [&str; 2] = ["_head_*_imports_lib", "__*_imports_lib_iname"];

/// An executable that was taken apart.
#[derive(Debug, Clone)]
pub(crate) struct Split {
    /// What is shipped.
    pub(crate) stripped: PathBuf,
    /// Its debug symbols.
    pub(crate) debug: PathBuf,
}

/// Splits `file` into `to/bin/NAME` and `to/debug/NAME.debug`.
pub(crate) fn split(toolchain: &Toolchain, file: &Path, to: &Path) -> Result<Split> {
    let name = file.file_name().context("an executable has a name")?.to_string_lossy().into_owned();
    let split = Split {
        stripped: to.join("bin").join(&name),
        debug: to.join("debug").join(format!("{}.debug", name.trim_end_matches(".exe"))),
    };
    for path in [&split.stripped, &split.debug] {
        fs::create_dir_all(path.parent().context("a file lies in a folder")?)?;
    }
    let objcopy = toolchain.binutil("objcopy");
    let (sh, stripped, debug) = (Shell::new()?, &split.stripped, &split.debug);
    // A PE file has a time in its header, which is the present one if nothing is said.
    let run = |command: xshell::Cmd<'_>| run(command.env("LC_ALL", "C").env("SOURCE_DATE_EPOCH", "0"));
    let is_for_windows = file.extension().is_some_and(|end| end == "exe");
    let of_the_place: &[&str] = if is_for_windows { &OF_THE_PLACE } else { &[] };
    let of_the_place = of_the_place.iter().flat_map(|names| ["--strip-symbol", names]);
    run(cmd!(sh, "{objcopy} --only-keep-debug --wildcard {of_the_place...} {file} {debug}"))?;
    run(cmd!(sh, "{objcopy} --strip-all --add-gnu-debuglink={debug} {file} {stripped}"))?;
    ensure!(fs::metadata(stripped)?.len() < fs::metadata(file)?.len(), "stripping {name} took nothing away");
    Ok(split)
}

#[cfg(test)]
mod tests {
    use super::super::elf;
    use super::*;
    use crate::project::Host;

    #[test]
    fn symbols_move_to_a_file_that_the_executable_names() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("program");
        fs::write(&file, elf::tests::compiled(&["-g"])).unwrap();
        let toolchain = Toolchain::find(Host::native().unwrap()).unwrap();
        let split = split(&toolchain, &file, &dir.path().join("out")).unwrap();
        let facts = elf::read(&fs::read(&split.stripped).unwrap()).unwrap();
        assert!(facts.symbols.is_empty() && !facts.debug && facts.debug_link);
        let debug = elf::read(&fs::read(&split.debug).unwrap()).unwrap();
        assert!(debug.debug && debug.symbols.iter().any(|name| name == "sqlite3_open"));
    }

    #[test]
    fn debug_symbols_of_a_program_for_windows_do_not_say_where_it_was_built() {
        let named = |folder: &str| {
            let dir = tempfile::tempdir().unwrap();
            // What is done does not depend on the format, so the machine's own will do.
            let file = dir.path().join("program.exe");
            let head = format!("-Wl,--defsym=_head__{folder}_kernel32_dll_imports_lib=main");
            let name = format!("-Wl,--defsym=___{folder}_kernel32_dll_imports_lib_iname=main");
            let program = elf::tests::compiled(&["-g", &head, &name]);
            let named = elf::read(&program).unwrap().symbols;
            assert_eq!(named.iter().filter(|name| name.contains("imports_lib")).count(), 2, "{named:?}");
            fs::write(&file, program).unwrap();
            let toolchain = Toolchain::find(Host::native().unwrap()).unwrap();
            let split = split(&toolchain, &file, &dir.path().join("out")).unwrap();
            elf::read(&fs::read(split.debug).unwrap()).unwrap().symbols
        };
        let symbols = named("tmp_rustc201RR0");
        assert!(symbols.iter().any(|name| name == "sqlite3_open"), "{symbols:?}");
        assert!(!symbols.iter().any(|name| name.contains("imports_lib")), "{symbols:?}");
        assert_eq!(symbols, named("another_folder_rustc1nidEF"));
    }
}
