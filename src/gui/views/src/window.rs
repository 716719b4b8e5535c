//! The program in a window of the desktop.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use eframe::{App, CreationContext, Frame, NativeOptions};
use egui::{Context, Ui, ViewportBuilder, ViewportCommand};
use model::{Action, Backend, Desk};

use crate::font::install_fonts;
use crate::frame::show;

/// How often the model is told that time passes, in seconds.
const TICK: f64 = 1.0;

/// There is no window to draw in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("There is no window to draw in ({0}): the GUI needs a display, or -platform=offscreen to run without one.")]
pub struct NoWindow(String);

/// Runs until the model says that all is finished, or the window is gone. `start` is called when the window is there,
/// so that without one nothing is started. Answers why the node was refused, if it was.
pub fn window(
    title: &str,
    desk: Desk,
    minimized: bool,
    start: impl FnOnce(&Backend),
) -> Result<Option<String>, NoWindow> {
    let refusal: Arc<Mutex<Option<String>>> = Arc::default();
    let ours = Arc::clone(&refusal);
    let viewport = ViewportBuilder::default()
        .with_title(title)
        .with_inner_size([1000.0, 700.0])
        .with_min_inner_size([700.0, 450.0]);
    let options = NativeOptions { viewport, renderer: eframe::Renderer::Glow, ..NativeOptions::default() };
    let create = move |context: &CreationContext<'_>| {
        install_fonts(&context.egui_ctx);
        let ctx = context.egui_ctx.clone();
        desk.wake_with(move || ctx.request_repaint());
        if minimized {
            context.egui_ctx.send_viewport_cmd(ViewportCommand::Minimized(true));
        }
        start(desk.backend());
        Ok(Box::new(Window { desk, refusal: ours, ticked: 0.0 }) as Box<dyn App>)
    };
    eframe::run_native(title, options, Box::new(create)).map_err(|error| NoWindow(sentence(&error.to_string())))?;
    Ok(refusal.lock().unwrap_or_else(PoisonError::into_inner).clone())
}

/// What the system said, to stand in the middle of a sentence, without the line of code that asked it.
fn sentence(text: &str) -> String {
    let said = text.rsplit_once(".rs:").and_then(|(_, place)| place.split_once(": ")).map_or(text, |(_, said)| said);
    said.trim().trim_end_matches('.').to_owned()
}

struct Window {
    desk: Desk,
    refusal: Arc<Mutex<Option<String>>>,
    /// When the model was told last that time passes.
    ticked: f64,
}

impl App for Window {
    fn logic(&mut self, ctx: &Context, _frame: &mut Frame) {
        self.desk.pump();
        let now = ctx.input(|input| input.time);
        if now - self.ticked >= TICK {
            self.ticked = now;
            self.desk.act(Action::Tick);
        }
        ctx.request_repaint_after(Duration::from_secs_f64(TICK));
        self.refusal.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&self.desk.state().refusal);
        if self.desk.is_finished() {
            ctx.send_viewport_cmd(ViewportCommand::Close);
        } else if ctx.input(|input| input.viewport().close_requested()) {
            // It closes when the node has ended.
            ctx.send_viewport_cmd(ViewportCommand::CancelClose);
            self.desk.act(Action::Quit);
        }
    }

    fn ui(&mut self, ui: &mut Ui, _frame: &mut Frame) {
        for action in show(ui, self.desk.state()) {
            self.desk.act(action);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::sentence;

    #[test]
    fn what_the_system_said_is_one_sentence() {
        assert_eq!(sentence("os error at src/linux/mod.rs:765: no display is set."), "no display is set");
        assert_eq!(sentence("no OpenGL: none: at all"), "no OpenGL: none: at all");
    }
}
