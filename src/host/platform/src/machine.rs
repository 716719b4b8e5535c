//! What the machine has: cores and memory.

use crate::system::memory;

/// The number of cores this process may use; at least one.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// All memory of the machine, in bytes, if the system tells.
pub fn total_memory() -> Option<u64> {
    memory::total().filter(|bytes| *bytes > 0)
}

/// The memory that new work can use without swapping, in bytes, if the system tells.
pub fn available_memory() -> Option<u64> {
    memory::available()
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
}
