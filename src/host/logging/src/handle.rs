//! The handle by which a process sets up, changes and feeds its log.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use platform::{Clock, format_iso8601};
use thiserror::Error;
use tracing_subscriber::layer::SubscriberExt;

use crate::category::{Category, Selection};
use crate::filter::{Filter, Level};
use crate::layer::LogLayer;
use crate::record::{Record, Source};
use crate::sink::{Settings, Sink, StartError};

/// The log of a process. Copies are handles to the same log.
#[derive(Debug, Clone)]
pub struct LogHandle {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    clock: Arc<dyn Clock>,
    filter: Filter,
    sink: Mutex<Sink>,
    /// Whether anything will print the fields of events.
    wants_fields: AtomicBool,
    log_ips: AtomicBool,
    next_listener: AtomicU64,
}

/// There is another log in this process.
#[derive(Debug, Error)]
#[error("another logger is installed already")]
pub struct InstallError;

/// A category that does not exist.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("unknown logging category {0}")]
pub struct UnknownCategory(pub String);

/// A listener, to remove it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ListenerId(u64);

thread_local! {
    /// Set while this thread is inside the log, where logging again would wait for itself.
    static BUSY: Cell<bool> = const { Cell::new(false) };
}

impl LogHandle {
    /// A log that keeps its lines in memory until it is [started](LogHandle::start).
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let shared = Shared {
            clock,
            filter: Filter::default(),
            sink: Mutex::new(Sink::new()),
            wants_fields: AtomicBool::new(true),
            log_ips: AtomicBool::new(false),
            next_listener: AtomicU64::new(0),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Makes this the log of the whole process.
    pub fn install(&self) -> Result<(), InstallError> {
        let subscriber = tracing_subscriber::registry().with(self.layer());
        tracing::subscriber::set_global_default(subscriber).map_err(|_| InstallError)
    }

    /// The layer, for those who compose a subscriber of their own.
    pub fn layer(&self) -> LogLayer {
        LogLayer::new(self.clone())
    }

    /// Opens the files and writes everything logged so far. On an error the lines stay in memory.
    pub fn start(&self, settings: Settings) -> Result<(), StartError> {
        let shrink = settings.shrink.unwrap_or_else(|| self.shared.filter.nothing_enabled());
        let timestamps = settings.style.timestamps;
        self.inside(|sink| {
            sink.start(settings, shrink, self.shared.clock.monotonic(), &|level, text| self.own_record(level, text))?;
            self.shared.wants_fields.store(sink.has_json(), Ordering::Relaxed);
            Ok(())
        })
        .unwrap_or(Err(StartError::Started))?;
        if !timestamps {
            let now = format_iso8601(self.shared.clock.unix_seconds());
            self.log(self.own_record(Level::Info, format!("Startup time: {now}")));
        }
        Ok(())
    }

    /// Opens the files again (SIGHUP), so that a tool can move them away first.
    pub fn reopen(&self) {
        self.inside(Sink::reopen);
    }

    /// Logs a record as it is. Whoever makes one asks [`LogHandle::will_log`] first.
    pub fn log(&self, record: Record) {
        let now = self.shared.clock.monotonic();
        self.inside(|sink| sink.log(record, now, &|level, text| self.own_record(level, text)));
    }

    /// Whether a line would be logged. Costs one atomic load.
    pub fn will_log(&self, category: Option<Category>, level: Level) -> bool {
        self.shared.filter.will_log(category, level)
    }

    /// Switches a category on: a name, or `all`, `1` or an empty text for all of them.
    pub fn enable(&self, name: &str) -> Result<(), UnknownCategory> {
        self.shared.filter.enable(self.select(name)?);
        Ok(())
    }

    /// Switches a category off, by the same names.
    pub fn disable(&self, name: &str) -> Result<(), UnknownCategory> {
        self.shared.filter.disable(self.select(name)?);
        Ok(())
    }

    /// Every category in alphabetical order, and whether it is on.
    pub fn categories(&self) -> Vec<(&'static str, bool)> {
        Category::all().map(|category| (category.name(), self.shared.filter.is_enabled(category))).collect()
    }

    /// The level of categories that have none of their own.
    pub fn global_level(&self) -> Level {
        self.shared.filter.global_level()
    }

    /// The level of one category, if it has its own.
    pub fn category_level(&self, category: Category) -> Option<Level> {
        self.shared.filter.own_level(category)
    }

    /// `-logips`: whether lines may show addresses of peers. Those who write such lines ask.
    pub fn log_ips(&self) -> bool {
        self.shared.log_ips.load(Ordering::Relaxed)
    }

    /// Sets what [`LogHandle::log_ips`] answers.
    pub fn set_log_ips(&self, allowed: bool) {
        self.shared.log_ips.store(allowed, Ordering::Relaxed);
    }

    /// Calls `listener` with every line from now on, whatever the files do with it. Listeners come and go from outside
    /// of listeners only.
    pub fn add_listener(&self, listener: impl FnMut(&str) + Send + 'static) -> ListenerId {
        let id = self.shared.next_listener.fetch_add(1, Ordering::Relaxed);
        self.inside(|sink| sink.add_listener(id, Box::new(listener)));
        ListenerId(id)
    }

    /// Ends a listener.
    pub fn remove_listener(&self, id: ListenerId) {
        self.inside(|sink| sink.remove_listener(id.0));
    }

    pub(crate) fn filter(&self) -> &Filter {
        &self.shared.filter
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.shared.clock
    }

    pub(crate) fn wants_fields(&self) -> bool {
        self.shared.wants_fields.load(Ordering::Relaxed)
    }

    pub(crate) fn select(&self, name: &str) -> Result<Selection, UnknownCategory> {
        let selection = Selection::parse(name).ok_or_else(|| UnknownCategory(name.to_owned()))?;
        if selection == Selection::Retired {
            let text = format!(
                "The logging category `{name}` is deprecated, does nothing, and will be removed in a future version"
            );
            self.log(self.own_record(Level::Warning, text));
        }
        Ok(selection)
    }

    /// A line that the log itself has to say.
    pub(crate) fn own_record(&self, level: Level, message: String) -> Record {
        Record {
            category: None,
            level,
            rate_limit: false,
            time_micros: self.shared.clock.system_micros(),
            mock_time: self.shared.clock.mock_time(),
            thread: platform::thread::internal_name().unwrap_or_default(),
            source: Source { file: file!().into(), line: line!(), module: module_path!().into() },
            message,
            fields: Vec::new(),
        }
    }

    /// Runs `work` on the sink unless this thread is already there.
    fn inside<T>(&self, work: impl FnOnce(&mut Sink) -> T) -> Option<T> {
        struct Leave;
        impl Drop for Leave {
            fn drop(&mut self) {
                let _ = BUSY.try_with(|busy| busy.set(false));
            }
        }
        // A thread that is ending has no flag any more, and cannot be inside.
        if BUSY.try_with(|busy| busy.replace(true)).unwrap_or(false) {
            return None;
        }
        let _leave = Leave;
        Some(work(&mut self.sink()))
    }

    fn sink(&self) -> MutexGuard<'_, Sink> {
        // A listener that panicked has broken nothing of ours.
        self.shared.sink.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
