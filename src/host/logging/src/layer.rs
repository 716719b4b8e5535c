//! The layer: from an event of `tracing` to a record.

use std::borrow::Cow;

use tracing::metadata::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use crate::category::Category;
use crate::filter::Level;
use crate::handle::LogHandle;
use crate::record::{Parts, Record, Source};

/// Feeds a [`LogHandle`] with the events of `tracing`.
#[derive(Debug)]
pub struct LogLayer {
    handle: LogHandle,
}

impl LogLayer {
    pub(crate) fn new(handle: LogHandle) -> Self {
        Self { handle }
    }

    fn will_log(&self, metadata: &Metadata<'_>) -> bool {
        self.handle.will_log(Category::from_name(metadata.target()), Level::from(*metadata.level()))
    }
}

impl<S: Subscriber> Layer<S> for LogLayer {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        // The answer holds until the filter changes; the filter then has all call sites ask again.
        if self.will_log(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _context: Context<'_, S>) -> bool {
        self.will_log(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.handle.filter().max_level())
    }

    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let metadata = event.metadata();
        let level = Level::from(*metadata.level());
        // Without a message the fields are the text.
        let has_message = metadata.fields().field("message").is_some();
        let mut parts = Parts::new(self.handle.wants_fields() || !has_message);
        event.record(&mut parts);
        let clock = self.handle.clock();
        self.handle.log(Record {
            category: Category::from_name(metadata.target()),
            level,
            // Who asks for debug lines knows that they fill the disk.
            rate_limit: level >= Level::Info && parts.rate_limit,
            time_micros: clock.system_micros(),
            mock_time: clock.mock_time(),
            thread: platform::thread::internal_name().unwrap_or_default(),
            source: Source {
                file: Cow::Borrowed(metadata.file().unwrap_or("unknown")),
                line: metadata.line().unwrap_or(0),
                module: Cow::Borrowed(metadata.module_path().unwrap_or("unknown")),
            },
            message: parts.text(),
            fields: parts.fields,
        });
    }
}
