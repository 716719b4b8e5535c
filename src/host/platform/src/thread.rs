//! Names of threads.
//!
//! A thread has an internal name, which log lines print (`msghand`), and a system name, which `top` shows
//! (`b-msghand`). The main thread has only an internal one: its system name is the name of the process, which `killall`
//! needs.

use std::cell::RefCell;
use std::io;
use std::thread::{Builder, JoinHandle};

thread_local! {
    static INTERNAL_NAME: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Starts a thread with both names set. Linux keeps 15 bytes, so `name` should have at most 13.
pub fn spawn<T, F>(name: &str, body: F) -> io::Result<JoinHandle<T>>
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    let internal = name.to_owned();
    Builder::new().name(format!("b-{name}")).spawn(move || {
        set_internal_name(&internal);
        body()
    })
}

/// Sets both names of the calling thread, which a pool or a runtime has started.
pub fn rename(name: &str) {
    set_internal_name(name);
    set_system_name(&format!("b-{name}"));
}

/// Sets the name that log lines print, and leaves the system's alone. For the main thread.
pub fn set_internal_name(name: &str) {
    INTERNAL_NAME.with_borrow_mut(|slot| *slot = Some(name.to_owned()));
}

/// The name that log lines print, if the thread has one.
pub fn internal_name() -> Option<String> {
    // A log line may come from the destructor of another thread-local, after ours is gone.
    let own = INTERNAL_NAME.try_with(|slot| slot.borrow().clone()).ok().flatten();
    own.or_else(|| std::thread::current().name().map(str::to_owned))
}

#[cfg(target_os = "linux")]
fn set_system_name(name: &str) {
    // The kernel cuts the name; a name with a NUL in it is not worth an error.
    if let Ok(name) = std::ffi::CString::new(name) {
        let _ = nix::sys::prctl::set_name(&name);
    }
}

#[cfg(not(target_os = "linux"))]
fn set_system_name(_name: &str) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    fn system_name() -> String {
        nix::sys::prctl::get_name().unwrap().into_string().unwrap()
    }

    #[test]
    fn a_spawned_thread_has_both_names() {
        spawn("msghand", || {
            assert_eq!(internal_name().as_deref(), Some("msghand"));
            #[cfg(target_os = "linux")]
            assert_eq!(system_name(), "b-msghand");
        })
        .unwrap()
        .join()
        .unwrap();
    }

    #[test]
    fn a_foreign_thread_can_be_renamed() {
        std::thread::spawn(|| {
            assert_eq!(internal_name(), None);
            rename("scriptch.00");
            assert_eq!(internal_name().as_deref(), Some("scriptch.00"));
            #[cfg(target_os = "linux")]
            assert_eq!(system_name(), "b-scriptch.00");
        })
        .join()
        .unwrap();
    }

    #[test]
    fn an_internal_name_leaves_the_process_name_alone() {
        std::thread::spawn(|| {
            #[cfg(target_os = "linux")]
            let before = system_name();
            set_internal_name("init");
            assert_eq!(internal_name().as_deref(), Some("init"));
            #[cfg(target_os = "linux")]
            assert_eq!(system_name(), before);
        })
        .join()
        .unwrap();
    }
}
