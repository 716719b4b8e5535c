//! The global log of a process. Alone in its file, because there is one per process.

use std::sync::Arc;

use logging::{LogHandle, Settings, Style};
use platform::ManualClock;
use tracing::{debug, info};

#[test]
fn one_log_serves_all_threads_and_follows_changes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("debug.log");
    let log = LogHandle::new(Arc::new(ManualClock::new(0)));
    log.install().unwrap();
    assert!(LogHandle::new(Arc::new(ManualClock::new(0))).install().is_err());
    log.start(Settings { file: Some(path.clone()), style: Style::default(), ..Settings::default() }).unwrap();
    let speak = || {
        std::thread::spawn(|| {
            debug!(target: "net", "debug");
            info!("info");
        })
        .join()
        .unwrap();
    };
    speak();
    assert_eq!(tracing::level_filters::LevelFilter::current(), tracing::level_filters::LevelFilter::INFO);
    log.enable("net").unwrap();
    speak();
    log.disable("all").unwrap();
    speak();
    assert_eq!(tracing::level_filters::LevelFilter::current(), tracing::level_filters::LevelFilter::INFO);
    let text = std::fs::read_to_string(&path).unwrap();
    let time = "1970-01-01T00:00:00Z";
    let expected = format!("\n\n\n\n\n{time} info\n{time} [net] debug\n{time} info\n{time} info\n");
    assert_eq!(text, expected);
}
