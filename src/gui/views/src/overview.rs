//! What the wallet that is looked at holds.

use egui::{Grid, RichText, ScrollArea, Ui};
use model::{Action, LockState, State};

use crate::{field, transactions};

/// How many of the newest transactions are shown.
const NEWEST: usize = 5;

pub(crate) fn show(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    let Some(name) = &state.wallets.chosen else {
        no_wallet(ui, state, actions);
        return;
    };
    ui.heading(if name.is_empty() { "Default wallet" } else { name });
    field::error(ui, state.overview.error.as_deref());
    let Some([available, pending, immature, total]) = state.overview.amounts() else {
        ui.label("Asking the wallet…");
        return;
    };
    Grid::new("balances").num_columns(2).spacing([24.0, 6.0]).show(ui, |ui| {
        for (what, amount) in [("Available", available), ("Pending", pending), ("Immature", immature), ("Total", total)]
        {
            ui.label(what);
            ui.label(RichText::new(format!("{amount} {}", state.ticker)).strong());
            ui.end_row();
        }
    });
    ui.add_space(8.0);
    if let Some(holdings) = state.overview.holdings {
        ui.horizontal(|ui| {
            ui.label(holdings.lock.text());
            if holdings.lock == LockState::Unlocked && ui.button("Lock wallet").clicked() {
                actions.push(Action::Lock);
            }
        });
    }
    ui.add_space(8.0);
    ui.heading("Recent transactions");
    ScrollArea::horizontal().show(ui, |ui| transactions::table(ui, state, NEWEST));
}

fn no_wallet(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    if !state.connection.is_connected() {
        ui.label("Wallets are shown when the node is there.");
    } else if state.wallets.found.enabled {
        ui.label("No wallet is open.");
        if ui.button("Create or open a wallet").clicked() {
            actions.push(Action::Show(model::Page::Wallets));
        }
    } else {
        ui.label("This node has no wallets. Its console can be used all the same.");
    }
}
