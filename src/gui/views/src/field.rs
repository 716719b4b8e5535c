//! What forms are made of: a name, something to fill in, and what is wrong with it.

use egui::text_edit::TextEditState;
use egui::{Id, Key, Response, TextEdit, Ui};
use interfaces::Secret;

/// The width of what is filled in.
const WIDTH: f32 = 420.0;

/// Says what is wrong.
pub(crate) fn error(ui: &mut Ui, error: Option<&str>) {
    if let Some(error) = error {
        let color = ui.visuals().error_fg_color;
        ui.colored_label(color, error);
    }
}

/// A line of text. Answers with the new text, if it was changed.
pub(crate) fn text(ui: &mut Ui, name: &str, value: &str, wrong: Option<&str>) -> Option<String> {
    let label = ui.label(name);
    let mut text = value.to_owned();
    let edit = ui.add(TextEdit::singleline(&mut text).id_salt(name).desired_width(WIDTH));
    let edit = edit.labelled_by(label.id);
    error(ui, wrong);
    edit.changed().then_some(text)
}

/// A passphrase. Answers with the new one, if it was changed, and whether it was finished with the enter key.
pub(crate) fn secret(ui: &mut Ui, name: &str, value: &Secret, wrong: Option<&str>) -> (Option<Secret>, bool) {
    let label = ui.label(name);
    let id = ui.make_persistent_id(name);
    if value.expose().is_empty() {
        forget(ui, id);
    }
    let mut text = value.expose().to_owned();
    let edit = ui.add(TextEdit::singleline(&mut text).id(id).password(true).desired_width(WIDTH));
    let edit = edit.labelled_by(label.id);
    error(ui, wrong);
    // The text moves into the secret, and is wiped with it.
    let (changed, entered) = (edit.changed(), is_entered(ui, &edit));
    let text = Secret::new(text);
    (changed.then_some(text), entered)
}

/// Whether the enter key ended the editing of a line.
pub(crate) fn is_entered(ui: &Ui, edit: &Response) -> bool {
    edit.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter))
}

/// Drops what a text field remembers, such as what can be undone: it may be a passphrase.
pub(crate) fn forget(ui: &Ui, id: Id) {
    ui.ctx().data_mut(|data| data.remove::<TextEditState>(id));
}
