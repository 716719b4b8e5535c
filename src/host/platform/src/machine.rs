//! What the machine has: cores and memory.

use nix::unistd::{SysconfVar, sysconf};

/// The number of cores this process may use; at least one.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// All memory of the machine, in bytes, if the system tells.
pub fn total_memory() -> Option<u64> {
    let pages = sysconf(SysconfVar::_PHYS_PAGES).ok().flatten()?;
    let page = sysconf(SysconfVar::PAGE_SIZE).ok().flatten()?;
    let bytes = u64::try_from(pages).ok()?.checked_mul(u64::try_from(page).ok()?)?;
    (bytes > 0).then_some(bytes)
}

/// The memory that new work can use without swapping, in bytes, if the system tells.
pub fn available_memory() -> Option<u64> {
    parse_available(&std::fs::read_to_string("/proc/meminfo").ok()?)
}

fn parse_available(meminfo: &str) -> Option<u64> {
    let rest = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = rest.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_cores_and_memory() {
        assert!(cores() >= 1);
        let total = total_memory().unwrap();
        assert!(total > 64 << 20);
        if let Some(available) = available_memory() {
            assert!(available <= total);
        }
    }

    #[test]
    fn meminfo_is_read_strictly() {
        assert_eq!(parse_available("MemTotal: 10 kB\nMemAvailable:    7 kB\n"), Some(7168));
        assert_eq!(parse_available("MemTotal: 10 kB\n"), None);
        assert_eq!(parse_available("MemAvailable: many kB\n"), None);
        assert_eq!(parse_available("MemAvailable: 18446744073709551615 kB\n"), None);
    }
}
