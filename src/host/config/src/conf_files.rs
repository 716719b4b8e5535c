//! Finding and reading the configuration file and the files it includes.

use std::io;
use std::path::{Path, PathBuf};

use crate::args::Args;
use crate::chain;
use crate::conf::{self, SectionInfo};
use crate::error::{ConfError, ConfigError};
use crate::notice::Notice;
use crate::paths::{Env, default_data_dir};
use crate::settings::negated_count;
use crate::value::Value;

/// What came of the configuration files besides settings.
#[derive(Debug, Default)]
pub(crate) struct ConfFiles {
    /// The main file, whether it exists or not; `None` with `-noconf`.
    pub(crate) path: Option<PathBuf>,
    /// The sections that were named.
    pub(crate) sections: Vec<SectionInfo>,
    /// For the log.
    pub(crate) notices: Vec<Notice>,
    /// For standard error, at once.
    pub(crate) warnings: Vec<String>,
}

/// The data directory of all networks; the caller has checked that a given one exists.
pub(crate) fn base_dir(args: &Args, env: &Env) -> PathBuf {
    match args.get_path("datadir", "") {
        Some(path) if !path.as_os_str().is_empty() => env.absolute(&path),
        _ => default_data_dir(args.table().coin(), env),
    }
}

/// The data directory that is given and is none, as it was written.
pub(crate) fn missing_data_dir(args: &Args, env: &Env) -> Option<String> {
    let path = args.get_path("datadir", "").filter(|path| !path.as_os_str().is_empty())?;
    (!env.absolute(&path).is_dir()).then(|| args.get_str("datadir", ""))
}

/// The path of the configuration file: `None` with `-noconf`.
pub(crate) fn conf_path(args: &Args, env: &Env) -> Option<PathBuf> {
    let path = args.get_path("conf", args.table().coin().conf_file)?;
    Some(if path.is_absolute() { path } else { base_dir(args, env).join(path) })
}

/// Reads the configuration file, and what it includes, into the settings.
pub(crate) fn read(args: &mut Args, env: &Env) -> Result<ConfFiles, ConfigError> {
    let mut files = ConfFiles { path: conf_path(args, env), ..ConfFiles::default() };
    if let Some(path) = files.path.clone() {
        let shown = path.display().to_string();
        if path.is_dir() {
            return Err(ConfigError::Conf(ConfError::Directory(shown)));
        }
        match std::fs::read(&path) {
            Ok(text) => read_with_includes(args, env, &mut files, &text, &shown)?,
            Err(_) if args.is_set("conf") => return Err(ConfigError::Conf(ConfError::Unreadable(shown))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            // A file that nobody asked for may be unreadable, but not silently.
            Err(error) => files.notices.push(Notice::warning(format!("Config file: {shown} cannot be read ({error})"))),
        }
    }
    match missing_data_dir(args, env) {
        Some(path) => Err(ConfigError::Conf(ConfError::NoDataDir(path))),
        None => Ok(files),
    }
}

fn read_with_includes(
    args: &Args,
    env: &Env,
    files: &mut ConfFiles,
    text: &[u8],
    shown: &str,
) -> Result<(), ConfigError> {
    read_one(args, files, text, shown)?;
    // The only form that the command line knows is -noincludeconf.
    if args.settings().command_line.contains_key("includeconf") {
        return Ok(());
    }
    let chain = chain::chosen_name(args)?;
    // Included files may not include: what is there by now is all that counts.
    let (of_chain, of_default) = (includes(args, &chain), includes(args, ""));
    let named = of_chain.iter().skip(negated_count(&of_chain));
    for value in named.chain(of_default.iter().skip(negated_count(&of_default))) {
        let given = value.to_os_string().unwrap_or_default();
        let name = given.to_string_lossy().into_owned();
        let path = base_dir_for(args, env, Path::new(&given));
        if path.is_dir() {
            return Err(ConfigError::Conf(ConfError::IncludedDirectory(path.display().to_string())));
        }
        let Ok(text) = std::fs::read(&path) else {
            return Err(ConfigError::Conf(ConfError::IncludeUnreadable(name)));
        };
        read_one(args, files, &text, &name)?;
        files.notices.push(Notice::info(format!("Included configuration file {name}")));
    }

    let mut ignored = Vec::new();
    let chain_now = chain::chosen_name(args)?;
    let after = |section: &str, before: usize| {
        let values = includes(args, section);
        let skip = before.max(negated_count(&values));
        values.into_iter().skip(skip)
    };
    ignored.extend(after(&chain, of_chain.len()));
    ignored.extend(after("", of_default.len()));
    if chain_now != chain {
        ignored.extend(after(&chain_now, 0));
    }
    files.warnings.extend(ignored.iter().map(|value| {
        let name = value.to_text().unwrap_or_default();
        format!("warning: -includeconf cannot be used from included files; ignoring -includeconf={name}")
    }));
    Ok(())
}

fn base_dir_for(args: &Args, env: &Env, path: &Path) -> PathBuf {
    // An empty path stays empty, and cannot be opened.
    if path.is_absolute() || path.as_os_str().is_empty() { path.to_owned() } else { base_dir(args, env).join(path) }
}

fn includes(args: &Args, section: &str) -> Vec<Value> {
    let settings = args.settings();
    settings.conf.get(section).and_then(|values| values.get("includeconf")).cloned().unwrap_or_default()
}

fn read_one(args: &Args, files: &mut ConfFiles, text: &[u8], name: &str) -> Result<(), ConfigError> {
    let table = *args.table();
    conf::read(&table, text, name, &mut args.settings_mut(), &mut files.sections, &mut files.notices)
        .map_err(ConfigError::Conf)
}
