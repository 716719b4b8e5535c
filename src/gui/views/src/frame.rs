//! What is around every screen: the banner, the menu, the line below.

use egui::{CentralPanel, ComboBox, Id, Modal, Panel, RichText, ScrollArea, Ui};
use model::{Action, Connection, Page, State};

use crate::{console, field, overview, receive, send, transactions, wallets};

/// Draws a state. Answers what the user did.
pub fn show(ui: &mut Ui, state: &State) -> Vec<Action> {
    let mut actions = Vec::new();
    if let Some(banner) = state.connection.banner() {
        Panel::top("banner").show(ui, |ui| {
            let refused = matches!(state.connection, Connection::Refused(_));
            let color = if refused { ui.visuals().error_fg_color } else { ui.visuals().warn_fg_color };
            ui.horizontal_wrapped(|ui| {
                if !refused {
                    ui.spinner();
                }
                ui.label(RichText::new(banner).color(color).strong());
            });
        });
    }
    Panel::bottom("status").show(ui, |ui| status(ui, state, &mut actions));
    Panel::left("menu").resizable(false).default_size(170.0).show(ui, |ui| menu(ui, state, &mut actions));
    CentralPanel::default().show(ui, |ui| {
        let page = match state.page {
            Page::Overview => overview::show,
            Page::Send => send::show,
            Page::Receive => receive::show,
            Page::Transactions => transactions::show,
            Page::Wallets => wallets::show,
            Page::Console => console::show,
        };
        page(ui, state, &mut actions);
    });
    notice(ui, state, &mut actions);
    actions
}

fn menu(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    ui.add_space(4.0);
    let chosen = state.wallets.chosen.as_deref();
    ComboBox::from_label("Wallet").selected_text(chosen.map_or("(none)", shown)).width(100.0).show_ui(ui, |ui| {
        for name in &state.wallets.found.open {
            if ui.selectable_label(chosen == Some(name), shown(name)).clicked() {
                actions.push(Action::ChooseWallet(name.clone()));
            }
        }
    });
    ui.separator();
    for (page, name) in Page::ALL {
        if ui.selectable_label(state.page == page, name).clicked() {
            actions.push(Action::Show(page));
        }
    }
    ui.separator();
    if ui.button("Quit").clicked() {
        actions.push(Action::Quit);
    }
}

fn shown(name: &str) -> &str {
    if name.is_empty() { "(default)" } else { name }
}

fn status(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    let bar = &state.bar;
    ui.horizontal_wrapped(|ui| {
        let Some(status) = &bar.status else {
            ui.label("No node yet");
            return;
        };
        ui.label(format!("Height {}", status.tip.height));
        ui.separator();
        ui.label(format!("Headers {}", status.header_height));
        ui.separator();
        if status.initial_block_download {
            ui.label(format!("Catching up: {}", bar.percent().unwrap_or_default()));
            ui.separator();
        }
        ui.label(format!("Last block {} UTC", bar.last_block().unwrap_or_default()));
        ui.separator();
        ui.label(format!("Peers {} in, {} out", status.connections_in, status.connections_out));
        ui.separator();
        let mut active = status.network_active;
        let able = state.connection.is_connected();
        if ui.add_enabled(able, egui::Checkbox::new(&mut active, "Network active")).changed() {
            actions.push(Action::SetNetworkActive(active));
        }
    });
    if let Some(progress) = &bar.progress {
        ui.label(format!("{} {} %", progress.title, progress.percent));
    } else if !bar.message.is_empty() {
        ui.label(&bar.message);
    }
    let warnings = bar.status.as_ref().map_or("", |status| &status.warnings);
    field::error(ui, Some(warnings).filter(|warnings| !warnings.is_empty()));
}

fn notice(ui: &Ui, state: &State, actions: &mut Vec<Action>) {
    let Some(notice) = &state.notice else { return };
    let modal = Modal::new(Id::unique("notice")).show(ui.ctx(), |ui| {
        ui.heading(if notice.error { "Error" } else { "Message" });
        ScrollArea::vertical().max_height(300.0).show(ui, |ui| ui.label(&notice.text));
        if ui.button("Close").clicked() {
            actions.push(Action::DismissNotice);
        }
    });
    if modal.should_close() {
        actions.push(Action::DismissNotice);
    }
}
