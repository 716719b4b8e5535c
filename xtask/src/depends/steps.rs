//! Building one package: from an unpacked source to a tree that looks like the prefix.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context as _, Result, bail, ensure};

use super::pack;
use super::recipe::{Build, Language, Move, Recipe, Unity};
use super::toolchain::Toolchain;
use crate::project::Host;
use crate::report::Job;

/// What a build is given.
#[derive(Debug)]
pub(crate) struct Site<'a> {
    /// The machine that the package is for.
    pub(crate) host: Host,
    /// Rust's name of the machine that executables are made for, also where the package is for the building one.
    pub(crate) target: &'static str,
    /// Compiles for that machine.
    pub(crate) toolchain: &'a Toolchain,
    /// The top of the unpacked source.
    pub(crate) source: &'a Path,
    /// An empty folder that becomes the package.
    pub(crate) stage: &'a Path,
    /// Compilers at once.
    pub(crate) jobs: usize,
    /// With debug information.
    pub(crate) debug: bool,
    /// Folders of programs that the package needs, before the system's.
    pub(crate) programs: Option<PathBuf>,
    /// Where compilers' output goes.
    pub(crate) log: &'a Path,
}

/// Builds `recipe` and fills the stage, licence texts included.
pub(crate) fn build(recipe: &Recipe, site: &Site<'_>) -> Result<()> {
    match &recipe.build {
        Build::Unity(unity) => build_unity(recipe, unity, site)?,
        Build::Copy { files, scripts } => copy(files, scripts, site)?,
        Build::RustStd(std) => {
            copy(&std.files, &std.scripts, site)?;
            let rustc = recipe.rustc.as_ref().context("the recipe names no compiler")?;
            super::standard::build(&recipe.name, std, &site.stage.join(rustc), site)?;
        }
        Build::Cmake { dir, define, target, files } => {
            let out = build_cmake(recipe, &site.source.join(dir), define, target, site)?;
            copy_all(files, &out, site.stage)?;
        }
    }
    for text in &recipe.licence_files {
        let name = Path::new(text).file_name().context("a licence file has a name")?;
        let to = format!("share/licenses/{}/{}", recipe.name, name.to_string_lossy());
        copy_all(&[Move { from: text.clone(), to }], site.source, site.stage)?;
    }
    Ok(())
}

fn copy(files: &[Move], scripts: &BTreeMap<String, String>, site: &Site<'_>) -> Result<()> {
    copy_all(files, site.source, site.stage)?;
    scripts.iter().try_for_each(|(name, text)| write_script(&site.stage.join(name), text))
}

/// Compiles units that include the listed files, and archives them.
fn build_unity(recipe: &Recipe, unity: &Unity, site: &Site<'_>) -> Result<()> {
    ensure!(
        unity.host.is_empty() || unity.on(site.host).next().is_some(),
        "the recipe does not know {} yet: give it the compiler's flags in [build.host]",
        site.host.triplet
    );
    let list = match &unity.list {
        Some(list) => fs::read_to_string(site.source.join(list)).with_context(|| format!("no {list}"))?,
        None => String::new(),
    };
    let units = units(unity, &list, site.host);
    let compiler = match unity.language {
        Language::Cxx => site.toolchain.cxx.clone(),
        Language::C => site.toolchain.cc(),
    };
    for (name, text) in &units {
        fs::write(site.source.join(name), text)?;
    }
    let flags = flags(unity, site);
    let what = match units.len() {
        1 => "compiling".to_owned(),
        count => format!("compiling {count} units, {} at once", site.jobs),
    };
    let job = Job::start(&recipe.name, &what, units.len());
    let log = Mutex::new(File::create(site.log)?);
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let work = || -> Result<()> {
        while !failed.load(Ordering::Relaxed) {
            let Some((unit, _)) = units.get(next.fetch_add(1, Ordering::Relaxed)) else { return Ok(()) };
            let mut command = Command::new(&compiler);
            command.current_dir(site.source).env("LC_ALL", "C").args(&flags).args(["-c", unit, "-o"]);
            let done = logged(command.arg(object(unit)), &log).with_context(|| format!("compiling {unit}"));
            if let Err(error) = done {
                failed.store(true, Ordering::Relaxed);
                return Err(error);
            }
            job.step();
        }
        Ok(())
    };
    let results: Vec<Result<()>> = thread::scope(|scope| {
        let workers: Vec<_> = (0..site.jobs.clamp(1, units.len())).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(|worker| worker.join().expect("workers do not panic")).collect()
    });
    job.finish();
    results.into_iter().collect::<Result<Vec<()>>>()?;
    let library = site.stage.join(&unity.library);
    fs::create_dir_all(library.parent().context("a library lies in a folder")?)?;
    let mut archive = Command::new(&site.toolchain.ar);
    archive.current_dir(site.source).env("LC_ALL", "C").arg("cqsD").arg(&library);
    logged(archive.args(units.iter().map(|(name, _)| object(name))), &log)?;
    copy_all(&unity.headers, site.source, site.stage)
}

/// The name and text of each unit. Files stay in the order of the list, so that equal inputs make equal objects.
fn units(unity: &Unity, list: &str, host: Host) -> Vec<(String, String)> {
    let alone: Vec<&String> = unity.on(host).flat_map(|more| &more.alone).collect();
    let left_out = unity.skip.iter().chain(unity.on(host).flat_map(|more| &more.skip)).chain(alone.iter().copied());
    let left_out: Vec<&str> = left_out.map(String::as_str).collect();
    let listed = list.lines().map(str::trim).filter(|line| !line.is_empty() && !left_out.contains(line));
    let mut files: Vec<String> = listed.map(|line| format!("{}/{line}", unity.base)).collect();
    files.extend(unity.extra.iter().cloned());
    let size = files.len().div_ceil(unity.units).max(1);
    let alone: Vec<String> = alone.into_iter().map(|file| format!("{}/{file}", unity.base)).collect();
    let text = |files: &[String]| files.iter().flat_map(|file| ["#include \"", file, "\"\n"]).collect::<String>();
    let ending = unity.language.ending();
    let parts = files.chunks(size).chain(alone.chunks(1));
    parts.enumerate().map(|(index, files)| (format!("unit{index:02}.{ending}"), text(files))).collect()
}

fn object(unit: &str) -> String {
    Path::new(unit).with_extension("o").display().to_string()
}

fn flags(unity: &Unity, site: &Site<'_>) -> Vec<String> {
    let mut flags = unity.flags.clone();
    flags.extend(if site.debug { unity.debug.clone() } else { unity.release.clone() });
    flags.extend(unity.on(site.host).flat_map(|more| more.flags.iter().cloned()));
    flags.extend(unity.include.iter().map(|dir| format!("-I{dir}")));
    // Paths of the building machine stay out of the objects; warnings are upstream's business.
    flags.push(format!("-ffile-prefix-map={}=.", site.source.display()));
    flags.push("-w".to_owned());
    flags
}

/// Configures and builds one target; returns the build folder.
fn build_cmake(recipe: &Recipe, dir: &Path, define: &[String], target: &str, site: &Site<'_>) -> Result<PathBuf> {
    let cmake = || {
        let own = site.programs.as_ref().map(|dir| dir.join("cmake")).filter(|file| file.is_file());
        let mut command = Command::new(own.unwrap_or_else(|| "cmake".into()));
        command.env("LC_ALL", "C").env("CXX", &site.toolchain.cxx);
        command
    };
    let out = site.source.join("bulkhead-build");
    let log = Mutex::new(File::create(site.log)?);
    let job = Job::start(&recipe.name, &format!("compiling with CMake, {} at once", site.jobs), 0);
    let mut configure = cmake();
    configure.arg("-S").arg(dir).arg("-B").arg(&out).args(define.iter().map(|line| format!("-D{line}")));
    logged(configure.arg(format!("-DCMAKE_CXX_FLAGS=-ffile-prefix-map={}=.", site.source.display())), &log)
        .context("configuring")?;
    let mut make = cmake();
    make.arg("--build").arg(&out).args(["--target", target, "--parallel", &site.jobs.to_string()]);
    logged(&mut make, &log).context("compiling")?;
    job.finish();
    Ok(out)
}

/// Runs a command, adds its output to the log, and fails with what it said about errors.
pub(super) fn logged(command: &mut Command, log: &Mutex<File>) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let line =
        format!("$ {name} {}\n", command.get_args().map(|arg| arg.to_string_lossy()).collect::<Vec<_>>().join(" "));
    let Output { status, stdout, stderr } = command.output().with_context(|| format!("starting {name}"))?;
    {
        let mut log = log.lock().expect("no holder of the log panics");
        log.write_all(line.as_bytes())?;
        log.write_all(&stdout)?;
        log.write_all(&stderr)?;
    }
    if status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(if stderr.is_empty() { &stdout } else { &stderr }).into_owned();
    let faults: Vec<&str> = text.lines().filter(|line| line.to_lowercase().contains("error")).take(8).collect();
    let shown = if faults.is_empty() { text.lines().take(8).collect() } else { faults };
    bail!("{name} failed ({status})\n  {}", shown.join("\n  "))
}

/// Copies files and folders; one component of `from` may be `*`.
fn copy_all(moves: &[Move], from: &Path, to: &Path) -> Result<()> {
    for step in moves {
        let source = resolve(from, &step.from)?;
        if source.is_dir() {
            for file in pack::files(&source)? {
                let name = file.strip_prefix(&source).expect("the walk stays below its start");
                copy_file(&file, &to.join(&step.to).join(name))?;
            }
        } else {
            copy_file(&source, &to.join(&step.to))?;
        }
    }
    Ok(())
}

pub(super) fn copy_file(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to.parent().context("a file lies in a folder")?)?;
    fs::copy(from, to).with_context(|| format!("copying {} to {}", from.display(), to.display()))?;
    // A wheel is a zip archive, whose unpacker forgets who may be run.
    #[cfg(unix)]
    if to.parent().is_some_and(|dir| dir.ends_with("bin")) {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(to, fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

pub(super) fn write_script(to: &Path, text: &str) -> Result<()> {
    fs::create_dir_all(to.parent().context("a file lies in a folder")?)?;
    fs::write(to, text)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(to, fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

fn resolve(base: &Path, pattern: &str) -> Result<PathBuf> {
    let Some((head, tail)) = pattern.split_once('*') else {
        let path = base.join(pattern);
        ensure!(path.exists(), "the source has no {pattern}");
        return Ok(path);
    };
    let (dir, prefix) = head.rsplit_once('/').unwrap_or(("", head));
    let (suffix, rest) = tail.split_once('/').unwrap_or((tail, ""));
    for entry in fs::read_dir(base.join(dir)).with_context(|| format!("the source has no {dir}"))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let path = base.join(dir).join(&name).join(rest);
        if name.starts_with(prefix) && name.ends_with(suffix) && path.exists() {
            return Ok(path);
        }
    }
    bail!("the source has no {pattern}")
}

#[cfg(test)]
mod tests {
    use super::super::recipe::Recipe;
    use super::*;

    fn unity(units: usize) -> Recipe {
        let text = format!(
            "name = \"p\"\nversion = \"1\"\nlicence = \"MIT\"\nlicence-files = [\"COPYING\"]\n[source]\nkind = \"crate\"\n\
             package = \"p\"\nversion = \"1\"\nsha256 = \"{}\"\n[build]\nsystem = \"unity\"\nlibrary = \"lib/libp.a\"\n\
             units = {units}\nlist = \"list\"\nbase = \"src\"\nskip = [\"no.cc\"]\nextra = [\"own.cc\"]\n\
             headers = [{{ from = \"include\", to = \"include\" }}]\ninclude = [\"include\"]\nflags = [\"-DANSWER=42\"]\n\
             release = [\"-O1\"]\ndebug = [\"-g\"]\n[build.host.linux]\nflags = [\"-fPIC\"]\n\
             [build.host.windows]\nflags = [\"-DNEVER\"]\nskip = [\"b.cc\"]\nalone = [\"a.cc\", \"w.cc\"]\n",
            "0".repeat(64)
        );
        Recipe::parse("p", &text).unwrap()
    }

    fn source() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("COPYING", "free");
        write("list", "a.cc\nno.cc\nb.cc\n");
        write("include/p/p.h", "int a(); int b(); int own();");
        write("src/a.cc", "#include \"p/p.h\"\nint a() { return ANSWER; }\n");
        write("src/b.cc", "#include \"p/p.h\"\nint b() { return a(); }\n");
        write("own.cc", "int own() { return 1; }\n");
        dir
    }

    fn make(recipe: &Recipe, source: &Path, stage: &Path) -> Result<()> {
        let host = Host::native().unwrap();
        let toolchain = Toolchain::find(host).unwrap();
        let log = stage.join("log");
        let site = Site {
            host,
            target: host.target,
            toolchain: &toolchain,
            source,
            stage,
            jobs: 2,
            debug: false,
            programs: None,
            log: &log,
        };
        build(recipe, &site)
    }

    #[test]
    fn units_keep_the_order_and_leave_nothing_out() {
        let Build::Unity(unity) = unity(2).build else { panic!("a unity recipe") };
        let on = |host: &str| units(&unity, "a.cc\nno.cc\nb.cc\n", Host::named(Some(host)).unwrap());
        assert_eq!(
            on("x86_64-linux-gnu"),
            [
                ("unit00.cc".into(), "#include \"src/a.cc\"\n#include \"src/b.cc\"\n".into()),
                ("unit01.cc".into(), "#include \"own.cc\"\n".into()),
            ]
        );
        assert_eq!(
            on("x86_64-w64-mingw32"),
            [
                ("unit00.cc".into(), "#include \"own.cc\"\n".into()),
                ("unit01.cc".into(), "#include \"src/a.cc\"\n".into()),
                ("unit02.cc".into(), "#include \"src/w.cc\"\n".into()),
            ],
            "a listed file is a unit of its own where the recipe says so"
        );
    }

    #[test]
    fn a_library_is_built_with_headers_and_licence_and_is_the_same_from_another_folder() {
        let mut libraries = Vec::new();
        for _ in 0..2 {
            let (source, stage) = (source(), tempfile::tempdir().unwrap());
            make(&unity(2), source.path(), stage.path()).unwrap();
            assert!(stage.path().join("include/p/p.h").is_file());
            assert!(stage.path().join("share/licenses/p/COPYING").is_file());
            libraries.push(fs::read(stage.path().join("lib/libp.a")).unwrap());
        }
        assert!(libraries[0].starts_with(b"!<arch>") && libraries[0] == libraries[1]);
    }

    #[test]
    fn a_host_without_flags_is_refused() {
        let (source, stage) = (source(), tempfile::tempdir().unwrap());
        let mut recipe = unity(1);
        let Build::Unity(unity) = &mut recipe.build else { panic!("a unity recipe") };
        unity.host.retain(|selector, _| selector == "windows");
        let error = make(&recipe, source.path(), stage.path()).unwrap_err().to_string();
        assert!(error.contains("does not know") && error.contains(Host::native().unwrap().triplet), "{error}");
    }

    #[test]
    fn a_compiler_error_is_shown_and_logged() {
        let (source, stage) = (source(), tempfile::tempdir().unwrap());
        fs::write(source.path().join("src/b.cc"), "int b() { return missing; }\n").unwrap();
        let error = format!("{:#}", make(&unity(3), source.path(), stage.path()).unwrap_err());
        assert!(error.contains("compiling unit01.cc") && error.contains("missing"), "{error}");
        assert!(fs::read_to_string(stage.path().join("log")).unwrap().contains("missing"));
    }

    #[test]
    fn a_star_finds_one_folder() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("p-1.data/lib")).unwrap();
        fs::write(dir.path().join("p-1.data/lib/x.so"), "x").unwrap();
        assert!(resolve(dir.path(), "p-*.data/lib/x.so").unwrap().ends_with("p-1.data/lib/x.so"));
        assert!(resolve(dir.path(), "q-*.data/lib/x.so").is_err());
    }
}
