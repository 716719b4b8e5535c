//! The font that is part of the program.

use std::sync::Arc;

use egui::{Context, FontData, FontDefinitions, FontFamily};

/// Has `ctx` draw text with it.
pub fn install_fonts(ctx: &Context) {
    let name = "Roboto".to_owned();
    let mut fonts = FontDefinitions::empty();
    let data = FontData::from_static(include_bytes!("../fonts/Roboto-Regular.ttf"));
    fonts.font_data.insert(name.clone(), Arc::new(data));
    for family in [FontFamily::Proportional, FontFamily::Monospace] {
        fonts.families.entry(family).or_default().push(name.clone());
    }
    ctx.set_fonts(fonts);
}
