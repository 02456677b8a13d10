//! The harness itself, tried on `sh`: that it waits, types, looks and ends as it says.

mod support;

use support::cli::program;
use support::served::parse_exports;
use support::svg::Film;

#[cfg(unix)]
mod in_a_terminal {
    use super::support::pty::{Exit, NO_ENV, Wizard, keys};

    fn shell(script: &str) -> Wizard {
        Wizard::start_program("sh", ["-c", script], (6, 40), NO_ENV)
    }

    #[test]
    fn it_waits_for_text_answers_and_reads_the_exit_code() {
        // As a prompt does: no echo and no lines while it reads.
        let mut wizard = shell(
            "printf 'Name: '; stty -echo -icanon; read name; stty sane; printf 'Hello, %s.\\n' \"$name\"; exit 3",
        );
        wizard.wait_for("Name:");
        wizard.answer("Ada");
        wizard.answer(keys::ENTER);
        wizard.wait_for("Hello, Ada.");
        assert_eq!(wizard.wait_exit(), Exit::with_code(3));
        assert_eq!(wizard.screen(), "Name: Hello, Ada.", "what is typed is not echoed");
    }

    #[test]
    fn the_first_of_several_texts_is_named() {
        let wizard = shell("echo second");
        assert_eq!(wizard.wait_for_any(&["first", "second"]), 1);
    }

    #[test]
    fn what_was_painted_over_or_scrolled_off_can_still_be_asked_for() {
        let wizard =
            shell("printf 'secret\\r\\033[2K'; for line in 1 2 3 4 5 6 7 8 9; do echo \"\\033[32mline $line\"; done");
        wizard.wait_for("line 9");
        wizard.wait_for("line 1");
        wizard.wait_for_output("secret");
        wizard.wait_exit();
        assert!(!wizard.screen().contains("line 1"), "{}", wizard.screen());
        assert!(
            wizard.scrolled().starts_with("line 1\nline 2\n"),
            "{}",
            wizard.scrolled()
        );
        assert!(wizard.scrolled().ends_with("line 8\nline 9"), "{}", wizard.scrolled());
        assert!(!wizard.scrolled().contains("secret"));
        assert!(
            wizard.transcript().ends_with("line 8\nline 9\n"),
            "{:?}",
            wizard.transcript()
        );
    }

    #[test]
    fn the_cursor_is_seen_to_go_and_to_come_back() {
        let mut wizard =
            shell("printf '\\033[?25lworking'; stty -echo -icanon; read _; printf '\\033[?25hdone'; read _");
        wizard.wait_for("working");
        assert!(!wizard.cursor_visible());
        wizard.answer(keys::ENTER);
        wizard.wait_for("done");
        assert!(wizard.cursor_visible());
    }

    #[test]
    fn arrows_and_escape_arrive_as_keys() {
        let mut wizard = shell("stty raw -echo; printf ready; head -c 5 | od -An -tx1");
        wizard.wait_for("ready");
        wizard.answer(&format!("{}{}", keys::DOWN, keys::ESC));
        wizard.answer("x");
        wizard.wait_for("1b 5b 42 1b 78");
    }

    #[test]
    fn control_c_ends_a_program_by_its_signal_and_that_is_no_exit_code() {
        let mut wizard = shell("echo working; exec sleep 600");
        wizard.wait_for("working");
        wizard.send(keys::CTRL_C);
        let exit = wizard.wait_exit();
        assert_eq!((exit.code, exit.signal.as_deref()), (None, Some("Interrupt")));
    }

    #[test]
    fn the_environment_is_clean_and_the_terminal_has_its_size() {
        let wizard = Wizard::start_program("sh", ["-c", "env; stty size"], (40, 100), [("GIVEN", "yes")]);
        wizard.wait_exit();
        let shown = wizard.screen();
        assert!(
            shown.contains("GIVEN=yes") && shown.contains("TERM=xterm-256color"),
            "{shown}"
        );
        assert!(!shown.contains("CARGO_MANIFEST_DIR"), "{shown}");
        assert!(shown.ends_with("40 100"), "{shown}");
    }

    #[test]
    #[should_panic(expected = "the program ended: Exit { code: Some(0)")]
    fn a_text_that_can_no_longer_come_fails_at_once_and_shows_the_screen() {
        let wizard = shell("echo something else");
        wizard.wait_exit();
        wizard.wait_for("the text");
    }

    #[test]
    fn a_program_deaf_to_the_hang_up_is_ended_with_the_value() {
        let wizard = shell("trap '' HUP; echo \"pid $$.\"; while :; do sleep 1; done");
        wizard.wait_for("pid ");
        let shown = wizard.screen();
        let id = shown.trim_start_matches("pid ").trim_end_matches('.').to_owned();
        let alive = |id: &str| super::program("sh", ["-c", &format!("kill -0 {id}")]).run().code == Some(0);
        assert!(alive(&id));
        drop(wizard);
        assert!(!alive(&id));
    }
}

#[cfg(unix)]
#[test]
fn a_run_without_a_terminal_has_both_streams_the_code_and_no_input() {
    let script = r#"cat; test -t 0 || printf '{"home": "%s"}' "$HOME"; echo oops >&2; exit 4"#;
    let run = program("sh", ["-c", script]);
    let home = run.home().display().to_string();
    let ran = run.run().expect_code(4);
    assert_eq!(
        (ran.json()["home"].as_str(), ran.stderr.as_str()),
        (Some(home.as_str()), "oops\n")
    );
}

#[test]
fn exports_are_read_as_a_shell_reads_them() {
    let read = parse_exports("# a comment\nexport A='1'\nexport B='it'\\''s = b'\n\nexport C=''\n");
    let expected = [("A", "1"), ("B", "it's = b"), ("C", "")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(read, expected.into());
}

/// A screen of 3 lines and 20 columns that shows `text`.
fn screen(text: &str) -> vt100::Screen {
    let size = [3, 20].map(|n: u16| n.try_into().unwrap());
    let mut terminal = vt100::Parser::new(size[0], size[1], 0);
    terminal.process(text.as_bytes());
    terminal.screen().clone()
}

#[test]
fn a_film_draws_what_changes_and_keeps_the_last_picture() {
    let mut film = Film::new("a <film>");
    film.hold(screen("\x1b[?25lsame\r\nold"), 500);
    film.hold(screen("\x1b[?25lsame\r\n\x1b[1;31mnew & red"), 700);
    film.hold(screen("\x1b[?25lsame"), 900);
    let svg = film.svg();
    assert_eq!(svg, film.svg());

    assert_eq!(svg.matches(">same<").count(), 1, "a line that stays is drawn once");
    assert!(svg.contains(r##"fill="#ff7b72" class="b">new &amp; red<"##), "{svg}");
    assert!(svg.contains("<title>a &lt;film&gt;</title>"), "{svg}");
    assert!(!svg.contains(".f0{"), "the first frame is there from the start");
    assert!(
        svg.contains(".f1{animation:hidden 500ms}\n.f2{animation:hidden 1200ms}"),
        "{svg}"
    );
    let last = svg.rsplit("<g class=").next().unwrap();
    assert!(
        last.contains("<rect") && !last.contains("<text"),
        "the line that went is wiped out: {last}"
    );
}

#[test]
fn a_film_draws_the_cursor_and_wide_characters_in_their_columns() {
    let mut film = Film::new("");
    film.hold(screen("\x1b[44m\u{6f22}\x1b[0mx"), 1);
    let svg = film.svg();
    assert!(
        svg.contains(r##"width="16.8" height="18.0" fill="#58a6ff""##),
        "two cells of blue: {svg}"
    );
    assert!(svg.contains(r#"x="16.8""#), "x in the third column: {svg}");
    assert!(
        svg.contains(r##"<rect x="25.2" y="0.0" width="8.4" height="18.0" fill="#d1d7e0"/>"##),
        "the cursor: {svg}"
    );
}
