//! Just enough of Rust's lexical grammar to tell code from comments and texts.

/// A source file, taken apart. Lines keep their numbers in all parts.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    /// The code: comments are blank, and every text literal is an empty `""`.
    pub(crate) code: String,
    /// The code with text literals kept.
    pub(crate) code_and_texts: String,
}

/// Takes `source` apart.
pub(crate) fn parts(source: &str) -> Parts {
    let letters: Vec<char> = source.chars().collect();
    let mut parts = Parts::default();
    let mut at = 0;
    while at < letters.len() {
        let rest = &letters[at..];
        if rest.starts_with(&['/', '/']) {
            at += rest.iter().position(|letter| *letter == '\n').unwrap_or(rest.len());
        } else if rest.starts_with(&['/', '*']) {
            let end = block_comment(rest);
            keep_lines(&rest[..end], &mut parts.code);
            keep_lines(&rest[..end], &mut parts.code_and_texts);
            at += end;
        } else if let Some(end) = text_literal(rest, at.checked_sub(1).map(|before| letters[before])) {
            parts.code.push_str("\"\"");
            keep_lines(&rest[..end], &mut parts.code);
            parts.code_and_texts.extend(&rest[..end]);
            at += end;
        } else if let Some(end) = character(rest) {
            parts.code.push_str("' '");
            parts.code_and_texts.extend(&rest[..end]);
            at += end;
        } else {
            parts.code.push(rest[0]);
            parts.code_and_texts.push(rest[0]);
            at += 1;
        }
    }
    parts
}

fn keep_lines(letters: &[char], out: &mut String) {
    out.extend(letters.iter().filter(|letter| **letter == '\n'));
}

/// The length of a block comment, which may hold others.
fn block_comment(letters: &[char]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < letters.len() {
        if letters[at..].starts_with(&['/', '*']) {
            depth += 1;
            at += 2;
        } else if letters[at..].starts_with(&['*', '/']) {
            depth -= 1;
            at += 2;
            if depth == 0 {
                break;
            }
        } else {
            at += 1;
        }
    }
    at
}

/// The length of a text literal in any of its forms (`"…"`, `r#"…"#`, with `b` or `c` before), if one starts here.
fn text_literal(letters: &[char], before: Option<char>) -> Option<usize> {
    // The `r` of `for"x"` ends a word and opens nothing.
    let in_word = before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
    if in_word && letters.first() != Some(&'"') {
        return None;
    }
    let mut at = usize::from(matches!(letters.first(), Some('b' | 'c')));
    let raw = letters.get(at) == Some(&'r');
    at += usize::from(raw);
    let hashes = if raw { letters[at..].iter().take_while(|letter| **letter == '#').count() } else { 0 };
    at += hashes;
    if letters.get(at) != Some(&'"') {
        return None;
    }
    at += 1;
    while at < letters.len() {
        match letters[at] {
            '\\' if !raw => at += 2,
            '"' if letters[at + 1..].iter().take_while(|letter| **letter == '#').take(hashes).count() == hashes => {
                return Some(at + 1 + hashes);
            }
            _ => at += 1,
        }
    }
    Some(letters.len())
}

/// The length of a character literal, if one starts here and it is not a lifetime.
fn character(letters: &[char]) -> Option<usize> {
    match letters {
        ['\'', '\\', escaped, tail @ ..] if *escaped != '\n' => {
            // The longest escape is `\u{10ffff}`.
            let tail = &tail[..tail.len().min(10)];
            let end = tail.iter().position(|letter| matches!(letter, '\'' | '\n'))?;
            (tail[end] == '\'').then_some(end + 4)
        }
        ['\'', letter, '\'', ..] if *letter != '\n' => Some(3),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn comments_and_texts_leave_the_code() {
        let source =
            "let a = \"unsafe\"; // unsafe\n/* unsafe /* nested */\n */ let b = r#\"un\"safe\"#; let c = b\"x\\\"\";\n";
        let parts = parts(source);
        assert_eq!(parts.code, "let a = \"\"; \n\n let b = \"\"; let c = \"\";\n");
        assert!(parts.code_and_texts.contains("un\"safe") && !parts.code_and_texts.contains("nested"));
    }

    #[test]
    fn characters_are_told_from_lifetimes() {
        let parts =
            parts("fn f<'a>(x: &'a str) -> char { '\"' } // '\nlet q = '\\''; let u = '\\u{41}'; let s = \"'\";");
        assert!(parts.code.starts_with("fn f<'a>(x: &'a str) -> char { ' ' }"), "{}", parts.code);
        assert!(parts.code.ends_with("let q = ' '; let u = ' '; let s = \"\";"), "{}", parts.code);
    }

    #[test]
    fn a_name_that_ends_in_r_does_not_open_a_raw_text() {
        assert_eq!(parts("for\"a\"").code, "for\"\"");
    }

    proptest! {
        #[test]
        fn any_text_keeps_its_lines(text in "[a-z'\"#/*\\\\ \n]{0,60}") {
            let lines = |text: &str| text.matches('\n').count();
            let parts = parts(&text);
            prop_assert_eq!(lines(&parts.code), lines(&text));
            prop_assert_eq!(lines(&parts.code_and_texts), lines(&text));
        }
    }
}
