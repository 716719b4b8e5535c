//! The whole program without a window: every frame is laid out and thrown away.

use std::time::Duration;

use egui::{Context, Pos2, RawInput, Rect, Vec2};
use model::{Action, Desk};

use crate::frame::show;

/// How long nothing may happen before the model is told that time passes.
const TICK: Duration = Duration::from_secs(1);
/// The size of the window that there is not.
const SIZE: Vec2 = Vec2::new(1000.0, 700.0);

/// Runs until the model says that all is finished. A node that is refused is the end: nobody would read why. Answers why
/// it was refused, if it was.
pub fn offscreen(mut desk: Desk) -> Option<String> {
    let ctx = Context::default();
    ctx.enable_accesskit();
    loop {
        draw(&ctx, &desk);
        if desk.state().refusal.is_some() {
            desk.act(Action::Quit);
        }
        if desk.is_finished() {
            return desk.state().refusal.clone();
        }
        if !desk.wait(TICK) {
            desk.act(Action::Tick);
        }
    }
}

fn draw(ctx: &Context, desk: &Desk) {
    let input = RawInput { screen_rect: Some(Rect::from_min_size(Pos2::ZERO, SIZE)), ..RawInput::default() };
    let mut output = ctx.run_ui(input, |ui| {
        // Nobody is there to do anything.
        drop(show(ui, desk.state()));
    });
    // There is nothing that textures would be loaded into.
    output.textures_delta.clear();
    drop(ctx.tessellate(output.shapes, output.pixels_per_point));
}
