//! Any RPC method by hand.

use egui::{Id, Key, ScrollArea, TextEdit, Ui};
use model::{Action, ConsoleEntry, State};

use crate::field;

pub(crate) fn show(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    let console = &state.console;
    ui.heading("Console");
    ui.label(
        "Enter a method and its arguments; \"help\" lists the methods. Whoever tells you to enter something here may be \
         trying to steal from you.",
    );
    ui.horizontal(|ui| {
        input(ui, state, actions);
        if ui.button("Run").clicked() {
            actions.push(Action::ConsoleRun);
        }
        if ui.button("Clear").clicked() {
            actions.push(Action::ConsoleClear);
        }
    });
    ScrollArea::both().auto_shrink(false).stick_to_bottom(true).show(ui, |ui| {
        for entry in &console.entries {
            match entry {
                ConsoleEntry::Asked(text) => {
                    ui.strong(format!("> {text}"));
                }
                ConsoleEntry::Answer(text) => {
                    ui.monospace(text);
                }
                ConsoleEntry::Error(text) => field::error(ui, Some(text)),
            }
        }
        if console.busy {
            ui.label("Waiting for the answer…");
        }
    });
}

/// The line that is typed. It may hold a passphrase: each line is a field of its own, and is forgotten when it has run.
fn input(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    let console = &state.console;
    let (id, before) = (Id::unique(("console", console.runs)), Id::unique(("console", console.runs.wrapping_sub(1))));
    field::forget(ui, before);
    let label = ui.label("Command");
    let mut text = zeroize::Zeroizing::new(console.input.expose().to_owned());
    let width = (ui.available_width() - 130.0).max(200.0);
    let edit = ui.add(TextEdit::singleline(&mut *text).id(id).desired_width(width)).labelled_by(label.id);
    if edit.changed() {
        actions.push(Action::ConsoleInput(std::mem::take(&mut *text)));
    }
    if field::is_entered(ui, &edit) {
        actions.push(Action::ConsoleRun);
        ui.memory_mut(|memory| memory.request_focus(Id::unique(("console", console.runs + 1))));
    }
    if edit.has_focus() {
        for (key, earlier) in [(Key::ArrowUp, true), (Key::ArrowDown, false)] {
            if ui.input(|input| input.key_pressed(key)) {
                actions.push(Action::ConsoleRecall(earlier));
            }
        }
    }
}
