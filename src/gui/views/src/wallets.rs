//! Creating and opening wallets.

use egui::Ui;
use model::{Action, State};

use crate::field;

pub(crate) fn show(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    let wallets = &state.wallets;
    ui.heading("Wallets");
    if state.connection.is_connected() && !wallets.found.enabled {
        ui.label("This node has no wallets.");
        return;
    }
    field::error(ui, wallets.error.as_deref());
    for warning in &wallets.warnings {
        ui.label(warning);
    }
    let able = state.connection.is_connected() && !wallets.busy;
    ui.add_enabled_ui(able, |ui| {
        if wallets.found.closed.is_empty() {
            ui.label("There are no other wallets to open.");
        }
        for name in &wallets.found.closed {
            if ui.button(format!("Open \"{name}\"")).clicked() {
                actions.push(Action::OpenWallet(name.clone()));
            }
        }
        ui.add_space(12.0);
        ui.heading("New wallet");
        create(ui, state, actions);
    });
}

fn create(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    let form = &state.wallets.form;
    actions.extend(field::text(ui, "Wallet name", &form.name, form.name_error.as_deref()).map(Action::CreateName));
    let (passphrase, _) = field::secret(ui, "Passphrase (empty for none)", &form.passphrase, None);
    actions.extend(passphrase.map(Action::CreatePassphrase));
    let wrong = form.passphrase_error.as_deref();
    let (repeat, entered) = field::secret(ui, "Passphrase again", &form.repeat, wrong);
    actions.extend(repeat.map(Action::CreateRepeat));
    ui.add_space(4.0);
    if ui.button("Create wallet").clicked() || entered {
        actions.push(Action::Create);
    }
}
