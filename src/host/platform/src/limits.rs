//! What this process may do: the mode of new files and the number of open descriptors.

use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, setrlimit};
use nix::sys::stat::{Mode, umask};

/// Makes every new file 0600 and every new directory 0700. Call it first in `main`.
pub fn set_private_umask() {
    umask(Mode::S_IRWXG | Mode::S_IRWXO);
}

/// Raises the soft limit of open descriptors to `wanted`, as far as the hard limit allows, and never lowers it. Returns
/// the limit in force, which may be smaller than `wanted`, or much larger.
pub fn raise_descriptor_limit(wanted: u32) -> u32 {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else {
        return wanted; // The system does not tell; assume that it is generous.
    };
    let target = u64::from(wanted).min(hard);
    let mut current = soft;
    if soft < target && setrlimit(Resource::RLIMIT_NOFILE, target, hard).is_ok() {
        current = target;
    }
    if current == RLIM_INFINITY { ceiling() } else { u32::try_from(current).unwrap_or(u32::MAX).min(ceiling()) }
}

/// The daemon counts descriptors in a C `int`.
fn ceiling() -> u32 {
    i32::MAX.unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_raised_and_never_lowered() {
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        assert!(u64::from(raise_descriptor_limit(10)) >= soft.min(u64::from(ceiling())).min(10));
        assert_eq!(getrlimit(Resource::RLIMIT_NOFILE).unwrap(), (soft, hard));

        let (low, middle) = (128.min(hard), 200.min(hard));
        setrlimit(Resource::RLIMIT_NOFILE, low, hard).unwrap();
        assert_eq!(u64::from(raise_descriptor_limit(200)), middle);
        assert_eq!(getrlimit(Resource::RLIMIT_NOFILE).unwrap().0, middle);
        assert_eq!(u64::from(raise_descriptor_limit(u32::MAX)), hard.min(u64::from(ceiling())));
        setrlimit(Resource::RLIMIT_NOFILE, soft, hard).unwrap();
    }
}
