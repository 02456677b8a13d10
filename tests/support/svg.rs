//! Screens into one animated picture, for the README: what a terminal showed, with its colours, in a plain window.
//!
//! ```ignore
//! let mut film = Film::new("peerctl azure setup");
//! wizard.wait_for("Which vendor?");
//! film.hold(wizard.picture(), 1500);
//! ...
//! film.keep("setup.svg");
//! ```
//!
//! The frames lie on top of each other, each hidden until its time has come and drawing only the lines that it
//! changes. So the last picture stays, a viewer who asked for less motion (or whose program animates nothing) sees
//! that one at once, and the file is small. The same screens give the same bytes.

use std::fmt::Write;
use std::path::Path;

use vt100::{Cell, Color, Screen};

/// One character, in pixels; every run of text is stretched to whole cells, whatever font the viewer has.
const CELL: (f64, f64) = (8.4, 18.0);
const FONT_SIZE: f64 = 14.0;
const MARGIN: f64 = 14.0;
const TITLE_BAR: f64 = 30.0;

const BACKGROUND: &str = "#0d1117";
const FRAME: &str = "#30363d";
const FOREGROUND: &str = "#d1d7e0";
const MUTED: &str = "#9198a1";
/// The sixteen colours that a terminal has names for, black first, the bright ones after the normal ones.
const NAMED: [&str; 16] = [
    "#484f58", "#ff7b72", "#3fb950", "#d29922", "#58a6ff", "#bc8cff", "#39c5cf", "#b1bac4", //
    "#6e7681", "#ffa198", "#56d364", "#e3b341", "#79c0ff", "#d2a8ff", "#56d4dd", "#ffffff",
];

/// Screens, each with the time that it is shown.
pub struct Film {
    title: String,
    frames: Vec<(Screen, u64)>,
}

impl Film {
    pub fn new(title: &str) -> Self {
        Film {
            title: title.to_owned(),
            frames: Vec::new(),
        }
    }

    /// Shows `screen` for so many milliseconds; the last one stays.
    pub fn hold(&mut self, screen: Screen, milliseconds: u64) {
        self.frames.push((screen, milliseconds));
    }

    /// Writes the picture to `.github/NAME`, but only if `PEERCTL_RECORD` is set: a test run changes no file.
    pub fn keep(&self, name: &str) {
        let svg = self.svg();
        if std::env::var_os("PEERCTL_RECORD").is_some() {
            let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(".github").join(name);
            std::fs::write(&file, svg).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        }
    }

    /// The picture. Panics without a frame.
    pub fn svg(&self) -> String {
        let rows = self
            .frames
            .iter()
            .map(|(screen, _)| screen.size().0.get())
            .max()
            .expect("a frame at least");
        let cols = self
            .frames
            .iter()
            .map(|(screen, _)| screen.size().1.get())
            .max()
            .expect("a frame at least");
        let width = f64::from(cols) * CELL.0 + 2.0 * MARGIN;
        let height = f64::from(rows) * CELL.1 + TITLE_BAR + MARGIN;
        let title = escape(&self.title);

        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.1} {height:.1}\" width=\"{width:.0}\" \
             height=\"{height:.0}\" role=\"img\" aria-label=\"{title}\">\n<title>{title}</title>\n"
        );
        svg += &self.style();
        let _ = write!(
            svg,
            "<rect x=\".5\" y=\".5\" width=\"{:.1}\" height=\"{:.1}\" rx=\"8\" fill=\"{BACKGROUND}\" stroke=\"{FRAME}\"/>\n\
             <text x=\"{:.1}\" y=\"20\" text-anchor=\"middle\" fill=\"{MUTED}\">{title}</text>\n",
            width - 1.0,
            height - 1.0,
            width / 2.0,
        );
        let mut shown: Vec<String> = Vec::new();
        for (index, (screen, _)) in self.frames.iter().enumerate() {
            let lines: Vec<String> = (0..rows).map(|row| line(screen, row)).collect();
            let _ = writeln!(svg, "<g class=\"f{index}\">");
            for (row, now) in lines.iter().enumerate() {
                // An empty line has to be drawn only where it wipes out an older one.
                if shown.get(row).map_or("", String::as_str) != now {
                    let top = TITLE_BAR + row as f64 * CELL.1;
                    svg += &rectangle(MARGIN, top, f64::from(cols), BACKGROUND);
                    let _ = writeln!(svg, "<g transform=\"translate({MARGIN} {top})\">{now}</g>");
                }
            }
            svg += "</g>\n";
            shown = lines;
        }
        svg + "</svg>\n"
    }

    fn style(&self) -> String {
        let mut css = format!(
            "<style>\ntext{{font:{FONT_SIZE}px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;white-space:pre}}\n\
             .b{{font-weight:bold}}.i{{font-style:italic}}.u{{text-decoration:underline}}.d{{opacity:.65}}\n\
             @keyframes hidden{{from,to{{visibility:hidden}}}}\n"
        );
        let mut start = 0;
        for (index, (_, milliseconds)) in self.frames.iter().enumerate() {
            if start > 0 {
                let _ = writeln!(css, ".f{index}{{animation:hidden {start}ms}}");
            }
            start += milliseconds;
        }
        css + "@media (prefers-reduced-motion:reduce){g{animation:none!important}}\n</style>\n"
    }
}

/// How a cell is painted.
#[derive(PartialEq, Clone)]
struct Paint {
    foreground: String,
    background: Option<String>,
    class: String,
}

impl Paint {
    fn of(cell: &Cell, under_cursor: bool) -> Self {
        let (mut foreground, mut background) = (rgb(cell.fgcolor()), rgb(cell.bgcolor()));
        if cell.inverse() != under_cursor {
            (foreground, background) = (
                background.or(Some(BACKGROUND.to_owned())),
                foreground.or(Some(FOREGROUND.to_owned())),
            );
        }
        let classes = [
            (cell.bold(), "b"),
            (cell.italic(), "i"),
            (cell.underline(), "u"),
            (cell.dim(), "d"),
        ]
        .map(|(on, class)| on.then_some(class));
        let class = classes.into_iter().flatten().collect::<Vec<_>>().join(" ");
        Paint {
            foreground: foreground.unwrap_or_else(|| FOREGROUND.to_owned()),
            background,
            class,
        }
    }

    /// Whether a blank in this paint can be told from nothing at all.
    fn shows_blanks(&self) -> bool {
        self.background.is_some() || self.class.contains('u')
    }
}

/// Cells side by side in one paint.
struct Run {
    column: u16,
    cells: u16,
    text: String,
    paint: Paint,
    wide: bool,
}

impl Run {
    fn svg(&self) -> String {
        let mut svg = String::new();
        let x = f64::from(self.column) * CELL.0;
        if let Some(background) = &self.paint.background {
            svg += &rectangle(x, 0.0, f64::from(self.cells), background);
        }
        let text = if self.paint.shows_blanks() {
            &self.text[..]
        } else {
            self.text.trim_end()
        };
        let cells = usize::from(self.cells) - (self.text.chars().count() - text.chars().count());
        if !text.is_empty() {
            let class = if self.paint.class.is_empty() {
                String::new()
            } else {
                format!(" class=\"{}\"", self.paint.class)
            };
            let _ = write!(
                svg,
                "<text xml:space=\"preserve\" x=\"{x:.1}\" y=\"{:.1}\" textLength=\"{:.1}\" lengthAdjust=\"spacingAndGlyphs\" fill=\"{}\"{class}>{}</text>",
                CELL.1 * 0.72,
                cells as f64 * CELL.0,
                self.paint.foreground,
                escape(text),
            );
        }
        svg
    }
}

/// One line of a screen, with its left upper corner at the origin; empty for a blank line.
fn line(screen: &Screen, row: u16) -> String {
    let mut runs: Vec<Run> = Vec::new();
    for column in 0..screen.size().1.get() {
        let Some(cell) = screen.cell(row, column).filter(|cell| !cell.is_wide_continuation()) else {
            continue;
        };
        let paint = Paint::of(cell, !screen.hide_cursor() && screen.cursor_position() == (row, column));
        // A wide character is a run of its own, so that its width cannot shift what stands beside it.
        let cells = if cell.is_wide() { 2 } else { 1 };
        let text = if cell.has_contents() { cell.contents() } else { " " };
        match runs.last_mut() {
            Some(run) if run.paint == paint && !run.wide && !cell.is_wide() => {
                run.text += text;
                run.cells += cells;
            }
            _ => runs.push(Run {
                column,
                cells,
                text: text.to_owned(),
                paint,
                wide: cell.is_wide(),
            }),
        }
    }
    runs.iter().map(Run::svg).collect()
}

fn rectangle(x: f64, y: f64, cells: f64, colour: &str) -> String {
    let (width, height) = (cells * CELL.0, CELL.1);
    format!("<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{colour}\"/>")
}

/// A terminal's colour, absent for its default.
fn rgb(colour: Color) -> Option<String> {
    Some(match colour {
        Color::Default => return None,
        Color::Rgb(red, green, blue) => format!("#{red:02x}{green:02x}{blue:02x}"),
        Color::Idx(named @ 0..=15) => NAMED[usize::from(named)].to_owned(),
        // A cube of six steps a side, then a ramp of greys.
        Color::Idx(cube @ 16..=231) => {
            let step = |part: u8| if part == 0 { 0 } else { 55 + 40 * part };
            let cube = cube - 16;
            format!(
                "#{:02x}{:02x}{:02x}",
                step(cube / 36),
                step(cube / 6 % 6),
                step(cube % 6)
            )
        }
        Color::Idx(grey) => format!("#{0:02x}{0:02x}{0:02x}", 8 + 10 * (grey - 232)),
    })
}

fn escape(text: &str) -> String {
    // What XML cannot hold at all (other control characters) never reaches a cell.
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
