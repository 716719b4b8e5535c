//! Where lines go: first into memory, then to console, listeners, `debug.log` and the JSON file.

use std::collections::VecDeque;
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;

use crate::filter::Level;
use crate::format::{Style, format_line};
use crate::json::format_json;
use crate::limiter::{MAX_BYTES, RateLimiter, Verdict, WINDOW};
use crate::record::Record;

/// What the log options come to. The default writes nowhere.
#[derive(Default)]
pub struct Settings {
    /// `-debuglogfile`, as an absolute path; `None` for `-nodebuglogfile`.
    pub file: Option<PathBuf>,
    /// `-logjson`, as an absolute path.
    pub json: Option<PathBuf>,
    /// `-printtoconsole`: usually [`std::io::stdout`]. Every line is flushed.
    pub console: Option<Box<dyn Write + Send>>,
    /// What lines look like.
    pub style: Style,
    /// `-shrinkdebugfile`; by default, files are shrunk unless a category is enabled.
    pub shrink: Option<bool>,
    /// `-logratelimit`: limit what each source location may write to the disk. A daemon sets it unless told not to.
    pub rate_limit: bool,
}

impl fmt::Debug for Settings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Settings")
            .field("file", &self.file)
            .field("json", &self.json)
            .field("console", &self.console.is_some())
            .field("style", &self.style)
            .field("shrink", &self.shrink)
            .field("rate_limit", &self.rate_limit)
            .finish()
    }
}

/// Why the log cannot be started.
#[derive(Debug, Error)]
pub enum StartError {
    /// `debug.log` cannot be opened.
    #[error("Could not open debug log file {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file of `-logjson` cannot be opened.
    #[error("Could not open JSON log file {}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It was started before.
    #[error("logging has been started already")]
    Started,
}

pub(crate) type Listener = Box<dyn FnMut(&str) + Send>;

/// The memory that early lines may take.
const MAX_EARLY_MEMORY: usize = 1_000_000;
/// A file larger than this is shrunk at the start,
const SHRINK_ABOVE: u64 = 11_000_000;
/// to this many bytes of its end.
const SHRINK_TO: usize = 10_000_000;

pub(crate) struct Sink {
    /// Lines from before the start; `None` after it.
    early: Option<Early>,
    style: Style,
    file: Option<LogFile>,
    json: Option<LogFile>,
    console: Option<Box<dyn Write + Send>>,
    listeners: Vec<(u64, Listener)>,
    limiter: Option<RateLimiter>,
}

impl fmt::Debug for Sink {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Sink").field("file", &self.file).field("json", &self.json).finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
struct Early {
    records: VecDeque<Record>,
    memory: usize,
    discarded: usize,
}

impl Early {
    fn push(&mut self, record: Record) {
        self.memory += record.memory();
        self.records.push_back(record);
        while self.memory > MAX_EARLY_MEMORY
            && let Some(oldest) = self.records.pop_front()
        {
            self.memory -= oldest.memory();
            self.discarded += 1;
        }
    }
}

/// Makes a record of our own; the handle knows time and thread.
pub(crate) type MakeRecord<'a> = &'a dyn Fn(Level, String) -> Record;

impl Sink {
    pub(crate) fn new() -> Self {
        Self {
            early: Some(Early::default()),
            style: Style::default(),
            file: None,
            json: None,
            console: None,
            listeners: Vec::new(),
            limiter: None,
        }
    }

    /// Opens the files and writes what was logged before. On an error nothing has changed but the files' sizes.
    pub(crate) fn start(
        &mut self,
        settings: Settings,
        shrink: bool,
        now: Duration,
        make: MakeRecord<'_>,
    ) -> Result<(), StartError> {
        if self.early.is_none() {
            return Err(StartError::Started);
        }
        let mut warnings = Vec::new();
        let open = |path: PathBuf, warnings: &mut Vec<&'static str>| {
            if shrink && shrink_file(&path).is_err() {
                warnings.push("Failed to shrink debug log file: fseek(...) failed");
            }
            LogFile::open(&path).map_err(|source| (path, source))
        };
        let file = settings.file.map(|path| open(path, &mut warnings)).transpose();
        let mut file = file.map_err(|(path, source)| StartError::File { path, source })?;
        let json = settings.json.map(|path| open(path, &mut warnings)).transpose();
        self.json = json.map_err(|(path, source)| StartError::Json { path, source })?;
        if let Some(file) = &mut file {
            // Sets this run apart from the last one.
            file.write(b"\n\n\n\n\n");
        }
        self.file = file;
        self.console = settings.console;
        self.style = settings.style;
        let Early { records, discarded, .. } = self.early.take().unwrap_or_default();
        if discarded > 0 {
            let text = format!("Early logging buffer overflowed, {discarded} log lines discarded.");
            self.emit(&make(Level::Info, text), make);
        }
        for text in warnings {
            self.emit(&make(Level::Warning, text.to_owned()), make);
        }
        for record in records {
            self.emit(&record, make);
        }
        // From here on, so that a chatty start-up is written whole.
        self.limiter = settings.rate_limit.then(|| RateLimiter::new(MAX_BYTES, WINDOW, now));
        Ok(())
    }

    /// Keeps a record, or writes it.
    pub(crate) fn log(&mut self, record: Record, now: Duration, make: MakeRecord<'_>) {
        if let Some(early) = &mut self.early {
            early.push(record);
            return;
        }
        let limiter = self.limiter.as_mut();
        for (place, dropped) in limiter.map(|limiter| limiter.roll(now)).unwrap_or_default() {
            let text =
                self.limiter.as_ref().map(|limiter| limiter.restarting_text(&place, dropped)).unwrap_or_default();
            self.emit(&make(Level::Warning, text), make);
        }
        self.emit(&record, make);
    }

    fn emit(&mut self, record: &Record, make: MakeRecord<'_>) {
        if self.console.is_none() && self.listeners.is_empty() && self.file.is_none() && self.json.is_none() {
            return;
        }
        let mut line = format_line(record, self.style);
        let mut suppressed = false;
        if let Some(limiter) = self.limiter.as_mut().filter(|_| record.rate_limit) {
            match limiter.consume(&record.source, line.len()) {
                Verdict::Fits => {}
                Verdict::Suppressed => suppressed = true,
                Verdict::Last => {
                    let text = limiter.excessive_text(&record.source);
                    // Our own records are not limited, so this goes no deeper.
                    self.emit(&make(Level::Warning, text), make);
                }
            }
        }
        if self.limiter.as_ref().is_some_and(RateLimiter::is_suppressing) {
            line.insert_str(0, "[*] ");
        }
        if let Some(console) = &mut self.console {
            // A terminal that is gone must not end the process.
            let _ = console.write_all(line.as_bytes()).and_then(|()| console.flush());
        }
        for (_, listener) in &mut self.listeners {
            listener(&line);
        }
        if suppressed {
            return;
        }
        if let Some(file) = &mut self.file {
            file.write(line.as_bytes());
        }
        if let Some(json) = &mut self.json {
            json.write(&format_json(record));
        }
    }

    /// Opens the files anew, after something has moved them away. A file that cannot be opened stays the old one.
    pub(crate) fn reopen(&mut self) {
        for file in [&mut self.file, &mut self.json].into_iter().flatten() {
            file.reopen();
        }
    }

    pub(crate) fn add_listener(&mut self, id: u64, listener: Listener) {
        self.listeners.push((id, listener));
    }

    pub(crate) fn remove_listener(&mut self, id: u64) {
        self.listeners.retain(|(other, _)| *other != id);
    }

    pub(crate) fn has_json(&self) -> bool {
        self.json.is_some()
    }
}

#[derive(Debug)]
struct LogFile {
    path: PathBuf,
    file: File,
}

impl LogFile {
    fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), file: append_to(path)? })
    }

    fn reopen(&mut self) {
        if let Ok(file) = append_to(&self.path) {
            self.file = file;
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        // A full disk loses lines; it must not end the process.
        let _ = self.file.write_all(bytes);
    }
}

fn append_to(path: &Path) -> io::Result<File> {
    File::options().append(true).create(true).open(path)
}

/// Cuts a large file down to its end. A file that is not there, or has no size (a device), stays as it is.
fn shrink_file(path: &Path) -> io::Result<()> {
    let Ok(mut file) = File::open(path) else { return Ok(()) };
    if !file.metadata().is_ok_and(|meta| meta.is_file() && meta.len() > SHRINK_ABOVE) {
        return Ok(());
    }
    let mut end = Vec::with_capacity(SHRINK_TO);
    let back = i64::try_from(SHRINK_TO).expect("ten million fits");
    file.seek(SeekFrom::End(-back))?;
    file.take(u64::try_from(SHRINK_TO).expect("ten million fits")).read_to_end(&mut end)?;
    std::fs::write(path, end)
}
