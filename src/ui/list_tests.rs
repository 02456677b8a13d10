use super::*;

/// A question that lives as long as a test.
fn asked(text: &str) -> &'static PromptQuestion {
    Box::leak(Box::new(PromptQuestion::new(text, "What it is for.")))
}

fn rows(count: usize) -> ListItems {
    ListItems::of((1..=count).map(|n| ListItem::new([format!("vnet-{n}"), format!("10.{n}.0.0/16")])))
}

fn picture(list: &mut ListPrompt<'_>, rows: &ListItems, size: (usize, usize)) -> Vec<String> {
    let lines = list.picture(&rows.look(), size);
    let plain = lines
        .iter()
        .map(|line| console::strip_ansi_codes(line).trim_end().to_owned());
    plain.collect()
}

fn press(list: &mut ListPrompt<'_>, rows: &ListItems, keys: &[Key]) -> Vec<String> {
    for key in keys {
        assert_eq!(list.take(key), None, "{key:?}");
        picture(list, rows, (24, 80));
    }
    picture(list, rows, (24, 80))
}

fn typed(text: &str) -> Vec<Key> {
    text.chars().map(Key::Char).collect()
}

/// The marked line, without its marker.
fn marked(picture: &[String]) -> &str {
    let marked = picture.iter().find_map(|line| line.strip_prefix("❯ "));
    marked.expect("a marked row").split_whitespace().next().expect("a name")
}

#[test]
fn list_prompt_shows_question_and_rows() {
    let mut list = ListPrompt::new(asked("Virtual network"));
    let shown = press(&mut list, &rows(2), &typed("vnet"));
    assert_eq!(
        shown,
        [
            "? Virtual network › vnet",
            "❯ vnet-1  10.1.0.0/16",
            "  vnet-2  10.2.0.0/16"
        ]
    );
}

#[test]
fn list_prompt_marker_wraps_and_pages() {
    let (rows, mut list) = (rows(25), ListPrompt::new(asked("?")));
    let table: [(&[Key], &str); 7] = [
        (&[], "vnet-1"),
        (&[Key::ArrowUp], "vnet-25"),
        (&[Key::Tab], "vnet-1"),
        (&[Key::ArrowDown, Key::ArrowDown], "vnet-3"),
        (&[Key::PageDown], "vnet-13"),
        (&[Key::PageDown, Key::PageDown], "vnet-25"),
        (&[Key::PageUp, Key::BackTab], "vnet-14"),
    ];
    for (keys, expected) in table {
        let shown = press(&mut list, &rows, keys);
        assert_eq!(marked(&shown), expected, "{shown:#?}");
        assert_eq!(shown.len(), 1 + MOST_ROWS + 1);
        assert_eq!(shown.last().map(String::as_str), Some("  25 in all."));
    }
}

#[test]
fn list_prompt_choice_matches_screen() {
    let rows = ListItems::default();
    let mut list = ListPrompt::new(asked("?"));
    let first = picture(&mut list, &rows, (24, 80));
    assert_eq!(first, ["? ? ›", "  Reading…"]);
    rows.push([ListItem::new(["b"])]);
    assert_eq!(list.take(&Key::Enter), None, "nobody has seen this one");
    assert_eq!(list.take(&Key::End), None, "it was not meant");
    picture(&mut list, &rows, (24, 80));
    rows.push([ListItem::new(["a"]), ListItem::new(["c"])]);
    let shown = picture(&mut list, &rows, (24, 80));
    assert_eq!(shown, ["? ? ›", "❯ b", "  a", "  c", "  3 so far, and reading more…"]);
    assert_eq!(list.take(&Key::Enter), Some(ListChoice::Row(0)));
    press(&mut list, &rows, &typed("c"));
    assert_eq!(list.take(&Key::Enter), Some(ListChoice::Row(2)));
}

#[test]
fn list_prompt_enter_without_rows_ignored() {
    let rows = ListItems::default();
    let mut list = ListPrompt::new(asked("?"));
    press(&mut list, &rows, &typed("b"));
    let shown = press(&mut list, &rows, &[Key::Enter]);
    assert_eq!(shown[1..], ["  Reading…"]);
    rows.push(["a", "b1", "b2"].map(|name| ListItem::new([name])));
    rows.complete(None);
    let shown = picture(&mut list, &rows, (24, 80));
    assert_eq!(marked(&shown), "b1");
    assert_eq!(list.take(&Key::Enter), Some(ListChoice::Row(1)));
}

#[test]
fn list_prompt_escape_clears_filter_first() {
    let (rows, mut list) = (rows(2), ListPrompt::new(asked("?")));
    press(&mut list, &rows, &typed("x"));
    let shown = press(&mut list, &rows, &[Key::Escape]);
    assert_eq!(marked(&shown), "vnet-1");
    let shown = press(&mut list, &rows, &typed("?"));
    assert_eq!(shown.last().map(String::as_str), Some("  What it is for."));
    let shown = press(&mut list, &rows, &typed("?"));
    assert!(!shown.iter().any(|line| line.contains("What it is for")), "{shown:#?}");
    assert_eq!(list.take(&Key::Escape), Some(ListChoice::Back));
}

#[test]
fn list_prompt_headings_align_with_columns() {
    let rows = ListItems::of([ListItem::new(["v", "10.1.0.0/16"])]).headed(["Network", "Addresses"]);
    let mut list = ListPrompt::new(asked("?"));
    let shown = picture(&mut list, &rows, (24, 80));
    assert_eq!(shown[1..], ["  Network  Addresses", "❯ v        10.1.0.0/16"]);
    let shown = picture(&mut list, &rows, (24, 40));
    assert_eq!(shown.len(), 2, "{shown:#?}");
}

#[test]
fn list_prompt_footer_counts_hidden_rows() {
    let many = rows(1_234);
    let table = [
        ("", vec!["1,234 in all."]),
        ("vnet-1", vec!["346 of 1,234 fit."]),
        ("vnet-777", vec![]),
        ("vnet777", vec!["None fits as it is. Close to it: 30."]),
        ("x", vec!["None of them fits."]),
    ];
    for (text, expected) in table {
        let mut list = ListPrompt::new(asked("?"));
        list.typed = LineEditor::default();
        press(&mut list, &many, &typed(text));
        assert_eq!(footer(&many.look(), &list.filter, MOST_ROWS), expected, "{text}");
    }
    many.complete(Some("There are more.".to_owned()));
    let mut list = ListPrompt::new(asked("?"));
    let shown = press(&mut list, &many, &typed("vnet-777"));
    assert_eq!(shown.last().map(String::as_str), Some("  There are more."));
}

#[test]
fn list_prompt_fits_screen() {
    let long = ListItems::of([
        ListItem::new(["a".repeat(90), "b".to_owned()]),
        ListItem::new(["x", "y"]),
    ]);
    let question = "Consent for Kong (your tenant has no service principal of it yet)";
    for (height, width) in [(24, 80), (10, 40), (5, 20), (3, 20), (1, 16)] {
        let mut list = ListPrompt::new(asked(question));
        press(&mut list, &long, &typed("a"));
        let shown = picture(&mut list, &long, (height, width));
        assert!(shown[0].starts_with("? C") && shown[0].contains("› a"), "{shown:#?}");
        assert!(
            shown.iter().all(|line| console::measure_text_width(line) <= width),
            "{shown:#?}"
        );
        assert!(shown.len() < height.max(3), "{height}: {shown:#?}");
        assert!(shown[1].starts_with("❯ a"), "{shown:#?}");
    }
}

#[test]
fn list_prompt_columns_share_width() {
    let rows = ListItems::of([
        ListItem::new(["a", "x"]),
        ListItem::new(["long", "y"]),
        ListItem::new(["n".repeat(40), "z".into()]),
    ]);
    let shown = picture(&mut ListPrompt::new(asked("?")), &rows, (24, 80));
    let at = |line: &str, wanted| line.chars().position(|c| c == wanted);
    assert_eq!(at(&shown[1], 'x'), at(&shown[2], 'y'));
    assert!(shown[3].ends_with("n  z"), "{shown:#?}");
}
