//! What the pages say to somebody who did something too often (spec area 19).

use i18n_embed_fl::fl;

use super::Layout;

/// Up to here seconds are what people count in.
const MOST_SECONDS: i64 = 90;

/// Says how long to wait.
pub fn wait_text(seconds: i64, layout: &Layout) -> String {
    let messages = layout.loader();
    let minutes = (seconds + 59) / 60;
    match seconds <= MOST_SECONDS {
        true => fl!(messages, "limits-wait-seconds", seconds = seconds),
        false => fl!(messages, "limits-wait-minutes", minutes = minutes),
    }
}
