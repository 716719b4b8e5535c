//! Names of threads.
//!
//! A thread has an internal name, which log lines print (`msghand`), and a system name, which `top` shows
//! (`b-msghand`). The main thread has only an internal one: its system name is the name of the process, which `killall`
//! needs.

use std::cell::RefCell;
use std::io;
use std::sync::{Mutex, PoisonError};
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

/// Does the same with each of many things, on all processors, and returns the results in their order.
pub fn share<T: Send, R: Send>(items: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let workers = crate::machine::cores().min(items.len());
    if workers < 2 {
        return items.into_iter().map(work).collect();
    }
    let count = items.len();
    let left = Mutex::new(items.into_iter().enumerate());
    let next = || left.lock().unwrap_or_else(PoisonError::into_inner).next();
    let rounds = || {
        let mut done = Vec::new();
        while let Some((number, item)) = next() {
            done.push((number, work(item)));
        }
        done
    };
    let mut results: Vec<Option<R>> = std::iter::repeat_with(|| None).take(count).collect();
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..workers).map(|_| scope.spawn(rounds)).collect();
        let mine = rounds();
        let theirs =
            others.into_iter().map(|other| other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        for (number, result) in std::iter::once(mine).chain(theirs).flatten() {
            if let Some(place) = results.get_mut(number) {
                *place = Some(result);
            }
        }
    });
    results.into_iter().flatten().collect()
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
    fn shared_work_comes_back_in_order() {
        for count in [0, 1, 2, 1000] {
            let doubled = share((0..count).collect(), |number: usize| number * 2);
            assert_eq!(doubled, (0..count).map(|number| number * 2).collect::<Vec<_>>());
        }
    }

    #[test]
    #[should_panic(expected = "the seventh")]
    fn a_panic_in_shared_work_is_passed_on() {
        share((0..100).collect(), |number| assert!(number != 7, "the seventh"));
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
