//! Addresses to be paid at.

use egui::{ComboBox, Grid, ScrollArea, Ui};
use model::{ADDRESS_TYPES, Action, State};

use crate::field;

pub(crate) fn show(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    let receive = &state.receive;
    ui.heading("Receive");
    let able = state.connection.is_connected() && state.wallets.chosen.is_some() && !receive.busy;
    ui.add_enabled_ui(able, |ui| {
        actions.extend(field::text(ui, "Label of the new address", &receive.label, None).map(Action::ReceiveLabel));
        let chosen = ADDRESS_TYPES.iter().find(|(kind, _)| *kind == receive.kind).map_or("", |(_, name)| name);
        ComboBox::from_label("Address type").selected_text(chosen).width(220.0).show_ui(ui, |ui| {
            for (kind, name) in ADDRESS_TYPES {
                if ui.selectable_label(kind == receive.kind, name).clicked() {
                    actions.push(Action::ReceiveType(kind.to_owned()));
                }
            }
        });
        ui.add_space(4.0);
        if ui.button("Create new receiving address").clicked() {
            actions.push(Action::RequestAddress);
        }
    });
    field::error(ui, receive.error.as_deref());
    if let Some(address) = &receive.newest {
        ui.add_space(8.0);
        ui.strong(address);
    }
    ui.add_space(8.0);
    ui.heading("Requested addresses");
    ScrollArea::both().auto_shrink(false).show(ui, |ui| list(ui, state));
}

fn list(ui: &mut Ui, state: &State) {
    Grid::new("addresses").num_columns(3).striped(true).spacing([16.0, 4.0]).show(ui, |ui| {
        for title in ["Label", "Address", "Received"] {
            ui.strong(title);
        }
        ui.end_row();
        for requested in &state.receive.list {
            ui.label(if requested.label.is_empty() { "(no label)" } else { &requested.label });
            ui.label(&requested.address);
            ui.label(format!("{} {}", requested.amount, state.ticker));
            ui.end_row();
        }
    });
}
