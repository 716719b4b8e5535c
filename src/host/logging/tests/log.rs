//! The whole way of a line, from a macro to the files.

use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use logging::{Category, Level, LogHandle, OptionError, Record, Settings, Source, StartError, Style};
use platform::{Clock, ManualClock, MockableClock};
use tracing::{debug, error, info, trace, warn};
use tracing_subscriber::layer::SubscriberExt;

const NOW: i64 = 1_795_236_005;
const BARE: Style =
    Style { timestamps: false, time_micros: false, thread_names: false, source_locations: false, level_always: false };

fn new_log() -> (LogHandle, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(NOW));
    (LogHandle::new(clock.clone()), clock)
}

/// Runs `work` with events of this thread going to `log`.
fn with<T>(log: &LogHandle, work: impl FnOnce() -> T) -> T {
    tracing::subscriber::with_default(tracing_subscriber::registry().with(log.layer()), work)
}

fn to_file(path: &Path) -> Settings {
    Settings { file: Some(path.to_owned()), style: BARE, ..Settings::default() }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).expect("the log exists")
}

/// The lines after the five empty ones.
fn lines(path: &Path) -> Vec<String> {
    let text = read(path);
    let text = text.strip_prefix("\n\n\n\n\n").expect("a run starts with five empty lines");
    text.lines().map(str::to_owned).collect()
}

#[derive(Clone, Default)]
struct Screen(Arc<Mutex<Vec<u8>>>);

impl Screen {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("no panic").clone()).expect("UTF-8")
    }
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn levels_and_categories() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("debug.log");
    let (log, _) = new_log();
    log.enable("net").unwrap();
    with(&log, || {
        log.start(to_file(&path)).unwrap();
        trace!(target: "net", "not logged");
        debug!(target: "net", "a {}", 1);
        debug!(target: "http", "not logged");
        debug!("not logged");
        info!(target: "net", "b");
        info!("c");
        warn!("d");
        error!("e");
        log.apply_levels(&["net:trace"]).unwrap();
        trace!(target: "net", "f");
        log.disable("net").unwrap();
        debug!(target: "net", "not logged");
        log.enable("all").unwrap();
        debug!("g");
    });
    let expected = ["[net] a 1", "[net:info] b", "c", "[warning] d", "[error] e", "[net:trace] f", "[debug] g"];
    let written = lines(&path);
    assert_eq!(written[0], "Startup time: 2026-11-21T04:40:05Z");
    assert_eq!(written[1..], expected);
}

#[test]
fn a_line_that_is_off_evaluates_nothing() {
    let (log, _) = new_log();
    let evaluated = std::cell::Cell::new(0);
    let count = || {
        evaluated.set(evaluated.get() + 1);
        evaluated.get()
    };
    with(&log, || {
        debug!(target: "net", "{}", count());
        trace!(target: "net", "{}", count());
        assert_eq!(evaluated.get(), 0);
        log.enable("net").unwrap();
        for _ in 0..2 {
            debug!(target: "net", "{}", count());
            trace!(target: "net", "{}", count());
        }
        assert_eq!(evaluated.get(), 2);
    });
}

#[test]
fn early_lines_are_kept_in_order_and_with_their_time() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("debug.log");
    let (log, clock) = new_log();
    with(&log, || {
        info!("early");
        clock.advance(Duration::from_secs(3));
        log.start(Settings { file: Some(path.clone()), ..Settings::default() }).unwrap();
        info!("late");
    });
    assert_eq!(lines(&path), ["2026-11-21T04:40:05Z early", "2026-11-21T04:40:08Z late"]);
    assert!(matches!(log.start(Settings::default()), Err(StartError::Started)));
}

#[test]
fn early_lines_do_not_fill_the_memory() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("debug.log");
    let (log, _) = new_log();
    let text = "x".repeat(1000);
    with(&log, || {
        for index in 0..3000 {
            info!("{index} {text}");
        }
        log.start(Settings { file: Some(path.clone()), ..Settings::default() }).unwrap();
    });
    let lines = lines(&path);
    let kept = lines.len() - 1;
    assert!((500..1000).contains(&kept), "{kept}");
    let discarded = 3000 - kept;
    let notice = format!("2026-11-21T04:40:05Z Early logging buffer overflowed, {discarded} log lines discarded.");
    assert_eq!(lines[0], notice);
    assert!(lines[1].contains(&format!("Z {discarded} xxx")));
    assert!(lines[kept].contains("Z 2999 xxx"));
}

#[test]
fn console_listener_and_json_get_the_same_lines() {
    let dir = tempfile::tempdir().unwrap();
    let (path, json) = (dir.path().join("debug.log"), dir.path().join("log.json"));
    let clock = Arc::new(MockableClock::new(ManualClock::new(NOW)));
    let log = LogHandle::new(clock.clone());
    let screen = Screen::default();
    let heard = Arc::new(Mutex::new(String::new()));
    let listener = log.add_listener({
        let heard = heard.clone();
        move |line| heard.lock().expect("no panic").push_str(line)
    });
    let settings = Settings {
        json: Some(json.clone()),
        console: Some(Box::new(screen.clone())),
        style: Style::default(),
        ..to_file(&path)
    };
    with(&log, || {
        log.start(settings).unwrap();
        clock.set_mock_time(1_231_006_505);
        warn!(
            target: "net",
            peer = 3_u64,
            ratio = 0.5,
            infinite = f64::INFINITY,
            who = "a\"b",
            huge = u128::MAX,
            flag = true,
            "hello\x1b \"{}\"",
            1
        );
        log.remove_listener(listener);
        info!(answer = 42, word = "yes");
    });
    let first = "2026-11-21T04:40:05Z (mocktime: 2009-01-03T18:15:05Z) [net:warning] hello\\x1b \"1\"\n";
    let second = "2026-11-21T04:40:05Z (mocktime: 2009-01-03T18:15:05Z) answer=42 word=yes\n";
    assert_eq!(screen.text(), format!("{first}{second}"));
    assert_eq!(*heard.lock().unwrap(), first);
    assert_eq!(read(&path), format!("\n\n\n\n\n{first}{second}"));

    let objects: Vec<serde_json::Value> = read(&json).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(objects.len(), 2);
    assert_eq!(objects[0]["time"], "2026-11-21T04:40:05.000000Z");
    assert_eq!(objects[0]["mocktime"], 1_231_006_505);
    assert_eq!(objects[0]["level"], "warning");
    assert_eq!(objects[0]["category"], "net");
    assert_eq!(objects[0]["message"], "hello\u{1b} \"1\"");
    let fields = serde_json::json!({
        "peer": 3, "ratio": 0.5, "infinite": "inf", "who": "a\"b", "huge": u128::MAX.to_string(), "flag": true
    });
    assert_eq!(objects[0]["fields"], fields);
    assert!(objects[0]["source"]["file"].as_str().unwrap().ends_with("tests/log.rs"));
    assert_eq!(objects[0]["source"]["module"], "log");
    assert!(objects[0]["source"]["line"].as_u64().unwrap() > 100);
    assert_eq!(objects[1]["category"], serde_json::Value::Null);
}

#[test]
fn threads_and_sources_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("debug.log");
    let (log, _) = new_log();
    log.start(Settings {
        style: Style { thread_names: true, source_locations: true, timestamps: true, ..BARE },
        ..to_file(&path)
    })
    .unwrap();
    let other = log.clone();
    let body = move || with(&other, || logging::run_traced("msghand", || 7));
    assert_eq!(platform::thread::spawn("msghand", body).unwrap().join().unwrap(), 7);
    let lines = lines(&path);
    assert_eq!(lines.len(), 2);
    assert!(lines[0].starts_with("2026-11-21T04:40:05Z [msghand] [src/host/logging/src/thread.rs:"), "{}", lines[0]);
    assert!(lines[0].ends_with("] [logging::thread] msghand thread start"), "{}", lines[0]);
    assert!(lines[1].ends_with("msghand thread exit"));
}

#[test]
fn a_place_that_writes_too_much_is_silenced_on_disk_only() {
    let dir = tempfile::tempdir().unwrap();
    let (path, json) = (dir.path().join("debug.log"), dir.path().join("log.json"));
    let (log, clock) = new_log();
    let screen = Screen::default();
    let settings = Settings {
        console: Some(Box::new(screen.clone())),
        rate_limit: true,
        style: Style::default(),
        json: Some(json.clone()),
        ..to_file(&path)
    };
    let big = "x".repeat(1000);
    with(&log, || {
        log.start(settings).unwrap();
        log.enable("net").unwrap();
        for index in 0..1100 {
            info!("{index} {big}");
        }
        info!("another place");
        for _ in 0..1100 {
            info!(no_rate_limit = true, "free {big}");
            debug!(target: "net", "asked for {big}");
        }
        clock.advance(Duration::from_secs(3599));
        info!("still the same window");
        clock.advance(Duration::from_secs(1));
        info!("next window");
    });
    let (file, console) = (read(&path), screen.text());
    let count = |text: &str, part: &str| text.lines().filter(|line| line.contains(part)).count();
    assert_eq!(count(&console, "Z free"), 1100);
    assert_eq!(count(&file, "Z free"), 1100);
    assert_eq!(count(&file, "[net] asked for"), 1100);
    // Each line is "2026-11-21T04:40:05Z " (21), the number, a space, the text and a line feed.
    let mut left = 1 << 20;
    let fitting = (0..1100).take_while(|index| {
        let length = 21 + index.to_string().len() + 1 + 1000 + 1;
        left -= i32::try_from(length).unwrap();
        left >= 0
    });
    let fitting = fitting.count();
    let limited = |text: &str| {
        text.lines().filter(|line| line.contains(" xxx") && !line.contains("for x") && !line.contains("free")).count()
    };
    assert_eq!(limited(&file), fitting + 1);
    assert_eq!(limited(&console), 1100);
    let warning = file.lines().find(|line| line.contains("Excessive logging detected from")).unwrap();
    assert!(warning.starts_with("[*] 2026-11-21T04:40:05Z [warning] Excessive logging detected from "), "{warning}");
    assert!(warning.contains("tests/log.rs:") && warning.contains(" (log): >1048576 bytes logged during"), "{warning}");
    assert_eq!(count(&file, "[*] 2026-11-21T04:40:05Z another place"), 1);
    assert_eq!(count(&file, "[*] 2026-11-21T05:40:04Z still the same window"), 1);
    let mut last = file.lines().rev();
    assert_eq!(last.next().unwrap(), "2026-11-21T05:40:05Z next window");
    let restart = last.next().unwrap();
    assert!(restart.starts_with("2026-11-21T05:40:05Z [warning] Restarting logging from "), "{restart}");
    assert!(restart.ends_with(" bytes were dropped during the last 3600s."), "{restart}");
    // One object per line on disk; the five empty lines are no objects.
    assert_eq!(read(&json).lines().count(), file.lines().count() - 5);
}

#[test]
fn without_the_limit_everything_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("debug.log");
    let (log, _) = new_log();
    let big = "x".repeat(10_000);
    with(&log, || {
        log.start(Settings { style: Style::default(), ..to_file(&path) }).unwrap();
        for _ in 0..200 {
            info!("{big}");
        }
    });
    assert_eq!(lines(&path).len(), 200);
}

#[test]
fn options_have_the_rules_and_texts_of_the_daemon() {
    let active = |log: &LogHandle| -> Vec<&str> {
        log.categories().into_iter().filter(|(_, on)| *on).map(|(name, _)| name).collect()
    };
    let none: [&str; 0] = [];
    for clear in ["0", "none"] {
        let (log, _) = new_log();
        log.apply_categories(&["http", "abc", clear, "rpc", "net"], &none).unwrap();
        assert_eq!(active(&log), ["net", "rpc"]);
    }
    let (log, _) = new_log();
    log.apply_categories(&["1"], &["net", "libevent"]).unwrap();
    assert_eq!(active(&log).len(), 28);
    assert!(!active(&log).contains(&"net"));
    let names: Vec<&str> = log.categories().into_iter().map(|(name, _)| name).collect();
    assert!(names.is_sorted());
    assert_eq!(names.join(", "), logging::category_names());

    let text = |result: Result<(), OptionError>| result.unwrap_err().to_string();
    assert_eq!(text(log.apply_categories(&["abc"], &none)), "Unsupported logging category -debug=abc.");
    assert_eq!(text(log.apply_categories(&none, &["abc"])), "Unsupported logging category -debugexclude=abc.");
    for bad in ["abc", "warning", "", ":debug", "ne:debug"] {
        let expected = format!("Unsupported global logging level -loglevel={bad}. Valid values: info, debug, trace.");
        assert_eq!(text(log.apply_levels(&[bad])), expected);
    }
    for bad in ["net:abc", "net:info:abc", "net:", "abc:info", "net:error"] {
        let expected = format!(
            "Unsupported category-specific logging level -loglevel={bad}. Expected -loglevel=<category>:<loglevel>. \
             Valid categories: {}. Valid loglevels: info, debug, trace.",
            logging::category_names()
        );
        assert_eq!(text(log.apply_levels(&[bad])), expected);
    }
    log.apply_levels(&["trace", "net:info", "libevent:trace"]).unwrap();
    let category = |name| Category::from_name(name).unwrap();
    assert_eq!((log.global_level(), log.category_level(category("net"))), (Level::Trace, Some(Level::Info)));
    assert_eq!(log.category_level(category("http")), None);
    assert!(!log.will_log(Some(category("net")), Level::Debug));
    assert!(log.will_log(Some(category("http")), Level::Trace));
    assert_eq!(log.enable("none").unwrap_err().to_string(), "unknown logging category none");
    assert!(!log.log_ips());
    log.set_log_ips(true);
    assert!(log.clone().log_ips());
}

#[test]
fn a_retired_category_earns_a_warning() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("debug.log");
    let (log, _) = new_log();
    log.start(Settings { style: Style::default(), ..to_file(&path) }).unwrap();
    let before = log.categories();
    log.enable("libevent").unwrap();
    log.disable("libevent").unwrap();
    assert_eq!(log.categories(), before);
    let warning = "2026-11-21T04:40:05Z [warning] The logging category `libevent` is deprecated, does nothing, \
                   and will be removed in a future version";
    assert_eq!(lines(&path), [warning, warning]);
}

#[test]
fn a_file_that_was_moved_away_is_opened_again() {
    let dir = tempfile::tempdir().unwrap();
    let (path, moved) = (dir.path().join("debug.log"), dir.path().join("debug.log.1"));
    let (json, json_moved) = (dir.path().join("log.json"), dir.path().join("log.json.1"));
    let (log, _) = new_log();
    let settings = Settings { style: Style::default(), json: Some(json.clone()), ..to_file(&path) };
    with(&log, || {
        log.start(settings).unwrap();
        info!("one");
        std::fs::rename(&path, &moved).unwrap();
        std::fs::rename(&json, &json_moved).unwrap();
        info!("two");
        log.reopen();
        info!("three");
        // A place that cannot be written keeps the old file.
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        log.reopen();
        info!("four");
    });
    assert_eq!(lines(&moved), ["2026-11-21T04:40:05Z one", "2026-11-21T04:40:05Z two"]);
    assert_eq!(read(&json_moved).lines().count(), 2);
    assert_eq!(read(&json).lines().count(), 2);
}

#[test]
fn a_large_file_is_shrunk_unless_somebody_debugs() {
    let dir = tempfile::tempdir().unwrap();
    let old: Vec<u8> = (0..11_000_001_u32).map(|index| b'a' + u8::try_from(index % 26).unwrap()).collect();
    let cases =
        [(None, None, true), (Some("net"), None, false), (Some("net"), Some(true), true), (None, Some(false), false)];
    for (index, (category, shrink, shrinks)) in cases.into_iter().enumerate() {
        let path = dir.path().join(index.to_string());
        std::fs::write(&path, &old).unwrap();
        let (log, _) = new_log();
        if let Some(category) = category {
            log.enable(category).unwrap();
        }
        log.start(Settings { shrink, style: Style::default(), ..to_file(&path) }).unwrap();
        let content = std::fs::read(&path).unwrap();
        let kept = if shrinks { &old[1_000_001..] } else { &old[..] };
        assert!(content == [kept, b"\n\n\n\n\n"].concat(), "case {index}");
    }
    let path = dir.path().join("just small enough");
    std::fs::write(&path, &old[..11_000_000]).unwrap();
    new_log().0.start(Settings { style: Style::default(), ..to_file(&path) }).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().len(), 11_000_005);
}

#[test]
fn a_file_that_cannot_be_opened_is_an_error_and_can_be_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    let bad = dir.path().join("foo/foo.log");
    let good = dir.path().join("debug.log");
    let (log, _) = new_log();
    with(&log, || {
        info!("early");
        let error = log.start(to_file(&bad)).unwrap_err();
        assert_eq!(error.to_string(), format!("Could not open debug log file {}", bad.display()));
        let settings = Settings { json: Some(bad.clone()), ..to_file(&good) };
        let error = log.start(settings).unwrap_err();
        assert_eq!(error.to_string(), format!("Could not open JSON log file {}", bad.display()));
        log.start(Settings { style: Style::default(), ..to_file(&good) }).unwrap();
    });
    assert_eq!(lines(&good), ["2026-11-21T04:40:05Z early"]);
}

#[test]
fn a_full_disk_a_device_or_nowhere_does_no_harm() {
    for path in ["/dev/full", "/dev/null"] {
        let (log, _) = new_log();
        let listened = Arc::new(Mutex::new(0));
        let counter = listened.clone();
        log.add_listener(move |_| *counter.lock().expect("no panic") += 1);
        with(&log, || {
            log.start(to_file(Path::new(path))).unwrap();
            info!("a line");
        });
        assert_eq!(*listened.lock().unwrap(), 2);
    }
    let (log, _) = new_log();
    with(&log, || {
        log.start(Settings::default()).unwrap();
        info!("a line");
    });
}

#[test]
fn logging_while_logging_does_not_hang() {
    struct Chatty;
    impl std::fmt::Display for Chatty {
        fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            info!("from inside a value");
            formatter.write_str("chatty")
        }
    }
    let heard = Arc::new(Mutex::new(Vec::new()));
    let (log, _) = new_log();
    let (memory, inner) = (heard.clone(), log.clone());
    log.add_listener(move |line| {
        info!("from inside a listener");
        inner.reopen();
        memory.lock().expect("no panic").push(line.to_owned());
    });
    with(&log, || {
        log.start(Settings { style: Style::default(), ..Settings::default() }).unwrap();
        info!("{Chatty}");
    });
    let heard = heard.lock().unwrap();
    assert_eq!(heard.last().map(String::as_str), Some("2026-11-21T04:40:05Z chatty\n"));
    assert!(!heard.iter().any(|line| line.contains("listener")));
}

#[test]
fn records_of_another_process_can_be_logged() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("debug.log");
    let (log, clock) = new_log();
    log.start(Settings {
        style: Style { thread_names: true, source_locations: true, ..Style::default() },
        ..to_file(&path)
    })
    .unwrap();
    log.log(Record {
        category: Category::from_name("walletdb"),
        level: Level::Debug,
        rate_limit: false,
        time_micros: clock.system_micros() - 1_000_000,
        mock_time: None,
        thread: "wallet".to_owned(),
        source: Source { file: "w.rs".into(), line: 1, module: "w".into() },
        message: "hello".to_owned(),
        fields: Vec::new(),
    });
    assert_eq!(lines(&path), ["2026-11-21T04:40:04Z [wallet] [w.rs:1] [w] [walletdb] hello"]);
}

#[test]
fn threads_do_not_tear_lines() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("debug.log");
    let (log, _) = new_log();
    log.start(Settings { style: Style::default(), ..to_file(&path) }).unwrap();
    std::thread::scope(|scope| {
        for letter in ["a", "b", "c", "d"] {
            let log = &log;
            scope.spawn(move || with(log, || (0..250).for_each(|_| info!("{}", letter.repeat(100)))));
        }
    });
    let lines = lines(&path);
    assert_eq!(lines.len(), 1000);
    for letter in ["a", "b", "c", "d"] {
        let whole = format!("2026-11-21T04:40:05Z {}", letter.repeat(100));
        assert_eq!(lines.iter().filter(|line| **line == whole).count(), 250);
    }
}
