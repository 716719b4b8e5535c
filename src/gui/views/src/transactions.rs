//! What came and went.

use egui::{Grid, ScrollArea, Ui};
use model::{Action, State};

use crate::field;

pub(crate) fn show(ui: &mut Ui, state: &State, _actions: &mut Vec<Action>) {
    ui.heading("Transactions");
    field::error(ui, state.history.error.as_deref());
    ScrollArea::both().auto_shrink(false).show(ui, |ui| table(ui, state, usize::MAX));
}

/// The newest ones.
pub(crate) fn table(ui: &mut Ui, state: &State, most: usize) {
    if state.history.rows.is_empty() {
        ui.label("There are no transactions yet.");
        return;
    }
    Grid::new("transactions").num_columns(6).striped(true).spacing([16.0, 4.0]).show(ui, |ui| {
        for title in ["Date (UTC)", "Type", "Label or address", "Amount", "State", "Transaction"] {
            ui.strong(title);
        }
        ui.end_row();
        for row in state.history.rows.iter().take(most) {
            ui.label(&row.time);
            ui.label(row.kind());
            ui.label(if row.label.is_empty() { &row.address } else { &row.label });
            ui.label(format!("{} {}", row.amount, state.ticker));
            ui.label(row.state());
            ui.monospace(&row.txid);
            ui.end_row();
        }
    });
}
