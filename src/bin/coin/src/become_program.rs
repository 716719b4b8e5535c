//! The wrapper's last step: it looks for another program and becomes it.

use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

/// No program could be started.
#[derive(Debug, thiserror::Error)]
#[error("execvp failed to execute '{}': {}", .program.display(), platform::message_text(.reason))]
pub(crate) struct ExecError {
    program: PathBuf,
    reason: io::Error,
}

/// Becomes the first of the programs `executables` that is there, or says why it cannot.
pub(crate) fn run(invoked_as: &OsStr, executables: &[&str], arguments: &[OsString]) -> ExecError {
    let own = std::env::current_exe().unwrap_or_else(|_| PathBuf::from(invoked_as));
    let own = platform::file::real_path(&own).unwrap_or(own);
    // The search path comes last: a name without a directory makes the system search it.
    let places = executables.iter().flat_map(|executable| {
        let (places, searched) = config::names::candidates(&own, invoked_as, executable);
        places.into_iter().chain(searched.map(PathBuf::from))
    });
    let programs: Vec<PathBuf> = places.collect();
    first(&programs, |program| platform::child::become_program(program, arguments))
}

/// Tries the programs in turn. One that is not there leads to the next; any other failure ends the search.
fn first(programs: &[PathBuf], start: impl Fn(&Path) -> Result<Infallible, io::Error>) -> ExecError {
    let mut last = ExecError { program: PathBuf::new(), reason: io::ErrorKind::NotFound.into() };
    for program in programs {
        let Err(reason) = start(program);
        let goes_on = reason.kind() == io::ErrorKind::NotFound;
        last = ExecError { program: program.clone(), reason };
        if !goes_on {
            break;
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_missing_program_leads_to_the_next() {
        let programs = ["/a/x", "/b/x", "x"].map(PathBuf::from);
        let try_all = |kinds: [io::ErrorKind; 3]| {
            let error = first(&programs, |program| {
                let at = programs.iter().position(|other| other == program).unwrap();
                Err(kinds[at].into())
            });
            (error.program, error.reason.kind())
        };
        let (missing, denied) = (io::ErrorKind::NotFound, io::ErrorKind::PermissionDenied);
        assert_eq!(try_all([missing, missing, missing]), ("x".into(), missing));
        assert_eq!(try_all([missing, denied, missing]), ("/b/x".into(), denied));
        assert_eq!(try_all([denied, missing, missing]), ("/a/x".into(), denied));
    }
}
