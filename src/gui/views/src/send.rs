//! Paying somebody.

use egui::{ComboBox, Id, Modal, Ui};
use model::{Action, Fee, Payment, SendForm, SendStage, State, TARGETS, format_amount};

use crate::field;

pub(crate) fn show(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    let form = &state.send;
    ui.heading("Send");
    let able = state.connection.is_connected() && state.wallets.chosen.is_some() && !form.is_paying();
    ui.add_enabled_ui(able, |ui| {
        let address = field::text(ui, "Pay to", &form.address, form.address_error.as_deref());
        actions.extend(address.map(Action::SendAddress));
        let name = format!("Amount ({})", state.ticker);
        let amount = field::text(ui, &name, &form.amount, form.amount_error.as_deref());
        actions.extend(amount.map(Action::SendAmount));
        let mut subtract = form.subtract_fee;
        if ui.checkbox(&mut subtract, "Subtract the fee from the amount").changed() {
            actions.push(Action::SendSubtractFee(subtract));
        }
        fee(ui, form, actions);
        ui.add_space(8.0);
        if ui.button("Review payment").clicked() {
            actions.push(Action::Review);
        }
    });
    field::error(ui, form.error.as_deref());
    match &form.stage {
        SendStage::Editing => {}
        SendStage::Review(payment) => review(ui, state, payment, actions),
        SendStage::Paying(_) => {
            ui.label("Paying…");
        }
        SendStage::Paid(txid) => {
            ui.label("The payment was made. Its transaction:");
            ui.strong(txid);
        }
    }
}

fn fee(ui: &mut Ui, form: &SendForm, actions: &mut Vec<Action>) {
    let by_rate = matches!(form.fee, Fee::Rate(_));
    ui.horizontal(|ui| {
        if ui.radio(!by_rate, "Estimate the fee").clicked() && by_rate {
            actions.push(Action::SendFee(Fee::default()));
        }
        if ui.radio(by_rate, "Set the fee rate").clicked() && !by_rate {
            actions.push(Action::SendFee(Fee::Rate(String::new())));
        }
    });
    match &form.fee {
        Fee::Target(blocks) => {
            let chosen = TARGETS.iter().find(|(target, _)| target == blocks).map_or("", |(_, name)| name);
            ComboBox::from_label("Confirmation target").selected_text(chosen).width(240.0).show_ui(ui, |ui| {
                for (target, name) in TARGETS {
                    if ui.selectable_label(target == *blocks, name).clicked() {
                        actions.push(Action::SendFee(Fee::Target(target)));
                    }
                }
            });
            field::error(ui, form.fee_error.as_deref());
        }
        Fee::Rate(rate) => {
            let rate = field::text(ui, "Fee rate (smallest units per vB)", rate, form.fee_error.as_deref());
            actions.extend(rate.map(|rate| Action::SendFee(Fee::Rate(rate))));
        }
    }
}

/// Shows what is about to be paid. A wallet that is locked is unlocked for it here.
fn review(ui: &Ui, state: &State, payment: &Payment, actions: &mut Vec<Action>) {
    let modal = Modal::new(Id::unique("review")).show(ui.ctx(), |ui| {
        ui.heading("Pay this?");
        ui.label(format!("{} {}", format_amount(payment.amount), state.ticker));
        ui.label(format!("to {}", payment.address));
        ui.label(if payment.subtract_fee { "The fee is taken from the amount." } else { "The fee is added to it." });
        let mut entered = false;
        if state.overview.is_locked() {
            let wrong = state.send.passphrase_error.as_deref();
            let (changed, done) = field::secret(ui, "Wallet passphrase", &state.send.passphrase, wrong);
            actions.extend(changed.map(Action::SendPassphrase));
            entered = done;
        }
        ui.horizontal(|ui| {
            if ui.button("Pay").clicked() || entered {
                actions.push(Action::Pay);
            }
            if ui.button("Cancel").clicked() {
                actions.push(Action::CancelPayment);
            }
        });
    });
    if modal.should_close() {
        actions.push(Action::CancelPayment);
    }
}
