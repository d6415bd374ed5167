//! How far an import is: bars with the rate and the remaining time on a terminal, otherwise a plain line now and then. It
//! goes to standard error, so that the report stands alone on standard output.

use std::fmt;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

/// How many steps are made before anybody is told.
const STRIDE: u64 = 2_048;
/// How often a plain line is written.
const PAUSE: Duration = Duration::from_secs(10);
const BAR: &str = "{msg:>22} [{wide_bar}] {human_pos} of {human_len}  {rate}  {eta} left";

/// Tells how far one thing after the other is.
pub struct Progress {
    stage: Option<Stage>,
    is_terminal: bool,
}

struct Stage {
    name: &'static str,
    bar: ProgressBar,
    steps: u64,
    all: u64,
    begun: Instant,
    told: Instant,
}

impl Progress {
    /// Tells it on standard error.
    pub fn new() -> Self {
        Self { stage: None, is_terminal: std::io::stderr().is_terminal() }
    }

    /// Begins with the next thing, which has about so many steps.
    pub fn begin(&mut self, name: &'static str, all: u64) {
        self.finish();
        let target = if self.is_terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(all), target).with_message(name);
        if let Ok(style) = ProgressStyle::with_template(BAR) {
            let rate = |state: &ProgressState, out: &mut dyn fmt::Write| {
                let _ = write!(out, "{:.0} a second", state.per_sec());
            };
            bar.set_style(style.progress_chars("=> ").with_key("rate", rate));
        }
        let now = Instant::now();
        self.stage = Some(Stage { name, bar, steps: 0, all, begun: now, told: now });
    }

    /// Goes one step further.
    pub fn step(&mut self) {
        let is_plain = !self.is_terminal;
        let Some(stage) = &mut self.stage else { return };
        stage.steps += 1;
        if stage.steps == 1 {
            // The database may have thought for a while before it gave the first row.
            stage.begun = Instant::now();
            stage.bar.reset_eta();
        }
        if !stage.steps.is_multiple_of(STRIDE) {
            return;
        }
        stage.bar.set_position(stage.steps);
        if is_plain && stage.told.elapsed() >= PAUSE {
            stage.told = Instant::now();
            stage.say();
        }
    }

    /// Is so many steps far: they are long ones, each of which is told.
    pub fn at(&mut self, steps: u64) {
        if let Some(stage) = &mut self.stage {
            stage.steps = steps;
            stage.bar.set_position(steps);
        }
    }

    /// Ends the thing at hand.
    pub fn finish(&mut self) {
        let Some(stage) = self.stage.take() else { return };
        stage.bar.set_position(stage.steps);
        stage.bar.finish();
        if !self.is_terminal && stage.all > 0 {
            stage.say();
        }
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}

impl Stage {
    fn say(&self) {
        let seconds = self.begun.elapsed().as_secs_f64();
        let rate = if seconds > 0.1 { format!(", {:.0} a second", self.steps as f64 / seconds) } else { String::new() };
        let Self { name, steps, all, .. } = self;
        let left = match (steps, all.checked_sub(*steps)) {
            (1.., Some(left @ 1..)) => {
                format!(", about {:.0} s left", left as f64 * seconds / *steps as f64)
            }
            _ => String::new(),
        };
        let _ = writeln!(std::io::stderr(), "{name}: {steps} of {all}{rate}{left}");
    }
}
